import Classification
import Datasets
import Experiments
import Kernels
import NeuralNetwork
import Reporting
import Robustness
import TestSupport
import Testing

@Suite("What jobs take at most")
struct DryRunTests {
  private static let shape = ImageShape(channels: 1, height: 4, width: 4)

  private func data() throws -> DatasetSplit {
    try DatasetSplit(
      training: randomImages(40, shape: Self.shape, classCount: 10, seed: 1),
      validation: randomImages(1, shape: Self.shape, classCount: 10, seed: 2),
      test: randomImages(3, shape: Self.shape, classCount: 10, seed: 3))
  }

  /// Short searches of every attack, on a network that some of them mislead.
  private func attack(_ name: AttackName) -> AttackDescription {
    var attack = AttackDescription(
      name, epsilon: try? Epsilon("1/4"), draws: name.isAdaptive ? 2 : nil)
    for (setting, value) in [("steps", 3), ("queries", 12), ("searches", 2)] {
      if (attack.setting(setting) as Int?) != nil { attack.set(setting, value) }
    }
    return attack
  }

  @Test(
    "No attack takes more passes than are told before, and PGD takes them all",
    arguments: AttackName.allCases)
  func bound(name: AttackName) throws {
    let plan = EvaluationPlan(
      scoringDraws: 2, selectionDraws: 1,
      defences: [DefenceDescription(.none), DefenceDescription(.otherLabel, draws: 2)],
      attacks: [AttackDescription(.none)] + (name == .none ? [] : [attack(name)]))
    let network = ResNet(.resNet8(Self.shape, classCount: 10))
    network.initialize(seed: 5)
    let model = CheckpointModel(
      name: "untrained",
      checkpoint: Checkpoint(network, normalization: .plusMinusOne(channels: 1)), digest: "")
    let told = try DryRun(data()).passes(plan)
    let results = try EvaluationRun(
      plan: plan, execution: Execution(kernels: .reference, workers: WorkerPool(threadCount: 1)),
      progress: ProgressReporter(output: .silent)
    ).run(model, other: model, on: data(), dataset: .digits)
    #expect(told.count == results.count)
    for (place, result) in results.enumerated() {
      // Of images that the network alone was searched for, MI-OL only judges, as it does clean ones.
      let isFoundBefore =
        result.job.defence.defence != nil && result.job.attack.budget != nil
        && result.job.attack.draws == nil
      let took = try #require(results[isFoundBefore ? place - 1 : place].cost).passes
      let (forward, backward) = (took.forward + took.spared, took.backward)
      let most = told[place]
      let title: Comment =
        "\(result.job.defence.title) under \(result.job.attack.title): \(most), \(took)"
      #expect(3 * most.forward >= forward && 3 * most.backward >= backward, title)
      if [.none, .pgd, .adaptivePGD].contains(name) {
        #expect(3 * most.forward == forward && 3 * most.backward == backward, title)
      }
    }
  }
}
