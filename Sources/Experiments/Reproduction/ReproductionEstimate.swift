import Classification
import Datasets
import Kernels
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import Training

/// How long a reproduction will take on this machine, estimated from a step of every training and a few
/// passes through the network, before a run that may take days.
package struct ReproductionEstimate: Sendable, Reported {
  /// A part of the work and the seconds that it will take.
  package struct Part: Sendable, Encodable {
    package var name: String
    package var seconds: Double
  }

  package let parts: [Part]

  package var seconds: Double { parts.reduce(0) { $0 + $1.seconds } }

  /// The estimate in one line for a person.
  package var printout: Printout {
    let list = parts.map { "\($0.name) \(duration($0.seconds))" }.joined(separator: ", ")
    return "about \(duration(seconds)) from nothing on this machine: \(list)"
  }
}

extension Reproduction {
  /// Measures and adds up. Takes as long as two steps of every training that is to be done and one image
  /// under every plan.
  package func estimate() throws -> ReproductionEstimate {
    let trainings = try settings.methods.filter { models[$0] == nil }.map { method in
      ReproductionEstimate.Part(
        name: "training of \(method.title)", seconds: try trainingRun(method).estimate(on: data))
    }
    let seconds = try secondsPerPass()
    let passes = try passes()
    return ReproductionEstimate(
      parts: trainings + [
        ReproductionEstimate.Part(
          name: "evaluation",
          seconds: Double(passes.forward - passes.backward) * seconds.forward
            + Double(passes.backward) * seconds.gradient)
      ])
  }

  /// The passes of images through a network that everything but training takes: every plan is run on one
  /// image with a small network, and what its jobs took is multiplied by the number of images.
  package func passes() throws -> PassMeter.Count {
    var dry = DryRun(data, dataset, settings)
    let validation = data.validation.count
    var sum = PassMeter.Count()
    for method in settings.methods {
      // Which setting is chosen does not change what it takes.
      let defences = settings.defences(of: method).compactMap {
        settings.candidates($0, side: dataset.imageShape.height).first
      }
      let chosen = ChosenSettings(
        matched: defences.map {
          MatchedDefence(defence: $0, settings: 1, accuracy: 0, count: 0, isReached: false)
        }, detector: defences.first { $0.name == .predictedLabel })
      for (_, plan) in plans(method, chosen) {
        sum = try sum + dry.passes(plan, of: plan.count ?? data.test.count)
      }
      if let rule = settings.radius {
        sum = try sum + dry.passes(sweepPlan(rule), of: validation)
      }
      switch settings.choice {
      case .dearest:
        let plan = matchingPlan([.none] + candidates(method))
        // Matching asks for decisions only, no detector.
        sum =
          try sum
          + dry.passes(plan, of: min(plan.count ?? validation, validation)) {
            PassMeter.Count(forward: $0.forwardPassesPerDecision * $0.scoringDraws)
          }
      case .mostRobust:
        // Every run of tuning is a decision by both rules on every image, after an attack on all.
        let decisions =
          Tuning.runCount(lambdas: settings.lambdas) * validation * (2 * settings.decisionDraws + 1)
        let attack = validation * (settings.radius?.steps ?? settings.referenceSteps)
        sum = sum + PassMeter.Count(forward: decisions + attack, backward: attack)
      }
      if settings.parts.contains(.conditions) {
        sum =
          sum
          + verification(method).passes(of: min(settings.figureImageCount, data.test.count))
      }
      if settings.parts.contains(.sanity), settings.hasCombinedRule(method) {
        // Nearly every check of the suite runs the attack again.
        let claims = chosen.claimed(true)
        let plan = EvaluationPlan(
          seed: settings.seed, defences: claims,
          attacks: [settings.adaptive(settings.figureEpsilon(method))])
        sum = try sum + dry.passes(plan, of: settings.sanityCount * SanitySuite.names.count)
      }
    }
    return sum
  }

  /// Seconds of an image's forward pass, and of its gradient, all threads at work.
  private func secondsPerPass() throws -> (forward: Double, gradient: Double) {
    let shape = data.test.pixels.imageShape
    let network = ResNet(settings.architecture(for: dataset)(shape, data.test.classCount))
    network.initialize(seed: settings.seed)
    let given = try models.values.first.map { try $0.checkpoint.network() }
    let base = NetworkClassifier(
      InferencePlan(
        (given ?? network).graph, normalization: .plusMinusOne(channels: shape.channels),
        kernels: settings.kernels))
    let images = data.test[0..<min(64, data.test.count)]
    let draws = Draws(seed: settings.seed, purpose: .measure, examples: images.indices)
    let blocks = workers.threadCount
    // As evaluations do, which reuse memory rather than ask the system for it at every pass.
    let memory = MemoryReuse()
    defer { withExtendedLifetime(memory) {} }
    /// The median of several rounds, as one round of a small network takes only a millisecond.
    func seconds(_ work: @Sendable () throws -> Void) throws -> Double {
      let rounds = try (0..<11).map { _ in
        let start = ContinuousClock.now
        _ = try workers.map(count: blocks) { _ in try work() }
        return (ContinuousClock.now - start) / .seconds(1) / Double(blocks * images.count)
      }
      return rounds.sorted()[rounds.count / 2]
    }
    return (
      try seconds { _ = try base.logits(of: images.pixels, draws: draws) },
      try seconds {
        _ = try base.logitsAndGradient(of: images.pixels, draws: draws) { logits in
          AttackLoss.logOdds.gradient(of: logits, labels: images.labels, targets: nil)
        }
      }
    )
  }
}

