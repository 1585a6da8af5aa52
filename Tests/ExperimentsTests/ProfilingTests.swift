import CAllocations
import Experiments
import Foundation
import Reporting
import Testing

@Suite("Profiles of gperftools")
struct CPUProfileTests {
  private static func data(_ words: [UInt64], maps: String = "") -> Data {
    words.withUnsafeBytes { Data($0) } + Data(maps.utf8)
  }

  private static let head: [UInt64] = [0, 3, 0, 10_000, 0]
  private static let records: [UInt64] = [2, 3, 0x51, 0x62, 0x73, 7, 1, 0x51]
  private static let end: [UInt64] = [0, 1, 0]
  private static let maps = """
    40-60 r-xp 00001000 08:01 17    /usr/lib/a b.so
    60-70 rw-p 00002000 08:01 17    /usr/lib/a b.so
    70-80 r-xp 00000000 00:00 0

    """

  @Test("samples, period and mapped code are read as the format says")
  func read() throws {
    let profile = try CPUProfile(Self.data(Self.head + Self.records + Self.end, maps: Self.maps))
    #expect(profile.period == 10_000)
    #expect(
      profile.samples == [
        CPUProfile.Sample(addresses: [0x51, 0x62, 0x73], count: 2),
        CPUProfile.Sample(addresses: [0x51], count: 7),
      ])
    #expect(
      profile.mappings == [
        CPUProfile.Mapping(addresses: 0x40..<0x60, fileOffset: 0x1000, path: "/usr/lib/a b.so")
      ])
  }

  @Test("a profile that ends early is an error at its end, wherever that is")
  func truncated() throws {
    let whole = Self.data(Self.head + Self.records + Self.end)
    for length in 0..<whole.count {
      let error = #expect(throws: CPUProfileError.self) {
        try CPUProfile(whole.prefix(length))
      }
      #expect(error?.offset == length / 8 * 8)
    }
  }

  @Test(
    "numbers that cannot be are an error where they stand",
    arguments: [(0, 1), (1, 2), (1, .max), (2, 1), (3, .max), (5, .max), (6, .max)])
  func wrong(place: Int, value: UInt64) {
    var words = Self.head + Self.records + Self.end
    words[place] = value
    let error = #expect(throws: CPUProfileError.self) { try CPUProfile(Self.data(words)) }
    #expect(error?.offset == 8 * place)
  }
}

