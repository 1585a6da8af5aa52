import Foundation
import NeuralNetwork

/// The checkpoint in a file.
///
/// - Throws: `Failure` if it cannot be read, or holds no checkpoint.
func checkpointFile(_ path: String) throws -> Checkpoint {
  let bytes: Data
  do { bytes = try Data(contentsOf: URL(filePath: path)) } catch {
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    let reason =
      underlying.map { String(cString: strerror(Int32($0.code))) }
      ?? ((error as? CocoaError)?.code == .fileReadNoSuchFile
        ? "there is no such file" : error.localizedDescription)
    throw Failure.file("cannot read the model \(path): \(reason); check the path")
  }
  do { return try Checkpoint(bytes) } catch { throw Failure.data("\(path): \(error)") }
}
