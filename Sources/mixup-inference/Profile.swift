import ArgumentParser
import Classification
import Experiments
import Foundation
import Kernels
import NeuralNetwork
import Workloads

struct Profile: Verb {
  static let configuration = CommandConfiguration.verb(
    "Shows where a network's time goes: function by function, and layer by layer.",
    """
    Repeats one of the benchmarks' works under a sampling profiler and writes a flame graph, \
    flamegraph.svg, which every browser shows; the folded stacks, stacks.folded; and what it prints, \
    profile.txt: the functions that ran most and what was done with memory. Then it times the \
    network's forward pass on one thread and prints for every layer the algorithm, the median time, \
    GFLOP/s and the share of the roofline, the least time in which the processor could do the layer. \
    Algorithms follow from shape, kernel set and plan alone, so they are the same on every machine \
    with that kernel set.
    """,
    examples: [
      "profile --work decision --architecture resNet20 --threads 1",
      "profile --work gradient --model net.safetensors --json profile.json",
    ])

  @Option(
    help: """
      The work: \(Workload.Kind.allCases.map(\.rawValue).joined(separator: ", ")), that is \
      logits, a decision under MI-OL, a gradient for an attack, or a step of training.
      """)
  var work = Workload.Kind.forward.rawValue

  @Option(help: "Network: \(ResNet.Architecture.named.map(\.name).joined(separator: ", ")).")
  var architecture = "resNet50CIFAR"

  @Option(help: "Checkpoint (safetensors) or ONNX file of a network to profile instead.")
  var model: String?

  @OptionGroup var reading: ReadingOptions

  @Option(
    help: """
      Images of one batch, or mixtures of one decision; \
      \(Workload.Kind.allCases.map { "\($0.standardSize) for \($0.rawValue)" }
        .joined(separator: ", ")) unless given.
      """)
  var batch: Int?

  @Option(help: "For how many seconds the work is done under the profiler.")
  var seconds = 5.0

  @Option(help: "Passes over which the medians of the layers are taken.")
  var rounds = 20

  @Option(
    help: """
      Whether the plan is to be fast for many images at a time or for one: \
      \(PlanProfile.allCases.map(\.rawValue).joined(separator: ", ")); latency for the forward \
      pass of a single image and throughput for all else unless given.
      """)
  var plan: String?

  @OptionGroup var machine: MachineOptions
  @OptionGroup var common: CommonOptions

  @Option(help: "Folder for the profile.")
  var output = "report/profile"

  func validate() throws {
    for (name, value, most) in [("batch", batch ?? 1, 1024), ("rounds", rounds, 10_000)] {
      guard 1...most ~= value else {
        throw ValidationError("--\(name) is \(value); give a number from 1 to \(most)")
      }
    }
    guard 0.001...3600 ~= seconds else {
      throw ValidationError("--seconds is \(seconds); give a number from 0.001 to 3600")
    }
    func check(_ name: String?, _ names: [String], _ thing: String, _ option: String) throws {
      guard let name, !names.contains(name) else { return }
      throw ValidationError(
        "there is no \(thing) \(name); --\(option) takes one of \(names.joined(separator: ", "))")
    }
    try check(work, Workload.Kind.allCases.map(\.rawValue), "work", "work")
    try check(plan, PlanProfile.allCases.map(\.rawValue), "plan", "plan")
    try check(architecture, ResNet.Architecture.named.map(\.name), "network", "architecture")
  }

  func run() throws {
    guard let kind = Workload.Kind(rawValue: work) else {
      throw Failure.usage("there is no work \(work)")
    }
    let execution = try machine.execution()
    let folder = URL(filePath: output, directoryHint: .isDirectory)
    let (name, network) = try network(on: execution)
    if kind == .training, case .graph = network {
      throw Failure.usage("--work training needs a network that can be trained; give a checkpoint")
    }
    try ProfileReport.check(folder)
    try [common.json].check(inputs: [model], others: ProfileReport.files(in: folder))

    let size = batch ?? kind.standardSize
    let profile = plan.flatMap(PlanProfile.init(rawValue:))
    var inputs = try WorkloadInputs(for: network, imageCount: kind == .decision ? 1 : size)
    // A calibrated file is computed in int8 as by `evaluate`; layers are timed in float32.
    if case .checkpoint(let checkpoint) = network { inputs.quantization = checkpoint.quantization }
    let isQuantized = inputs.quantization != nil && (kind == .forward || kind == .decision)
    let report = try ProfileReport(
      of: Workload(kind, size: size, inputs, on: execution, profile: profile),
      title: "\(kind.rawValue)/\(name)/\(size)\(isQuantized ? " in int8" : "")",
      circumstances: machine.circumstances(),
      seconds: seconds)
    let layers = try LayerReport(
      isQuantized ? "\(name) in float32" : name,
      network.plan(kernels: execution.kernels, profile: profile ?? kind.standardPlan(size: size)),
      images: size, rounds: rounds)
    try report.write(to: folder, layers: layers.text)
    try common.write(
      report.record(
        kernelSet: execution.kernels.rawValue, threads: execution.workers.threadCount,
        layers: layers))
    common.say("\(report.printout)\n\(layers.printout)")
  }

  /// The network and what to call it.
  private func network(on execution: Execution) throws -> (String, WorkloadNetwork) {
    if let model {
      let (name, reading) = (modelName(model), try reading.reading())
      if let network = try onnxNetwork(model, reading: reading) {
        return (name, .graph(network.graph, try network.normalization(reading.normalization)))
      }
      return (name, .checkpoint(try checkpointFile(model, reading: reading).checkpoint()))
    }
    guard let named = ResNet.Architecture.named.first(where: { $0.name == architecture }) else {
      throw Failure.usage("there is no network \(architecture)")
    }
    let shape = ImageShape(channels: 3, height: 32, width: 32)
    return (
      named.name, .checkpoint(try WorkloadInputs.checkpoint(named.make(shape, 10), on: execution))
    )
  }
}
