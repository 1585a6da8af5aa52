import Foundation
import NeuralNetwork

/// The checkpoint in a file, and the SHA-256 of its bytes.
///
/// - Throws: `Failure` if it cannot be read, or holds no checkpoint.
func checkpointFile(_ path: String) throws -> (checkpoint: Checkpoint, digest: String) {
  let bytes: Data
  do { bytes = try Data(contentsOf: URL(filePath: path)) } catch {
    throw Failure.file("cannot read the model \"\(path)\": \(reason(path)); check the path")
  }
  do { return (try Checkpoint(bytes), sha256(bytes)) } catch {
    throw Failure.data("\(path): \(error)")
  }
}

/// Why a file cannot be read, as the system says it; Foundation gives a number only.
private func reason(_ path: String) -> String {
  let descriptor = open(path, O_RDONLY)
  defer { if descriptor >= 0 { close(descriptor) } }
  var byte: UInt8 = 0
  if descriptor >= 0, read(descriptor, &byte, 1) >= 0 { return "it is no ordinary file" }
  return String(cString: strerror(errno))
}
