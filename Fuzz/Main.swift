import Foundation
import Statistics

// libFuzzer has the main function, and calls these three.

/// The reader that `--reader=NAME` names; libFuzzer takes no notice of what begins with two dashes.
private let reader: Reader = {
  let option = "--reader="
  let name = CommandLine.arguments.last { $0.hasPrefix(option) }?.dropFirst(option.count)
  guard let reader = Reader.all.first(where: { $0.name == name ?? "" }) else {
    fatalError("--reader= takes \(Reader.all.map(\.name).joined(separator: ", "))")
  }
  return reader
}()

/// Prints the readers' names where they are asked for.
@_cdecl("LLVMFuzzerInitialize")
public func prepare(
  _ count: UnsafeMutablePointer<CInt>?,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>?
) -> CInt {
  if CommandLine.arguments.contains("--list") {
    for reader in Reader.all { print(reader.name) }
    exit(0)
  }
  signal(SIGPROF) { _ in abort() }
  return 0
}

/// The processor time that one input may take. Not a clock's time, which passes on a busy machine too.
private let limit = itimerval(it_interval: timeval(), it_value: timeval(tv_sec: 20, tv_usec: 0))

/// Reads some bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var limit = limit
  setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &limit, nil)
  reader.run(start.map { Data(bytes: $0, count: count) } ?? Data())
  return 0
}

/// Changes bytes in place; the seed decides how.
@_cdecl("LLVMFuzzerCustomMutator")
public func change(
  _ start: UnsafeMutablePointer<UInt8>, _ count: Int, _ most: Int, _ seed: UInt32
) -> Int {
  var random = RandomStream(RandomKey(seed: UInt64(seed), purpose: .test))
  let changed = reader.change(Data(bytes: start, count: count), most, &random).prefix(most)
  changed.copyBytes(to: start, count: changed.count)
  return changed.count
}
