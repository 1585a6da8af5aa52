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

extension PaperReproduction {
  /// What the tables and figures depend on, besides networks and code.
  package struct Settings: Codable, Hashable, Sendable {
    package var seed: UInt64 = 1
    /// Test images under attack, from the first.
    package var imageCount = 256
    /// R of a randomised defence.
    package var scoringDraws = 1
    /// Draws by which the worst attack on an image is chosen; without any there is no worst.
    package var selectionDraws = 0
    /// N.
    package var decisionDraws = 30
    /// Radii of the tables, on the pixel scale.
    package var epsilons: [Epsilon]
    /// Steps of the attacker who does not know of the defence.
    package var steps = [10, 50, 200]
    package var adaptiveSteps = 20
    /// The attacker's executions for a gradient.
    package var attackDraws = 5
    /// Clean accuracy that a defence may cost on validation images: the paper's rows pay about a tenth.
    package var cleanCost = 0.1
    /// Radius of the figures for networks trained on clean and on adversarial images.
    package var figureEpsilons: [Epsilon]
    /// Images of Figures 2 and 4.
    package var figureImageCount = 100
    /// Points of Figure 4: executions of the published attack.
    package var publishedDraws = [1, 5, 10, 30]
    package var publishedSteps = 10
    /// Images of the sanity suite.
    package var sanityCount = 10
    package var kernels = KernelSet.best

    /// - Throws: never in practice; the radii are literals that `Epsilon` can read.
    package init(_ scale: PaperScale) throws {
      epsilons = try ["1/255", "2/255", "4/255", "8/255"].map { try Epsilon($0) }
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

    /// What is done to images: nothing, then at every radius PGD of rising length, untargeted and
    /// targeted, and PGD through the defence.
    var attacks: [AttackDescription] {
      [AttackDescription(.none)]
        + epsilons.flatMap { epsilon in
          [AttackName.pgd, AttackName(.targetedPGD)].flatMap { name in
            steps.map { AttackDescription(name, epsilon: epsilon, steps: $0) }
          } + [adaptive(epsilon)]
        }
    }

    func adaptive(_ epsilon: Epsilon) -> AttackDescription {
      AttackDescription(
        .adaptivePGD, epsilon: epsilon, steps: adaptiveSteps, draws: attackDraws)
    }

    /// The settings of a defence that compete on validation images, and that Figure 3 shows.
    ///
    /// - Parameter side: of the images, in pixels.
    func candidates(_ name: DefenceName, side: Int) -> [DefenceDescription] {
      let ratios: [Float] = [0.4, 0.5, 0.6, 0.7, 0.8]
      func transformed(_ transformation: InputTransformation) -> DefenceDescription {
        DefenceDescription(TransformedInput(transformation, sampleCount: decisionDraws))
      }
      switch name {
      case .predictedLabel, .otherLabel:
        return ratios.map {
          let mixing = Mixing(ratio: $0, sampleCount: decisionDraws)
          return DefenceDescription(
            name == .otherLabel
              ? MixupInferenceRule.otherLabel(mixing) : MixupInferenceRule.predictedLabel(mixing))
        }
      case .combined:
        return ratios.map {
          DefenceDescription(
            MixupInferenceRule.combined(
              predictedLabel: Mixing(ratio: 0.5, sampleCount: decisionDraws),
              otherLabel: Mixing(ratio: $0, sampleCount: decisionDraws), threshold: 0.2))
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
  /// Whether it shows the network adversarial images.
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

  /// Whether the paper claims something of MI-OL on it; the other networks are ablations.
  var isClaimed: Bool { defences.contains(.combined) }

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
      let epsilon = try Epsilon("8/255")
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
