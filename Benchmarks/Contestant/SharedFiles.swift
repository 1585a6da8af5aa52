import Classification
import Foundation
import MixupInference
import NeuralNetwork
import Workloads

/// What all contestants read, so that all do the same: networks as checkpoints, and images as bare
/// float32 in [0, 1], [N, 3, 32, 32]. Image n has the label n mod 10. What begins with `trained-` is real, with a
/// byte for every label beside the images, and comes from `peers/run.py`.
struct SharedFiles {
  let folder: URL

  private static let shape = ImageShape(channels: 3, height: 32, width: 32)
  private static let classCount = 10
  /// The images of `images.f32`, and so the largest batch.
  private static let imageCount = 128

  // MARK: Reading

  /// The work KIND/NETWORK/SIZE, as in "forward/resNet20/30".
  func workload(named name: String, int8: Bool, on execution: Execution) throws -> Workload {
    let parts = name.split(separator: "/").map(String.init)
    guard parts.count == 3, let kind = Workload.Kind(rawValue: parts[0]),
      ResNet.Architecture.named.contains(where: { $0.name == parts[1] }),
      let size = Int(parts[2]), 1...Self.imageCount ~= size
    else { throw WorkError.unknown(name) }
    // Made-up networks and images show no attack: a search takes trained ones and real ones.
    let searches = kind.attack != nil
    let prefix = searches ? "trained-" : ""
    // As the others, it holds no images that the work does not need.
    let batch = try images("\(prefix)images", first: size)
    let usesPool = searches || kind == .decision || int8
    let inputs = WorkloadInputs(
      network: .checkpoint(try Checkpoint(read("\(prefix)\(parts[1]).safetensors"))),
      images: batch, pool: usesPool ? try images("\(prefix)pool") : batch)
    return try Workload(
      kind, size: size, int8 ? inputs.quantized(on: execution) : inputs, on: execution)
  }

  /// The images of a file, or so many of them.
  private func images(_ name: String, first most: Int = .max) throws -> LabelledImages {
    let data = try read("\(name).f32")
    let values = data.withUnsafeBytes { bytes in
      let values = bytes.bindMemory(to: Float.self)
      return Array(values.prefix(min(most, values.count / Self.shape.count) * Self.shape.count))
    }
    let count = values.count / Self.shape.count
    let labels =
      name.hasPrefix("trained-")
      ? try read("\(name).labels").prefix(count).map(Int.init)
      : (0..<count).map { $0 % Self.classCount }
    return try LabelledImages(
      pixels: Pixels(Tensor(values, shape: [count, 3, 32, 32])), labels: labels,
      classCount: Self.classCount)
  }

  private func read(_ name: String) throws -> Data {
    do {
      return try Data(contentsOf: folder.appending(path: name))
    } catch { throw WorkError.file(name) }
  }

  // MARK: Writing

  /// `images.f32`, `pool.f32`, and for every network of these names NETWORK.safetensors and
  /// NETWORK-partners.f32: the pool's images that mixup inference draws for the first image, in that order.
  func write(_ networks: [String], on execution: Execution) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (index, name) in networks.enumerated() {
      guard let make = ResNet.Architecture.named.first(where: { $0.name == name })?.make else {
        throw WorkError.unknown(name)
      }
      let checkpoint = try WorkloadInputs.checkpoint(
        make(Self.shape, Self.classCount), on: execution)
      let inputs = try WorkloadInputs(for: .checkpoint(checkpoint), imageCount: Self.imageCount)
      if index == 0 {
        try write(inputs.images.pixels.tensor, to: "images.f32")
        try write(inputs.pool.pixels.tensor, to: "pool.f32")
      }
      try checkpoint.encoded().write(to: folder.appending(path: "\(name).safetensors"))
      // At λ = 0 a mixture is the partner itself.
      let defence = try inputs.defence(
        around: inputs.classifier(on: execution, profile: .throughput), lambda: 0,
        sampleCount: Self.imageCount)
      let image = inputs.images[0..<1].pixels
      let draws = WorkloadInputs.draws
      let routes = try defence.routing(of: image, draws: draws).routes
      let partners = defence.executions(of: image, routes: routes, draws: draws).all.images
      try write(partners.tensor, to: "\(name)-partners.f32")
    }
  }

  private func write(_ tensor: Tensor, to name: String) throws {
    try tensor.withUnsafePointer {
      try Data(bytes: $0, count: 4 * tensor.count).write(to: folder.appending(path: name))
    }
  }

  /// Why a work cannot be done.
  private enum WorkError: Error, CustomStringConvertible {
    case unknown(String)
    case file(String)

    var description: String {
      switch self {
      case .unknown(let name):
        """
        no work \(name); it is \(Workload.Kind.allCases.map(\.rawValue).joined(separator: ", ")) / \
        \(ResNet.Architecture.named.map(\.name).joined(separator: ", ")) / \
        1 to \(SharedFiles.imageCount), as forward/resNet20/30
        """
      case .file(let name):
        "the shared folder has no \(name) that can be read; make it with --write"
      }
    }
  }
}