@Suite("Names in profiles")
struct SymbolNameTests {
  @Test(
    "module, types and base name are left; closures and thunks are their function",
    arguments: [
      (
        "Kernels.WorkerPool.map<A where A: Swift.Sendable>(count: Swift.Int, _: @Sendable (Swift.Int) throws -> A) throws -> [A]",
        "Kernels.WorkerPool.map"
      ),
      (
        "partial apply forwarder for closure #1 () throws -> A in closure #2 @Sendable (Swift.Int) -> () in Kernels.WorkerPool.map<A where A: Swift.Sendable>(count: Swift.Int, _: (Swift.Int) throws -> A) throws -> [A]",
        "Kernels.WorkerPool.map"
      ),
      (
        "merged partial apply forwarder for closure #1 (Swift.Int) -> Swift.SIMD16<Swift.Float> in KernelsAVX512.(matrixTiles in _9A02)(Swift.Int, KernelsAVX512.Finish.Kind) -> ()",
        "KernelsAVX512.matrixTiles"
      ),
      (
        "function signature specialization <Arg[1] = Exploded, Arg[2] = [Closure Propagated : closure #1 () -> () in M.f() -> ()]> of Robustness.ProjectedGradientDescent.(descend in _FA49)(_: Swift.Int) throws -> NeuralNetwork.Pixels",
        "Robustness.ProjectedGradientDescent.descend"
      ),
      (
        "generic specialization <(), Swift.Never> of NeuralNetwork.Tensor.withUnsafeMutablePointer<A, B where B: Swift.Error>((Swift.UnsafeMutablePointer<Swift.Float>) throws(B) -> A) throws(B) -> A",
        "NeuralNetwork.Tensor.withUnsafeMutablePointer"
      ),
      (
        "protocol witness for ArgumentParser.ParsableCommand.run() throws -> () in conformance mixup_inference.Train : ArgumentParser.ParsableCommand in mixup_inference",
        "ArgumentParser.ParsableCommand.run"
      ),
      (
        "static NeuralNetwork.BatchNormalization.(sums in _6AB5)(of: NeuralNetwork.Tensor) -> [Swift.Double]",
        "NeuralNetwork.BatchNormalization.sums"
      ),
      (
        "(extension in NeuralNetwork):NeuralNetwork.Classifier.logits(of: NeuralNetwork.Pixels) throws -> NeuralNetwork.Tensor",
        "NeuralNetwork.Classifier.logits"
      ),
      (
        "(extension in Swift):Swift.Result< where A: ~Swift.Copyable>.init(catching: () throws(B) -> A) -> Swift.Result<A, B>",
        "Swift.Result.init"
      ),
      (
        "run #1 (KernelsAVX512.Finish.Kind) -> () in KernelsAVX512.matrixProduct(rows: Swift.Int) -> ()",
        "KernelsAVX512.matrixProduct"
      ),
      (
        "partial apply forwarder for closure #2 () -> M.Tensor in Workloads.Workload.(in _B1CA)"
          + ".init(training: M.Inputs) throws -> Workloads.Workload",
        "Workloads.Workload.init"
      ),
      ("NeuralNetwork.Tensor.count.getter : Swift.Int", "NeuralNetwork.Tensor.count.getter"),
      (
        "KernelsAVX2.(Cursor in _E4).next(KernelsAVX2.(Group in _E4)) -> KernelsAVX2.(Place in _E4)",
        "KernelsAVX2.Cursor.next"
      ),
      ("static Swift.Int.== infix(Swift.Int, Swift.Int) -> Swift.Bool", "Swift.Int.=="),
    ])
  func functions(demangled: String, name: String) {
    #expect(SymbolName.function(demangled) == name)
  }

  @Test(
    "what is no function keeps its text",
    arguments: [
      "type metadata accessor for Swift.Optional", "outlined destroy of M.InferencePlan.Step", "",
      "(", "closure #1", "generic specialization <", "a.", ".b", "f <",
    ])
  func others(demangled: String) {
    #expect(SymbolName.function(demangled) == nil)
  }

  // The symbols are the compilers' own: `swiftc -emit-silgen`, and c++filt's manual.
  @Test("symbols of Swift, C and C++ are told apart")
  func symbols() {
    #expect(SymbolName.readable("$s1M1fyyF", library: "l") == "M.f")
    #expect(SymbolName.readable("memset", library: "libc") == "libc.memset")
    #expect(SymbolName.readable("_Z1fv", library: "libx") == "libx.f")
    #expect(SymbolName.readable("_ZN1MIiE4findIiEEiT_", library: "libx") == "libx.M::find")
    #expect(SymbolName.readable("_Z", library: "libx") == "libx._Z")
  }
}