extension NetworkVerification {
  /// The passes that a run on `images` images takes at most, which is when the attack succeeds on all.
  func passes(of images: Int) -> PassMeter.Count {
    let attack = images * settings.steps
    let decision = 2 * settings.sampleCount + 1
    let conditions = 2 * settings.lambdas.count * decision * images
    // Pairs within and between classes at every λ with both ends; partners of every image and RIC there.
    let linearity =
      2 * settings.pairCount * (settings.lambdas.count + 2)
      + images * (2 * 2 * settings.partnerCount + 2 * decision)
    return PassMeter.Count(
      forward: attack + 2 * images + conditions + linearity, backward: attack)
  }
}

/// Runs plans on one image with an untrained network, to count the passes that their jobs take, which depend
/// neither on the network nor on the radius.
private struct DryRun {
  private let data: DatasetSplit
  private let dataset: Dataset
  private let settings: Reproduction.Settings
  private let model: CheckpointModel
  /// The results of plans that were run already, as several networks have the same plans.
  private var results: [EvaluationPlan: [JobResult]] = [:]

  init(_ data: DatasetSplit, _ dataset: Dataset, _ settings: Reproduction.Settings) {
    self.data = data
    self.dataset = dataset
    self.settings = settings
    let shape = data.test.pixels.imageShape
    let network = ResNet(.resNet8(shape, classCount: data.test.classCount))
    network.initialize(seed: settings.seed)
    model = CheckpointModel(
      name: "dry run",
      checkpoint: Checkpoint(network, normalization: .plusMinusOne(channels: shape.channels)),
      digest: "")
  }

  /// The passes that a plan takes for `images` images at most: what is left out depends on the images. Its defences run together, as images that are found
  /// without knowledge of a defence are searched once for all defences.
  ///
  /// - Parameter ofImage: the passes of a job for one image, by its result; unless given all that it took.
  mutating func passes(
    _ plan: EvaluationPlan, of images: Int,
    ofImage: (JobResult) -> PassMeter.Count = { $0.cost?.passes ?? PassMeter.Count() }
  ) throws -> PassMeter.Count {
    /// An attack with the same radius for all, as passes do not depend on the radius.
    let epsilon = settings.epsilons[0]
    func common(_ attack: AttackDescription) -> AttackDescription {
      var attack = attack
      if attack.budget != nil { attack.epsilon = epsilon }
      return attack
    }
    var one = plan
    one.count = 1
    one.defences = plan.defences.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    one.attacks = plan.attacks.map(common).reduce(into: []) {
      if !$0.contains($1) { $0.append($1) }
    }
    let found =
      try results[one]
      ?? EvaluationRun(
        plan: one, kernels: settings.kernels, workers: WorkerPool(threadCount: 1),
        progress: ProgressReporter(output: .silent)
      ).run(model, on: data, dataset: dataset)
    results[one] = found
    let shape = dataset.imageShape
    return found.reduce(PassMeter.Count()) { sum, result in
      // How often the plan has it: at so many radii, and a defence perhaps twice.
      let times =
        plan.attacks.count { common($0) == result.job.attack }
        * plan.defences.count {
          $0.resolved(for: shape) == result.job.defence
        }
      let passes = ofImage(result)
      return sum
        + PassMeter.Count(
          forward: times * images * (passes.forward + passes.spared),
          backward: times * images * passes.backward)
    }
  }
}

extension TrainingRun {
  /// Seconds that the whole run will take, by the time of its second step; 0 where the images do not fill
  /// two batches.
  func estimate(on data: DatasetSplit) throws -> Double {
    let (trainer, network) = beginning(on: data)
    network.initialize(seed: recipe.seed)
    var short = trainer
    short.recipe.epochs = 1
    let images = data.training[0..<min(2 * recipe.batchSize, data.training.count)]
    var times: [ContinuousClock.Instant] = []
    try short.train(network, on: images) { _ in times.append(.now) }
    guard times.count == 2 else { return 0 }
    return (times[1] - times[0]) / .seconds(1)
      * Double(trainer.totalSteps(images: data.training.count))
  }
}
