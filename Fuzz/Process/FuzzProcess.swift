import ProcessModel

/// libFuzzer's entry: whatever the bytes are, they are an answer to each of the questions that a process is asked,
/// or are refused in one line.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  func ask(_ read: (inout RecordedBytes) throws(ProcessProblem) -> Void) {
    var source = RecordedBytes(bytes)
    do throws(ProcessProblem) { try read(&source) } catch {
      precondition("\(error)".allSatisfy { !$0.isNewline }, "an error of several lines")
    }
  }
  ask { source throws(ProcessProblem) in
    let model = try source.hello()
    precondition(model.imageShape.count > 0 && model.classCount > 1 && model.batchSize > 0)
  }
  ask { source throws(ProcessProblem) in
    _ = try source.tensor(.logits, shape: [2, 3], "logits of 2 images")
  }
  ask { source throws(ProcessProblem) in try source.nothing(.forget) }
  return 0
}
