import Classification
import Datasets
import Foundation
import Kernels
import NeuralNetwork
import TestSupport
import Testing

@Suite("Networks trained on CIFAR-10")
struct CIFARFixtureTests {
  static let names = ["plain", "mixup", "interpolated-at", "at"]

  private func checkpoint(_ name: String) throws -> Checkpoint {
    try Checkpoint(Fixtures.data("cifar10/\(name).safetensors"))
  }

  private func classifier(
    _ name: String, kernels: KernelSet = .openBLAS
  ) throws -> NetworkClassifier {
    let checkpoint = try checkpoint(name)
    return try NetworkClassifier(InferencePlan(checkpoint, kernels: kernels))
  }

  @Test(
    "are ResNet-20 with the usual number of parameters, and say how they were trained",
    arguments: names)
  func architecture(_ name: String) throws {
    let checkpoint = try checkpoint(name)
    #expect(checkpoint.architecture.imageShape == Dataset.cifar10.imageShape)
    #expect(checkpoint.architecture.classCount == 10)
    let values = checkpoint.tensors.filter { !$0.key.contains("running") }
      .reduce(0) { $0 + $1.value.count }
    #expect(values == 272_474)
    let file = try Safetensors(Fixtures.data("cifar10/\(name).safetensors"))
    #expect(file.metadata["dataset"] == "cifar10" && file.metadata["recipe"] != nil)
  }

  // Winograd's rounding, as for every network: 10⁻⁴ of the largest logit.
  @Test(
    "have the same logits on vector kernels as on OpenBLAS's",
    .enabled(if: KernelSet.simd != nil, "no kernel set with vectors runs on this processor"),
    arguments: names)
  func kernelSets(_ name: String) throws {
    let images = try randomImages(
      3, shape: Dataset.cifar10.imageShape, classCount: 10, seed: 5)
    let draws = Draws(seed: 1, purpose: .test, examples: images.indices)
    let expected = try classifier(name).logits(of: images.pixels, draws: draws)
    for kernels in KernelSet.available where kernels != .reference && kernels != .openBLAS {
      let logits = try classifier(name, kernels: kernels).logits(of: images.pixels, draws: draws)
      #expect(distance(logits, from: expected) <= 1e-4, "\(kernels)")
    }
  }

  /// The folder with CIFAR-10's binary files, where there is one.
  static let data = ProcessInfo.processInfo.environment["CIFAR_DATA"]

  // Of 1000 images; 5 for those whose class hangs on the rounding of another kernel set.
  @Test(
    "get as many of the first 1000 test images right as they did",
    .enabled(if: data != nil, "CIFAR_DATA names no folder"), arguments: zip(names, counts))
  func accuracy(_ name: String, _ expected: Int) throws {
    let folder = URL(filePath: try #require(Self.data))
    let images = try Dataset.cifar10.load(from: folder, seed: 1).test[0..<1000]
    let kernels: KernelSet = KernelSet.avx2.isAvailable ? .avx2 : .openBLAS
    let predictions = try classifier(name, kernels: kernels).predictions(
      of: images.pixels, draws: Draws(seed: 1, purpose: .test, examples: images.indices))
    let correct = zip(predictions, images.labels).count(where: ==)
    #expect(abs(correct - expected) <= 5)
  }

  static let counts = [912, 899, 756, 686]
}