@Suite("Functions of ELF files")
struct ELFSymbolsTests {
  // The loader knows where it has put them: an implementation that is not ours.
  @Test(
    "are found where the loader has put them",
    .enabled(if: allocations_are_counted(), "a sanitizer puts functions of its own before libc's"),
    arguments: [
      ("libc", "qsort"), ("libc", "getenv"), ("libswiftCore", "swift_retain"),
      ("libopenblas", "openblas_get_config"),
    ])
  func loader(library: String, name: String) throws {
    // Loaded where it is used, and so no longer among what `dlsym` finds by itself.
    let handle = library == "libopenblas" ? dlopen("libopenblas.so.0", RTLD_LAZY) : nil
    let function: UnsafeMutableRawPointer = try #require(dlsym(handle, name))
    let address = UInt64(UInt(bitPattern: function))
    // As a stream: the file's size says nothing.
    let maps = try #require(
      try FileHandle(forReadingFrom: URL(filePath: "/proc/self/maps")).readToEnd())
    // Where it ran; then where a call returns to, which is behind the call: the start of a function
    // belongs to one before it.
    let words: [UInt64] = [0, 3, 0, 1, 0, 1, 3, address, address, address + 1, 0, 1, 0]
    let profile = try CPUProfile(words.withUnsafeBytes { Data($0) } + maps)
    var symbolizer = Symbolizer(profile.mappings)
    let stacks = symbolizer.stacks(of: profile)
    let frames = try #require(stacks.stacks.first?.frames)
    try #require(frames.count == 3, "\(frames)")
    #expect(frames[0].hasPrefix(library) && frames[0].hasSuffix(".\(name)"), "\(frames)")
    #expect(frames[2] == frames[0] && frames[1] != frames[0] && frames[1].hasPrefix(library))
  }

  @Test("nothing is found in what is no such file, and nothing crashes on half of one")
  func damaged() throws {
    #expect(ELFSymbols(path: "/none") == nil)
    #expect(ELFSymbols(Data("text".utf8)) == nil)
    let whole = try Data(contentsOf: URL(filePath: "/bin/true"))
    for length in stride(from: 0, to: whole.count, by: 97) {
      let symbols = ELFSymbols(whole.prefix(length))
      #expect(symbols == nil || symbols?.name(atFileOffset: .max) == nil)
    }
  }
}

// There is one profiler in a process.
@Suite("The profiler", .serialized)
struct ProfilerTests {
  private struct Stop: Error {}

  @Test("finds a function that spins, below what called it, and nothing of the way there")
  func spinning() throws {
    let (result, run) = try Profiler.run { spinningCaller() }
    #expect(result > 0 && run.period == 0.01 && run.seconds > 0)
    // Other tests run at the same time and are in the profile too.
    let own = run.stacks.stacks.filter { $0.frames.last == "ExperimentsTests.spinningFunction" }
    #expect(!own.isEmpty)
    for stack in own {
      #expect(
        stack.frames == [
          "ExperimentsTests.ProfilerTests.spinning", "ExperimentsTests.spinningCaller",
          "ExperimentsTests.spinningFunction",
        ])
    }
  }

  @Test("hands on an error, and can be used again")
  func failure() throws {
    for _ in 0..<2 {
      #expect(throws: Stop.self) { try Profiler.run { throw Stop() } }
    }
    #expect(try Profiler.run { 1 }.result == 1)
    #expect(throws: ProfilerError.self) { try Profiler.run { try Profiler.run {} } }
  }

  @Test(
    "counts allocations and their bytes",
    .enabled(if: allocations_are_counted(), "a build with a sanitizer does not count allocations"))
  func heap() throws {
    let (blocks, heap) = HeapSummary.measuring {
      (0..<3).map { _ in UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 16) }
    }
    for block in blocks { block.deallocate() }
    // Other tests may ask for more.
    #expect(try #require(heap.allocations) >= 3)
    #expect(try #require(heap.allocatedBytes) >= 3 << 20)
  }

  @Test("tells the most memory that the process had")
  func peak() throws {
    #expect(try #require(HeapSummary.measuring {}.heap.peakResidentBytes) > 0)
  }
}

/// Uses processor time of its own thread: enough for fifty samples, whatever else runs.
@inline(never)
private func spinningFunction() -> UInt64 {
  func used() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
  let end = used() + 500_000_000
  var value: UInt64 = 1
  while used() < end {
    for _ in 0..<100_000 { value = value &* 6_364_136_223_846_793_005 &+ 1 }
  }
  return value | 1
}

@inline(never)
private func spinningCaller() -> UInt64 {
  let value = spinningFunction()
  return value > 1 ? value - 1 : value
}
