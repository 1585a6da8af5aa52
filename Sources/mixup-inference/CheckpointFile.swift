import Datasets
import Experiments
import Foundation
import NeuralNetwork

/// The checkpoint in a file, and the SHA-256 of its bytes.
///
/// - Parameters:
///   - normalization: for a file that does not say its own.
///   - images: whose extents count for a file that does not say which network it holds.
/// - Throws: `Failure` if it cannot be read, or holds no checkpoint.
func checkpointFile(
  _ path: String, normalization: Normalization? = nil,
  images: ImageShape = DatasetName.cifar10.imageShape
) throws -> (checkpoint: Checkpoint, digest: String) {
  let bytes = try modelFile(path)
  do {
    let checkpoint = try Checkpoint(
      bytes, normalization: normalization, extents: (images.height, images.width))
    return (checkpoint, sha256(bytes))
  } catch { throw Failure.data("\(path): \(error)") }
}

/// The bytes of a file that is to be a model.
///
/// - Throws: `Failure` if it cannot be read.
func modelFile(_ path: String) throws -> Data {
  do { return try Data(contentsOf: URL(filePath: path)) } catch {
    throw Failure.file("cannot read the model \"\(path)\": \(reason(path)); check the path")
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

/// Images of a file that `attack` or another tool wrote.
///
/// - Throws: `Failure` if it cannot be read, or holds no such images.
func imageFile(_ path: String, of data: DatasetSplit) throws -> ImageFile {
  let bytes: Data
  do { bytes = try Data(contentsOf: URL(filePath: path)) } catch {
    throw Failure.file("cannot read the images \"\(path)\": \(reason(path)); check the path")
  }
  do { return try ImageFile(bytes, of: data) } catch { throw Failure.data("\(path): \(error)") }
}
