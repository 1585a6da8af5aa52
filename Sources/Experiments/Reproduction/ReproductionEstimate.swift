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

  /// The passes of images through a network that everything but training takes at most.
  package func passes() throws -> PassMeter.Count {
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
        sum = try sum + passes(plan, of: plan.count ?? data.test.count)
      }
      if let rule = settings.radius {
        sum = try sum + passes(sweepPlan(rule), of: data.validation.count)
      }
      sum = try sum + passesOfChoosing(method)
      if settings.parts.contains(.conditions) {
        sum = sum + verification(method).passes(of: figureImages.count)
      }
      let claims = chosen.claimed(settings.hasCombinedRule(method))
      if settings.parts.contains(.sanity), !claims.isEmpty {
        sum = try sum + passesOfSanity(claims, method)
      }
    }
    return sum
  }

  /// The passes that a plan takes for `images` images.
  private func passes(_ plan: EvaluationPlan, of images: Int) throws -> PassMeter.Count {
    try dryRun.passes(plan).reduce(PassMeter.Count()) { $0 + $1.times(images) }
  }

  /// The passes by which the settings of a network's defences are chosen.
  func passesOfChoosing(_ method: TrainingMethod) throws -> PassMeter.Count {
    let validation = data.validation.count
    func decisions(_ plan: EvaluationPlan) throws -> PassMeter.Count {
      try dryRun.decisions(plan).times(min(plan.count ?? validation, validation))
    }
    let bare = try decisions(matchingPlan([.none]))
    switch settings.choice {
    case .dearest: return try bare + decisions(matchingPlan(candidates(method)))
    case .mostRobust:
      let attack = validation * (settings.radius?.steps ?? settings.referenceSteps)
      return bare + passesOfTuning + PassMeter.Count(forward: attack, backward: attack)
    }
  }

  /// The passes of tuning, of which every run is a decision by both rules on every validation image.
  var passesOfTuning: PassMeter.Count {
    PassMeter.Count(
      forward: Tuning.runCount(lambdas: settings.lambdas) * data.validation.count
        * (2 * settings.decisionDraws + 1))
  }

  /// The passes of the sanity suite on what is claimed of a network.
  func passesOfSanity(
    _ claims: [DefenceDescription], _ method: TrainingMethod
  ) throws -> PassMeter.Count {
    try dryRun.passesOfSanity(
      plan(claims, [settings.adaptive(settings.figureEpsilon(method))], count: nil),
      images: min(settings.sanityCount, data.test.count))
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
