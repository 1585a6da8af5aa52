import Classification
import Datasets
import Kernels
import MixupInference
import NeuralNetwork
import Robustness
import Training

/// How much work a reproduction of the paper is given.
package enum PaperScale: String, CaseIterable, Codable, Sendable {
  /// Minutes, with networks trained for two epochs: to see that everything works.
  case quick
  /// Hours on two cores, with ResNet-20.
  case standard
  /// As published: the paper's network, 200 epochs, 1000 images. Days on two cores.
  case paper
}

extension Reproduction {
  /// What is measured beside the table of every defence under every attack.
  package enum Part: String, CaseIterable, Codable, Sendable {
    /// Clean accuracy on all test images.
    case whole
    /// Figure 3 (b): every setting of every defence.
    case tradeOff
    /// Figure 4: the published attack.
    case published
    /// Figure 2: RIC and DG over λ, and how far the networks are from linear between images.
    case conditions
    /// Whether the sanity suite lets the figures be quoted.
    case sanity
    /// What the paper says, beside what was found.
    case claims
    /// A few attacked images.
    case pictures
  }

  /// The plan: what the tables and figures depend on, besides networks and code.
  package struct Settings: Codable, Hashable, Sendable {
    package var scale: PaperScale
    /// Whether the scale says how networks are trained, rather than the data set's description.
    package var trainsToScale = true
    package var seed: UInt64 = 1
    /// The networks, by how they are trained.
    package var methods = TrainingMethod.allCases
    /// The defences of every network; nil for the rows of the paper's tables.
    package var defences: [DefenceName]?
    package var parts: [Part] = [.whole, .tradeOff, .published, .conditions, .sanity, .claims]
    /// Test images under attack, from the first; all if nil.
    package var imageCount: Int? = 256
    /// R, predictions that score an image of a randomised defence.
    package var scoringDraws = 1
    /// Predictions by which the worst attack on an image is chosen; 0 for no choice.
    package var selectionDraws = 0
    /// N, mixtures or other random changes of the input that are averaged for a decision.
    package var decisionDraws = 30
    /// How ε is chosen on validation images; nil if it is given.
    package var radius: RadiusRule?
    /// Radii of the tables, on the pixel scale.
    package var epsilons: [Epsilon]
    /// Steps of the attacker who does not know of the defence.
    package var steps = [10, 50, 200]
    /// The one of these numbers of steps to which figures, detection and findings refer.
    package var referenceSteps = 10
    /// Whether there is an attacker with a random target too.
    package var isTargeted = true
    package var adaptiveSteps = 20
    /// Draws of the defence that the adaptive attacker averages for a gradient.
    package var attackDraws = 5
    /// How the settings of defences are chosen: the paper's rows pay about a tenth of clean accuracy.
    package var choice = ChoosingRule.dearest(cost: 0.1)
    /// Values of λ from which that of each defence is chosen.
    package var lambdas: [MixingRatio] = [0.4, 0.5, 0.6, 0.7, 0.8]
    /// Radius of the figures for networks trained on clean and on adversarial images.
    package var figureEpsilons: [Epsilon]
    /// Images of Figures 2 and 4, and of linearity.
    package var figureImageCount = 100
    /// Points of Figure 4: executions of the published attack.
    package var publishedDraws = [1, 5, 10, 30]
    package var publishedSteps = 10
    /// Images of the sanity suite.
    package var sanityCount = 10
    package var kernels = KernelSet.best

    /// The usual settings for a data set, as its description says: the main table, in minutes, or the paper's
    /// tables and figures.
    ///
    /// - Throws: never in practice; the radii are literals that `Epsilon` can read.
    package init(_ scale: PaperScale, for dataset: Dataset) throws {
      switch dataset.reproduction {
      case .mainTable: try self.init(digits: scale)
      case .paper: try self.init(paper: scale)
      }
    }

    /// Three networks alone and behind mixup inference, at the smallest radius that breaks the undefended
    /// mixup network.
    package init(digits scale: PaperScale) throws {
      try self.init(paper: scale)
      trainsToScale = false
      methods = [.plain, .mixup, .interpolatedAdversarial]
      defences = DefenceName.ofMixup
      parts = [.conditions, .sanity, .pictures]
      sanityCount = scale == .quick ? 5 : 20
      imageCount = scale == .quick ? 100 : scale == .paper ? nil : 500
      (scoringDraws, selectionDraws) = (1, 0)
      decisionDraws = 30
      radius = RadiusRule(
        radii: (1...6).map { Epsilon($0, over: 20) },
        method: .mixup, left: 0.05, steps: 10)
      // Any one of them, until `chooseRadius` replaces it.
      epsilons = radius?.radii.suffix(1) ?? []
      figureEpsilons = epsilons + epsilons
      steps = [10, 50]
      referenceSteps = 50
      isTargeted = false
      adaptiveSteps = 50
      attackDraws = 10
      choice = .mostRobust(cost: 0.02)
      lambdas = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
      figureImageCount = 300
    }

    /// The paper's tables and figures, on CIFAR.
    package init(paper scale: PaperScale) throws {
      self.scale = scale
      epsilons = [1, 2, 4, 8].map { Epsilon($0, over: 255) }
      figureEpsilons = [epsilons[1], epsilons[3]]
      switch scale {
      case .quick:
        imageCount = 20
        decisionDraws = 5
        attackDraws = 2
        adaptiveSteps = 5
        epsilons = figureEpsilons
        steps = [10]
        figureImageCount = 20
        publishedDraws = [1, 5]
        sanityCount = 4
      case .standard: break
      case .paper:
        imageCount = 1000
        scoringDraws = 20
        selectionDraws = 5
        adaptiveSteps = 50
        attackDraws = 15
        figureEpsilons = [epsilons[3], epsilons[3]]
        publishedDraws = [1, 2, 3, 4, 5, 10, 15, 20, 25, 30]
        sanityCount = 50
      }
    }

    /// The radius at which a network's figures are drawn. Of a small network that never saw an attack
    /// nothing is left at the paper's 8/255.
    func figureEpsilon(_ method: TrainingMethod) -> Epsilon {
      method.isAdversarial ? figureEpsilons[1] : figureEpsilons[0]
    }

    /// Replaces the radii by the one that the rule chooses.
    mutating func chooseRadius(_ sweep: [Sweep]) {
      guard let rule = radius,
        let chosen = rule.choice({ epsilon in
          sweep.first { $0.method == rule.method }?
            .results[.none, oblivious(epsilon, steps: rule.steps)]?.accuracy.value
        })
      else { return }
      epsilons = [chosen]
      figureEpsilons = [chosen, chosen]
    }

    /// The defence that a sweep shows beside the network alone, before anything is tuned.
    var sweptDefence: DefenceDescription {
      DefenceDescription(.otherLabel, draws: decisionDraws)
    }

    /// The defences of a network, in the order of the tables.
    func defences(of method: TrainingMethod) -> [DefenceName] { defences ?? method.defences }

    /// Whether MI-Combined is among a network's defences, as on those for which the paper recommends mixup
    /// inference. The others are there for comparison.
    func hasCombinedRule(_ method: TrainingMethod) -> Bool {
      defences(of: method).contains(.combined)
    }

    func recipe(_ method: TrainingMethod, for dataset: Dataset) throws -> TrainingRecipe {
      trainsToScale
        ? try method.recipe(for: dataset, seed: seed, scale: scale)
        : try method.recipe(for: dataset, seed: seed)
    }

    func architecture(
      for dataset: Dataset
    ) -> @Sendable (ImageShape, Int) -> ResNet.Architecture {
      trainsToScale ? scale.architecture : dataset.training.architecture
    }

    /// What is done to images: nothing, then at every radius PGD of rising length, untargeted and
    /// targeted, and PGD through the defence.
    var attacks: [AttackDescription] {
      [.none] + epsilons.flatMap { attacks($0) }
    }

    /// The attacks at one radius.
    func attacks(_ epsilon: Epsilon) -> [AttackDescription] {
      steps.map { oblivious(epsilon, steps: $0) }
        + (isTargeted
          ? steps.map { AttackDescription(AttackName(.targetedPGD), epsilon: epsilon, steps: $0) }
          : []) + [adaptive(epsilon)]
    }

    /// PGD by an attacker who does not know of the defence.
    func oblivious(_ epsilon: Epsilon, steps: Int? = nil) -> AttackDescription {
      AttackDescription(.pgd, epsilon: epsilon, steps: steps ?? referenceSteps)
    }

    func adaptive(_ epsilon: Epsilon) -> AttackDescription {
      AttackDescription(
        .adaptivePGD, epsilon: epsilon, steps: adaptiveSteps, draws: attackDraws)
    }

    /// The points of Figure 4.
    func publishedAttacks(_ epsilon: Epsilon) -> [AttackDescription] {
      [AttackName(.published, .defence), AttackName(.publishedRepaired, .defence), .adaptivePGD]
        .flatMap { name in
          publishedDraws.map {
            AttackDescription(name, epsilon: epsilon, steps: publishedSteps, draws: $0)
          }
        }
    }

    /// The settings of a defence that compete on validation images, and that Figure 3 shows.
    ///
    /// - Parameter side: of the images, in pixels.
    func candidates(_ name: DefenceName, side: Int) -> [DefenceDescription] {
      func transformed(_ transformation: InputTransformation) -> DefenceDescription {
        DefenceDescription(TransformedInput(transformation, sampleCount: decisionDraws))
      }
      switch name {
      case .predictedLabel, .otherLabel:
        return lambdas.map {
          let mixing = Mixing(lambda: $0, sampleCount: decisionDraws)
          return DefenceDescription(
            name == .otherLabel
              ? MixupInferenceRule.otherLabel(mixing) : MixupInferenceRule.predictedLabel(mixing))
        }
      case .combined:
        return lambdas.map {
          DefenceDescription(
            MixupInferenceRule.combined(
              predictedLabel: Mixing(lambda: 0.5, sampleCount: decisionDraws),
              otherLabel: Mixing(lambda: $0, sampleCount: decisionDraws), threshold: 0.2))
        }
      case .gaussianNoise:
        return [0.0125, 0.025, 0.05, 0.075].map {
          transformed(.gaussianNoise(standardDeviation: $0))
        }
      case .rotation:
        return [10, 20, 30, 40].map { transformed(.rotation(degrees: $0)) }
      case .cropAndPad, .cropAndResize:
        // In eighths of the side; the official code's 20 to 28 of 32 among them.
        return [(4, 6), (5, 7), (6, 8), (7, 8)].map { least, largest in
          let sides = least * side / 8...largest * side / 8
          return transformed(
            name == .cropAndPad ? .cropAndPad(sides: sides) : .cropAndResize(sides: sides))
        }
      default: return [DefenceDescription(name)]
      }
    }
  }
}

