import ArgumentParser
import Experiments
import Foundation
import Kernels
import MixupInference
import NeuralNetwork
import Reporting

struct Compare: Verb {
  static let configuration = CommandConfiguration.verb(
    "Compares int8 with float32, decision by decision on the same test images.",
    """
    For the network alone and for mixup inference with other labels (MI-OL), whose draws are the same in both \
    arithmetics: the share of labels that are those of float32 with its Wilson interval, both accuracies, and \
    their difference with Newcombe's interval for pairs. In int8-checked, a decision is made again in float32 \
    where its best logit leads by no more than it was moved, at most, on validation images; so many decisions are made again as the table says. Behind it stand the images that are labelled \
    otherwise, by number.
    """,
    examples: [
      "compare --model plain-int8.safetensors --count 500",
      "compare --model plain-int8.safetensors --dataset cifar10 \\\n--data cifar-10-batches-bin --samples 10 --json int8.json",
    ], isLong: true)

  @Option(help: "Checkpoint that `quantize` wrote.")
  var model: String

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var dataset: DatasetOptions

  @Option(help: "λ of MI-OL, the share of the input itself.")
  var lambda = "1/2"

  @Option(name: .customLong("samples"), help: "N of MI-OL, the mixtures of a decision.")
  var sampleCount = 30

  @Option(help: "Test images; all of them unless given.")
  var count: Int?

  @Option(help: "Seed of MI-OL's draws.")
  var seed: UInt64 = 1

  @OptionGroup var machine: MachineOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    if let count, count < 1 { throw Failure.usage("--count is \(count); give 1 or more") }
    guard 1...1000 ~= sampleCount else {
      throw Failure.usage("--samples is \(sampleCount); give a number from 1 to 1000")
    }
    try [common.json].check(inputs: [model, dataset.file], data: dataset.data)
    let set = try dataset.described()
    let checkpoint = try checkpointFile(
      model, reading: reading.reading(), images: set.imageShape
    ).checkpoint()
    let plan: QuantizedPlan
    do {
      guard let quantization = checkpoint.quantization else { throw QuantizationError.missing }
      plan = try QuantizedPlan(
        InferencePlan(checkpoint, kernels: machine.kernelSet()), quantization)
    } catch let error as QuantizationError { throw Failure(error, about: model) }
    let data = try dataset.load(set, seed: checkpoint.recipe?.seed ?? 1)
    let comparison = try ArithmeticComparison(
      of: plan, on: data,
      mixing: Mixing(lambda: MixingRatio(lambda), sampleCount: sampleCount),
      count: count ?? data.test.count, seed: seed, workers: machine.workers(),
      progress: common.progress(advice: Interruption.nothingIsKept))
    try common.write(comparison.record)
    common.say(comparison)
  }
}
