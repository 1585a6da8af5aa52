import Classification
import Datasets
import Kernels
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import Training

/// How long a reproduction will take on this machine, from one step of every training and a few passes
/// through the network: what is to be known before days begin.
package struct PaperEstimate: Sendable {
  /// A part of the work and the seconds that it will take.
  package struct Part: Sendable {
    package var name: String
    package var seconds: Double
  }

  package let parts: [Part]

  package var seconds: Double { parts.reduce(0) { $0 + $1.seconds } }

  /// One line.
  package var text: String {
    let list = parts.map { "\($0.name) \(duration($0.seconds))" }.joined(separator: ", ")
    return "about \(duration(seconds)) from nothing on this machine: \(list)"
  }
}

extension PaperReproduction {
  /// Measures and adds up; takes as long as a step of every training that is to be done.
  package func estimate() throws -> PaperEstimate {
    let trainings = try TrainingMethod.allCases.filter { models[$0] == nil }.map { method in
      PaperEstimate.Part(
        name: "training of \(method.title)", seconds: try trainingRun(method).estimate(on: data))
    }
    let evaluation = try secondsPerPass()
    let (forward, backward) = passes
    return PaperEstimate(
      parts: trainings + [
        PaperEstimate.Part(
          name: "evaluation",
          seconds: Double(forward) * evaluation.forward + Double(backward) * evaluation.gradient)
      ])
  }

  /// Seconds of an image's forward pass, and of its gradient, all threads at work.
  private func secondsPerPass() throws -> (forward: Double, gradient: Double) {
    let shape = data.test.pixels.imageShape
    let network = ResNet(scale.architecture(shape, data.test.classCount))
    network.initialize(seed: settings.seed)
    let given = try models.values.first.map { try $0.checkpoint.network() }
    let base = NetworkClassifier(
      InferencePlan(
        given ?? network, normalization: .plusMinusOne(channels: shape.channels),
        kernels: settings.kernels))
    let images = data.test[0..<min(64, data.test.count)]
    let draws = Draws(seed: settings.seed, purpose: .measure, examples: images.indices)
    let blocks = workers.threadCount
    func seconds(_ work: @Sendable () throws -> Void) throws -> Double {
      _ = try workers.map(count: blocks) { _ in try work() }
      let start = ContinuousClock.now
      _ = try workers.map(count: blocks) { _ in try work() }
      return (ContinuousClock.now - start) / .seconds(1) / Double(blocks * images.count)
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

  /// Images through a network forward, and with a gradient, of everything but training.
  private var passes: (forward: Int, gradient: Int) {
    let (n, steps) = (settings.decisionDraws, settings.steps.reduce(0, +))
    let decisions = settings.scoringDraws + settings.selectionDraws
    let (images, figure) = (settings.imageCount, settings.figureImageCount)
    let whole = data.test.count
    var (forward, gradient) = (0, 0)
    for method in TrainingMethod.allCases {
      let defended = method.defences.count - 1
      let columns = 1 + settings.epsilons.count * (2 * settings.steps.count + 1)
      forward += defended * columns * images * decisions * n
      gradient += settings.epsilons.count * images * 2 * steps
      // MI-Combined is attacked through both branches too, which are half as wide, and whole.
      let surrogates = defended + (method.isClaimed ? 2 : 0)
      gradient +=
        settings.epsilons.count * images * settings.adaptiveSteps
        * (defended + surrogates * settings.attackDraws)
      forward +=
        candidates(method).count * n * decisions
        * (2 * images + min(5 * figure, data.validation.count))
      forward += whole * n * decisions
      forward += 2 * 11 * 2 * n * figure
      guard method.isClaimed else { continue }
      gradient +=
        3 * settings.publishedDraws.reduce(0, +) * settings.publishedSteps * figure
      // Checks of which the dearest repeat the attack with four times its effort.
      gradient += 17 * settings.sanityCount * settings.adaptiveSteps * settings.attackDraws
    }
    return (forward, gradient)
  }
}

extension TrainingRun {
  /// Seconds that the whole run will take, from its second step.
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
