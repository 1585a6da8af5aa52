import Classification
import Experiments
import Foundation
import NeuralNetwork
import ONNX

/// The network of a file, if that is one in ONNX by its name or its first bytes; nil for another file.
///
/// - Parameters:
///   - reading: what the command line says of it.
///   - images: the shape of the images, for a model that does not say it.
/// - Throws: `Failure` if it cannot be read, or holds no network that can be computed.
func onnxNetwork(
  _ path: String, reading: CheckpointReading, images: ImageShape? = nil
) throws -> ONNXNetwork? {
  let name = path.lowercased()
  let isCalledSo = name.hasSuffix(".onnx") || name.hasSuffix(".onnx.gz")
  let bytes = try modelFile(path)
  let format = FileFormat(bytes)
  guard isCalledSo || format == .onnx else { return nil }
  if let format, format != .onnx, format != .gzip {
    throw Failure.data("\(path): \(format.description)")
  }
  guard reading.answers.isEmpty else {
    throw Failure.usage("--reading is about state dicts, and \(path) says all of it; leave it out")
  }
  let folder = URL(filePath: path).deletingLastPathComponent()
  do {
    let network = try ONNXNetwork(bytes, images: images) { name in
      let file = folder.appending(path: name).path(percentEncoded: false)
      return FileManager.default.fileExists(atPath: file) ? try modelFile(file) : nil
    }
    _ = try network.normalization(reading.normalization)
    return network
  } catch let failure as Failure { throw failure } catch {
    throw Failure.data("\(path): \(error)")
  }
}

/// What records call the model of a file: its name without folders and endings.
func modelName(_ path: String) -> String {
  let file = URL(filePath: path)
  let name = file.deletingPathExtension()
  return (file.pathExtension == "gz" ? name.deletingPathExtension() : name).lastPathComponent
}
