import Classification
import Foundation
import NeuralNetwork

/// A classifier of images in an ONNX file, as a graph.
///
/// The model takes pixels in [0, 1] and scales them itself, if it does: nothing is put in front of it.
package struct ONNXNetwork: Sendable {
  package let graph: NetworkGraph
  /// A digest of the content, version 1: the SHA-256, as `CanonicalDigest` makes it of the domain
  /// "mixup-inference onnx", of the model's bytes, unpacked, and of every file of weights beside it, in the order of
  /// their names' bytes: the name, then the bytes.
  package let identity: String
  /// SHA-256 of the file's bytes as they are given.
  package let fileDigest: String
  /// Bytes of the file and of those beside it.
  package let byteCount: Int
  /// The version of the format.
  package let formatVersion: Int
  /// The version of ONNX's operators.
  package let operatorSet: Int
  /// Which program wrote it, such as "pytorch 2.13.0"; "" if that is not said.
  package let producer: String
  /// How many images it says that it takes at a time; nil for any number.
  package let batch: Int?
  /// Operators by how often they stand there, in the order of their names.
  package let operators: [(name: String, count: Int)]
  /// Weights that the logits depend on.
  package let parameterCount: Int
  /// The names of files beside it in which weights lie.
  package let externalFiles: [String]

  /// Reads a file's bytes.
  ///
  /// - Parameters:
  ///   - file: the model, perhaps packed with gzip.
  ///   - images: the shape of one image, where the model does not say it.
  ///   - external: the bytes of a file beside the model, by its name; nil if there is none.
  /// - Throws: `ONNXError`.
  package init(
    _ file: Data, images: ImageShape? = nil, external: (String) throws -> Data? = { _ in nil }
  ) throws(ONNXError) {
    fileDigest = sha256(file)
    let data = try file.starts(with: [0x1F, 0x8B]) ? gunzip(file) : file
    var files: [String: Data] = [:]
    let model = try ONNXModel(data) { name throws(ONNXError) in
      if let known = files[name] { return known }
      // A name, not a way to somewhere else.
      guard !name.isEmpty, name != ".", name != "..", !name.contains("/"), !name.contains("\\"),
        !name.contains("\0")
      else {
        throw .externalData("the weights lie in \"\(name)\", which is no name of a file beside it")
      }
      let found: Data?
      do { found = try external(name) } catch {
        throw .externalData("the weights in \(name) cannot be read (\(error))")
      }
      guard let found else { throw .externalData("the weights lie in \(name), which is not there") }
      files[name] = found
      return found
    }
    let importer = try Importer(model, images: images)
    graph = importer.graph
    formatVersion = model.formatVersion
    operatorSet = importer.operatorSet
    producer = model.producer
    batch = importer.batch.known
    operators = Dictionary(grouping: model.nodes, by: \.operation)
      .map { (name: $0.key, count: $0.value.count) }.sorted { $0.name < $1.name }
    parameterCount = importer.parameters.values.reduce(0, +)
    let names = files.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    externalFiles = names
    byteCount = file.count + files.values.reduce(0) { $0 + $1.count }
    var digest = CanonicalDigest(domain: "mixup-inference onnx", version: 1)
    data.withUnsafeBytes { digest.add($0) }
    for name in names {
      digest.add(name)
      files[name]?.withUnsafeBytes { digest.add($0) }
    }
    identity = digest.finish()
  }

  /// The scaling of pixels in front of the network: none, so that it gets them in [0, 1], or one that is given for a
  /// network that was exported without its own.
  ///
  /// - Throws: `ONNXError` for a scaling of other channels.
  package func normalization(_ given: Normalization? = nil) throws -> Normalization {
    let channels = graph.imageShape.channels
    if let given {
      guard given.mean.count == channels else {
        throw ONNXError.network(
          "the network's images have \(channels) channels and the normalisation has \(given.mean.count); give "
            + "one mean and one standard deviation for each channel")
      }
      return given
    }
    return try Normalization(
      mean: [Float](repeating: 0, count: channels),
      standardDeviation: [Float](repeating: 1, count: channels))
  }
}
