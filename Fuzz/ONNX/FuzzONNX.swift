import Foundation
import ONNX

/// libFuzzer's entry: whatever the bytes are, they are read as a network or refused. A network that is read is written
/// and read again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let data = Data(bytes: start, count: count)
  // Weights in other files are as many zeros as there are bytes.
  guard let network = try? ONNXNetwork(data, external: { _ in Data(count: count) }) else {
    return 0
  }
  guard let scaling = try? network.normalization() else { return 0 }
  let written = ONNXExport.model(network.graph, normalization: scaling)
  do {
    let again = try ONNXNetwork(written)
    precondition(again.graph.imageShape == network.graph.imageShape, "written with other images")
  } catch { fatalError("a network that was written cannot be read: \(error)") }
  return 0
}
