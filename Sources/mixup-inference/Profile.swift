import ArgumentParser
import Experiments
import Foundation
import Kernels
import NeuralNetwork

struct Profile: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Times a network's forward pass layer by layer, beside what the processor could do.",
    discussion: """
      Prints for every layer the algorithm that was chosen, its median time, its GFLOP/s and its \
      share of the roofline, on one thread. The choice follows from shape, kernel set and plan \
      profile alone, so it is the same on every machine with that kernel set.

      Example: mixup-inference profile --architecture resNet50CIFAR --batch 30
      """)

  @Option(help: "Network: \(ResNet.Architecture.named.map(\.name).joined(separator: ", ")).")
  var architecture = "resNet50CIFAR"

  @Option(help: "Checkpoint (safetensors) of a network to time instead.")
  var model: String?

  @Option(help: "Images of one batch.")
  var batch = 15

  @Option(help: "Passes over which medians are taken.")
  var rounds = 20

  @Option(help: "Plan: \(PlanProfile.allCases.map(\.rawValue).joined(separator: ", ")).")
  var plan = PlanProfile.throughput.rawValue

  @Option(
    help:
      "Kernel set: \(KernelSet.allCases.map(\.rawValue).joined(separator: ", ")); the widest unless given."
  )
  var kernels: String?

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    for (name, value, most) in [("batch", batch, 1024), ("rounds", rounds, 10_000)] {
      guard 1...most ~= value else {
        throw ValidationError("--\(name) is \(value); give a number from 1 to \(most)")
      }
    }
    guard PlanProfile(rawValue: plan) != nil else {
      let names = PlanProfile.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("there is no plan \(plan); --plan takes one of \(names)")
    }
    guard ResNet.Architecture.named.contains(where: { $0.name == architecture }) else {
      let names = ResNet.Architecture.named.map(\.name).joined(separator: ", ")
      throw ValidationError(
        "there is no network \(architecture); --architecture takes one of \(names)")
    }
  }

  func run() throws {
    let kernels = try MachineOptions.kernelSet(kernels)
    let (name, network, normalization) = try network()
    let compiled = InferencePlan(
      network, normalization: normalization, kernels: kernels,
      profile: PlanProfile(rawValue: plan) ?? .throughput)
    let report = LayerReport(name, compiled, images: batch, rounds: rounds)
    if json {
      print(String(decoding: try report.json(), as: UTF8.self))
    } else {
      print(report.summary)
      print()
      print(report.table.plain())
    }
  }

  private func network() throws -> (String, ResNet, Normalization) {
    if let model {
      let checkpoint = try checkpointFile(model).checkpoint
      do { return (model, try checkpoint.network(), checkpoint.normalization) } catch {
        throw Failure.data("\(model): \(error)")
      }
    }
    guard let named = ResNet.Architecture.named.first(where: { $0.name == architecture }) else {
      throw Failure.usage("there is no network \(architecture)")
    }
    let network = ResNet(named.make(ImageShape(channels: 3, height: 32, width: 32), 10))
    network.initialize(seed: 1)
    return (named.name, network, .plusMinusOne(channels: 3))
  }
}