extension TrainingMethod {
  /// Whether training shows the network adversarial images.
  var isAdversarial: Bool { self == .adversarial || self == .interpolatedAdversarial }

  /// The rows of the paper's tables: every defence on the networks of mixup, the ablations on the
  /// others; MI-PL, and mixing on a network alone, are ours.
  package var defences: [DefenceName] {
    switch self {
    case .plain, .adversarial: [.none, .otherLabel]
    case .mixup, .interpolatedAdversarial:
      [
        .none, .gaussianNoise, .rotation, .cropAndPad, .cropAndResize, .predictedLabel,
        .otherLabel, .combined,
      ]
    }
  }

  /// How tables call a network.
  package var title: String {
    switch self {
    case .plain: "plain"
    case .mixup: "mixup"
    case .adversarial: "AT"
    case .interpolatedAdversarial: "interpolated AT"
    }
  }

  /// The recipe of a scale, for CIFAR.
  ///
  /// `paper` follows section 5 and the official code: SGD with momentum and without weight decay, the
  /// rate divided by ten at half and at three quarters, attacks of ten steps; true labels where the
  /// code takes predicted ones.
  ///
  /// - Throws: never in practice; the radius is a literal that `Epsilon` can read.
  package func recipe(
    for dataset: Dataset, seed: UInt64, scale: PaperScale
  ) throws -> TrainingRecipe {
    var recipe = try recipe(for: dataset, seed: seed)
    switch scale {
    case .standard: break
    case .quick: recipe.epochs = 2
    case .paper:
      recipe.epochs = 200
      recipe.batchSize = 64
      recipe.weightDecay = 0
      recipe.schedule = .step(
        base: self == .interpolatedAdversarial ? 0.1 : 0.01, factor: 0.1, epochs: [100, 150])
      let epsilon = Epsilon(8, over: 255)
      if self == .adversarial { recipe.method = .adversarial(epsilon: epsilon, steps: 10) }
      if self == .interpolatedAdversarial {
        recipe.method = .interpolatedAdversarial(alpha: 1, epsilon: epsilon, steps: 10)
      }
    }
    return recipe
  }
}

extension PaperScale {
  /// The network that is trained.
  package var architecture: @Sendable (ImageShape, Int) -> ResNet.Architecture {
    switch self {
    case .quick: { .resNet8($0, classCount: $1) }
    case .standard: { .resNet20($0, classCount: $1) }
    case .paper: { .resNet50CIFAR($0, classCount: $1) }
    }
  }
}
