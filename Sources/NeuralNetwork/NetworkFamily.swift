/// Published networks whose names and shapes tell the same of what they compute, and what names and shapes leave
/// open among them.
///
/// A family is a row of `all`: what tells it, and a few values. How its tensors are called is `StateNaming`'s.
package struct NetworkFamily: Sendable {
  /// Whose networks these are, in words.
  package let title: String
  /// The words for a stage that tell it; nil for any other.
  private var stages: Set<String>?
  private var isPreActivation: Bool
  /// Nil where convolutions may have biases or not.
  private var hasBiases: Bool?

  // MARK: What its names tell

  var isLopsided = false
  var stridesSecond = false
  /// Whether some have no normalisation behind the last block. Of others one that is not there is missing.
  var mayEndBare = false
  /// Parts of the file that this code registers and never uses.
  var unused: [String] = []
  /// What published code of this family computes, by question: where there is none, what most networks do. If there
  /// are several, names and shapes do not tell which of them a file is of, and the first is not better than others.
  var answers: [Reading.Question: [String]] = [:]
  /// The scaling of the input that is usual where it is not in the file.
  package var usualScaling: String?

  private init(
    _ title: String, stages: Set<String>? = nil, isPreActivation: Bool = true,
    hasBiases: Bool? = false
  ) {
    self.title = title
    self.stages = stages
    self.isPreActivation = isPreActivation
    self.hasBiases = hasBiases
  }

  /// Words for a stage that only pre-activation networks have.
  static let preActivationStages: Set<String> = [
    "block1.layer", "blocks.0.layer", "layer.0.block", "layer_0",
  ]

  /// All families; a network is of the first that fits.
  static let all: [NetworkFamily] = {
    // RobustBench's WideResNet has the names of TRADES'.
    var trades = NetworkFamily(
      "WideResNet of TRADES and RobustBench", stages: ["block1.layer"])
    trades.unused = ["sub_block1."]
    trades.answers = [.shortcut: ["activated"]]

    var semiSupervised = NetworkFamily(
      "WideResNet of OpenMixup and TorchSSL", stages: ["block1.layer"], hasBiases: true)
    // OpenMixup's, TorchSSL's.
    semiSupervised.answers = [
      .shortcut: ["raw-later", "both-raw-later"], .activation: ["leaky-0.1"],
      .normEpsilon: ["1e-3"],
    ]

    var robust = NetworkFamily("RobustWideResNet", stages: ["blocks.0.layer"])
    robust.answers = [.shortcut: ["activated"]]

    let deepMindScaling =
      "--mean 0.4914,0.4822,0.4465 --std 0.2471,0.2435,0.2616 for CIFAR-10, --mean 0.5071,0.4865,0.4409 "
      + "--std 0.2673,0.2564,0.2762 for CIFAR-100"
    var deepMindWide = NetworkFamily("WideResNet of DeepMind", stages: ["layer.0.block"])
    deepMindWide.isLopsided = true
    deepMindWide.answers = [.shortcut: ["activated"], .activation: ["silu", "relu"]]
    deepMindWide.usualScaling = deepMindScaling

    var deepMindPreAct = NetworkFamily("PreActResNet of DeepMind", stages: ["layer_0"])
    deepMindPreAct.isLopsided = true
    deepMindPreAct.answers = [.shortcut: ["raw"], .activation: ["silu", "relu"]]
    deepMindPreAct.usualScaling = deepMindScaling

    // kuangliu/pytorch-cifar, Manifold Mixup, PuzzleMix and locuslab/robust_overfitting; RobustBench and
    // locuslab/fast_adversarial.
    var preAct = NetworkFamily("PreActResNet")
    preAct.mayEndBare = true
    preAct.answers = [.shortcut: ["activated", "raw"]]

    var mixup = NetworkFamily("WideResNet of Manifold Mixup and PuzzleMix", hasBiases: true)
    mixup.stridesSecond = true
    mixup.answers = [.shortcut: ["raw"]]

    return [
      trades, semiSupervised, robust, deepMindWide, deepMindPreAct, preAct, mixup,
      NetworkFamily("post-activation ResNet", isPreActivation: false, hasBiases: nil),
    ]
  }()

  /// The family of a network; nil if no published code has such names and shapes.
  static func of(
    _ naming: StateNaming, isPreActivation: Bool, hasBiases: Bool
  ) -> NetworkFamily? {
    let stage = naming.stage.description
    return all.first {
      ($0.stages?.contains(stage) ?? !preActivationStages.contains(stage))
        && $0.isPreActivation == isPreActivation && ($0.hasBiases ?? hasBiases) == hasBiases
    }
  }
}
