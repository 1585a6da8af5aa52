import Classification
import Foundation
import MixupInference
import Robustness
import Statistics
import Synchronization
import TestSupport
import Testing

private let shape = ImageShape(channels: 1, height: 5, width: 5)
private let model = TanhMLP(imageShape: shape, classCount: 4, hidden: 16, seed: 11)

/// A classifier that gives out the logits and gradients of another one, falsified, for its own.
private struct FalsifiedClassifier: WrappingClassifier, DifferentiableClassifier {
  var base: any DifferentiableClassifier = model
  var isSaidToBeRandomized: Bool?
  var images: @Sendable (Pixels) throws -> Pixels = { $0 }
  var logits: @Sendable (Tensor) throws -> Tensor = { $0 }
  /// From the images and the gradient.
  var gradient: @Sendable (Pixels, Tensor) throws -> Tensor = { $1 }
  var wrapped: any Classifier { base }
  var isRandomized: Bool { isSaidToBeRandomized ?? base.isRandomized }

  func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try logits(base.logits(of: self.images(images), draws: draws))
  }

  func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    let seen = try self.images(images)
    let (logits, own) = try base.logitsAndGradient(of: seen, draws: draws) {
      try lossGradient(self.logits($0))
    }
    return (try self.logits(logits), try gradient(images, own))
  }
}

/// A defence that ignores what its draws are for.
private struct PurposeBlindDefence: WrappingClassifier, DifferentiableClassifier {
  let base: MixupInference<TanhMLP>
  var wrapped: any Classifier { base }

  private func own(_ draws: Draws) -> Draws {
    Draws(seed: draws.seed, purpose: .test, examples: draws.examples, step: draws.step)
  }

  func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try base.logits(of: images, draws: own(draws))
  }

  func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    try base.logitsAndGradient(of: images, draws: own(draws), lossGradient: lossGradient)
  }
}

/// An attack that does as it is told where it is made.
private struct AttackByClosure: Attack {
  let search:
    @Sendable (LabelledImages, PerturbationBudget, any DifferentiableClassifier, UInt64) throws ->
      Tensor

  func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor { try search(examples, budget, surrogate, seed) }
}

/// An evaluation, and whether one of the suite's checks has to fail on it.
private struct Evaluated: Sendable, CustomTestStringConvertible {
  /// The check that the evaluation is made for.
  let check: String
  /// Whether it has to fail; else it is near to what fails, and must not.
  let fails: Bool
  let what: String
  let change: @Sendable (inout SanitySuite, PlantedFaultTests) throws -> Void
  var testDescription: String { "\(check) \(fails ? "fails" : "does not fail") on \(what)" }

  static func fault(
    _ check: String, _ what: String,
    _ change: @escaping @Sendable (inout SanitySuite, PlantedFaultTests) throws -> Void
  ) -> Evaluated { Evaluated(check: check, fails: true, what: what, change: change) }

  static func near(
    _ check: String, _ what: String,
    _ change: @escaping @Sendable (inout SanitySuite, PlantedFaultTests) throws -> Void
  ) -> Evaluated { Evaluated(check: check, fails: false, what: what, change: change) }

  static let all: [Evaluated] =
    ofTheEvaluation + ofGradients + ofWhatIsKnown + ofMoreAndLess + ofOtherAttackers

  static let ofTheEvaluation: [Evaluated] = [
    .fault("labels", "the model's predictions in place of labels") { suite, tests in
      suite.originals = try tests.data.relabelled(
        tests.data.labels.enumerated().map { ($0.element + ($0.offset < 2 ? 1 : 0)) % 4 })
    },
    .near("labels", "a model that is wrong on a third of the images") { suite, tests in
      try suite.relabel(tests.wrong(everyNth: 3))
    },
    .fault("accuracy", "classes in another order, the same for data and evaluation") {
      suite, tests in
      try suite.relabel(tests.data.labels.map { ($0 + 1) % 4 })
    },
    .fault("accuracy", "a model that always says the same") { suite, _ in
      suite.follow(FalsifiedClassifier(logits: { $0.map { _ in 0 } }))
    },
    .fault("accuracy", "images that the model sees mirrored at grey") { suite, _ in
      suite.follow(FalsifiedClassifier(images: { try Pixels($0.tensor.map { 1 - $0 }) }))
    },
    .near("accuracy", "a model that is wrong on a third of the images") { suite, tests in
      try suite.relabel(tests.wrong(everyNth: 3))
    },
    .near("accuracy", "images of a file that an attack has broken, all of them") { suite, tests in
      suite.examples = try LabelledImages(
        pixels: Pixels(tests.data.pixels.tensor.map { 1 - $0 }), labels: tests.data.labels,
        classCount: 4, indices: tests.data.indices)
    },
    .fault("randomness", "frozen draws that pass for fresh ones") { suite, tests in
      suite.follow(
        FalsifiedClassifier(
          base: FrozenRandomness(try tests.defence(), seed: 1), isSaidToBeRandomized: true))
    },
    .fault("randomness", "fresh draws that pass for none") { suite, tests in
      suite.follow(FalsifiedClassifier(base: try tests.defence(), isSaidToBeRandomized: false))
    },
    .fault("randomness", "numbers of its own in place of the draws") { suite, _ in
      let calls = Mutex(Float(0))
      suite.follow(
        FalsifiedClassifier(
          isSaidToBeRandomized: true,
          logits: { logits in
            let shift =
              calls.withLock {
                $0 += 1; return $0
              } / 1000
            var logits = logits
            for n in 0..<logits.shape[0] { logits[4 * n] += shift }
            return logits
          }))
    },
    .near("randomness", "a defence whose predictions hardly ever change") { suite, _ in
      suite.follow(
        try RandomizedInput(
          model, transformations: [.gaussianNoise(standardDeviation: 1e-4)], sampleCount: 1))
    },
    .fault("randomness", "a defence that does not tell the attacker's draws from those that score")
    {
      suite, tests in
      suite.follow(PurposeBlindDefence(base: try tests.defence()))
    },
    .near("randomness", "a transformation without draws") { suite, _ in
      suite.follow(try RandomizedInput(model, transformations: [.bitDepth(8)], sampleCount: 2))
    },
    .fault("batch", "a model that adds the mean of the batch") { suite, _ in
      suite.follow(
        FalsifiedClassifier(images: { images in
          let mean = images.tensor.values.reduce(0, +) / Float(images.tensor.count)
          return try Pixels(images.tensor.map { min(max($0 + 40 * (mean - 0.5), 0), 1) })
        }))
    },
    .near("batch", "an attack and a defence that draw by the example") { suite, tests in
      suite.follow(try tests.defence()) {
        ProjectedGradientDescent(steps: 4 * $0.steps, restarts: 2, selections: 3)
      }
    },
  ]

  static let ofGradients: [Evaluated] = [
    .fault("gradient", "a layer that kills the gradient") { suite, _ in
      suite.follow(FalsifiedClassifier(gradient: { $1.map { _ in 0 } }))
    },
    .fault("gradient", "gradients that are no numbers at one image of sixty") { suite, tests in
      let bright = tests.data.pixels.tensor[25 * 17]
      suite.follow(
        FalsifiedClassifier(gradient: { images, gradient in
          var gradient = gradient
          for n in 0..<images.count where images.tensor[25 * n] == bright {
            gradient[25 * n + 3] = .nan
          }
          return gradient
        }))
    },
    .fault("gradient", "a loss that vanishes, of a sound but certain model") { suite, _ in
      suite.follow(
        FalsifiedClassifier(
          logits: { $0.map { 0x1p14 * $0 } }, gradient: { $1.map { 0x1p14 * $0 } })
      ) {
        ProjectedGradientDescent(steps: 20 * $0.steps, loss: .doubleSoftmax)
      }
    },
    .fault("gradient", "a defence without a gradient beside a network with one") { suite, tests in
      let masked = FalsifiedClassifier(base: try tests.defence(), gradient: { $1.map { _ in 0 } })
      suite.defend(masked)
    },
    .near("gradient", "the cross-entropy of a certain model") { suite, _ in
      suite.follow(
        FalsifiedClassifier(
          logits: { $0.map { 0x1p14 * $0 } }, gradient: { $1.map { 0x1p14 * $0 } })
      ) {
        AutoPGD(steps: 20 * $0.steps)
      }
    },
    .near("gradient", "two images of sixty without a gradient") { suite, tests in
      let bright = [3, 40].map { tests.data.pixels.tensor[25 * $0 + 7] }
      suite.follow(
        FalsifiedClassifier(gradient: { images, gradient in
          var gradient = gradient
          for n in 0..<images.count
          where bright.contains(where: { abs($0 - images.tensor[25 * n + 7]) < 1e-6 }) {
            for place in 25 * n..<25 * (n + 1) { gradient[place] = 0 }
          }
          return gradient
        }))
    },
    .fault("slope", "the gradient of another model") { suite, _ in
      let other = TanhMLP(imageShape: shape, classCount: 4, hidden: 16, seed: 12)
      suite.follow(
        FalsifiedClassifier(gradient: { images, _ in
          try other.logitsAndGradient(
            of: images, draws: Draws(seed: 0, purpose: .test, examples: Array(0..<images.count))
          ) { $0 }.gradient
        }))
    },
    .fault("slope", "eight levels that gradients pass straight through") { suite, _ in
      suite.follow(
        FalsifiedClassifier(images: { try Pixels($0.tensor.map { ($0 * 8).rounded() / 8 }) }))
    },
    .near("slope", "gradients that are off by a tenth, this way and that") { suite, _ in
      suite.follow(
        FalsifiedClassifier(gradient: { _, gradient in
          var gradient = gradient
          for place in 0..<gradient.count { gradient[place] *= place % 2 == 0 ? 1.1 : 0.9 }
          return gradient
        }))
    },
  ]

  static let ofWhatIsKnown: [Evaluated] = [
    .fault("linear", "an attack that uses half of the radius") { suite, _ in
      suite.attack { misdirected(steps: 20 * $0.steps, factor: 0.5) }
    },
    .near("linear", "a single step, which is all that a linear model needs") { suite, _ in
      suite.attack { _ in ProjectedGradientDescent.fastGradientSign }
    },
    .fault("planted", "an attack that goes the wrong way") { suite, _ in
      suite.attack { misdirected(steps: 20 * $0.steps, factor: -1) }
    },
    .near("planted", "an attack of another kind") { suite, _ in
      suite.attack { AutoPGD(steps: 20 * $0.steps, loss: .margin) }
    },
    .fault("radius 0", "an attacker with a radius of his own") { suite, tests in
      // The judge projects onto the ball of the threat, so that is what has to be wrong.
      let usual = suite.budget
      suite.threat = { _, _ in
        Threat(ProjectedGradientDescent(steps: 20), within: usual, through: model)
      }
    },
    .near("radius 0", "an attack that leaves ball and box") { suite, _ in
      suite.attack { effort in
        AttackByClosure { examples, budget, surrogate, seed in
          try ProjectedGradientDescent(steps: 20 * effort.steps).search(
            examples, within: budget, through: surrogate, seed: seed
          ).map { 3 * $0 - 1 }
        }
      }
    },
  ]

  static let ofMoreAndLess: [Evaluated] = [
    .fault("radius", "an attack that gets lost in a large ball") { suite, _ in
      suite.attack { effort in
        AttackByClosure { examples, budget, surrogate, seed in
          budget.radius.value > 0.05
            ? examples.pixels.tensor
            : try ProjectedGradientDescent(steps: 20 * effort.steps).search(
              examples, within: budget, through: surrogate, seed: seed)
        }
      }
    },
    .near("radius", "a radius at which all is broken") { suite, _ in
      suite.budget = .linf(try Epsilon("1/2"))
    },
    .fault("unbounded", "an attack of short steps") { suite, _ in
      let epsilon = try Epsilon("1/500")
      suite.attack {
        ProjectedGradientDescent(steps: 6 * $0.steps, stepSize: epsilon, randomStart: false)
      }
    },
    .near("unbounded", "a radius at which nothing is broken") { suite, _ in
      suite.budget = .linf(try Epsilon("1/1000"))
    },
    .fault("steps", "too few steps") { suite, _ in
      let epsilon = try Epsilon("1/500")
      suite.attack {
        ProjectedGradientDescent(steps: 6 * $0.steps, stepSize: epsilon, randomStart: false)
      }
    },
    .near("steps", "steps that go from one side to the other") { suite, _ in
      // Long steps at the end: twice as many end elsewhere, but break no more.
      suite.attack {
        ProjectedGradientDescent(steps: 20 * $0.steps + ($0.steps - 1), stepSize: stepThere)
      }
    },
    .fault("draws", "an attacker who cannot see through the noise") { suite, tests in
      suite.follow(try tests.defence())
      let target = suite.classifier
      suite.threat = { budget, effort in
        // As if the gradient of one draw were noise, and that of two were not.
        Threat(
          effort.draws > 1 ? ProjectedGradientDescent(steps: 20) : UniformNoise(samples: 1),
          within: budget, through: target)
      }
    },
    .near("draws", "a defence of few draws") { suite, tests in
      suite.follow(
        try MixupInference(
          model, pool: tests.pool, rule: .otherLabel(Mixing(lambda: 0.6, sampleCount: 2))))
    },
  ]

  static let ofOtherAttackers: [Evaluated] = [
    .fault("oblivious", "an attacker who only tries noise") { suite, tests in
      suite.defend(try tests.defence())
      let target = suite.classifier
      suite.threat = { budget, _ in
        Threat(UniformNoise(samples: 2), within: budget, through: target)
      }
    },
    .near("oblivious", "an attacker who does as one who does not know") { suite, tests in
      suite.defend(try tests.defence())
      suite.threat = { budget, effort in
        Threat(ProjectedGradientDescent(steps: 20 * effort.steps), within: budget, through: model)
      }
    },
    .fault("gradient-free", "a layer that turns gradients around") { suite, _ in
      suite.follow(FalsifiedClassifier(gradient: { $1.map { -$0 } }))
    },
    .near("gradient-free", "an attack without gradients") { suite, _ in
      suite.attack { SquareAttack(queries: 300 * $0.steps) }
    },
    .fault("transfer", "a layer that turns gradients around, and the network without it") {
      suite, _ in
      suite.follow(FalsifiedClassifier(gradient: { $1.map { -$0 } }))
      suite.other = model
    },
    .near("transfer", "the same network once more") { suite, _ in suite.other = model },
    .fault("fixed draws", "a search that is weak where draws are known") { suite, tests in
      suite.follow(try tests.defence())
      suite.search = { _ in UniformNoise(samples: 1) }
    },
    .near("fixed draws", "a defence of which all draws are much the same") { suite, _ in
      suite.follow(
        try RandomizedInput(
          model, transformations: [.gaussianNoise(standardDeviation: 1e-3)], sampleCount: 2))
    },
  ]

  /// A step of two thirds of the suite's radius.
  private static let stepThere = try? Epsilon("2/75")

  /// PGD that goes a part of the way, or the other way: x + f (x' − x).
  private static func misdirected(steps: Int, factor: Float) -> AttackByClosure {
    AttackByClosure { examples, budget, surrogate, seed in
      let found = try ProjectedGradientDescent(steps: steps).search(
        examples, within: budget, through: surrogate, seed: seed)
      let clean = examples.pixels.tensor
      return try Tensor(
        (0..<found.count).map { clean[$0] + factor * (found[$0] - clean[$0]) }, shape: found.shape)
    }
  }
}

extension SanitySuite {
  /// Evaluates another classifier, alone.
  fileprivate mutating func follow(
    _ classifier: any DifferentiableClassifier,
    by attack: @escaping @Sendable (Effort) -> any Attack = {
      ProjectedGradientDescent(steps: 20 * $0.steps)
    }
  ) {
    self.classifier = classifier
    self.attack(attack)
  }

  /// Evaluates a defence of the model, by an attacker who also attacks the model.
  fileprivate mutating func defend(_ defence: any DifferentiableClassifier) {
    classifier = defence
    isDefended = true
    threat = { budget, effort in
      let attack = ProjectedGradientDescent(steps: 20 * effort.steps)
      return Threat(
        BestOf([.init(attack, through: model), .init(attack)]), within: budget, through: defence)
    }
  }

  fileprivate mutating func attack(_ attack: @escaping @Sendable (Effort) -> any Attack) {
    search = attack
    let classifier = self.classifier
    threat = { Threat(attack($1), within: $0, through: classifier) }
  }

  /// Other labels, of the data set and of the evaluation.
  fileprivate mutating func relabel(_ labels: [Int]) throws {
    examples = try examples.relabelled(labels)
    originals = try originals?.relabelled(labels)
  }
}

extension LabelledImages {
  fileprivate func relabelled(_ labels: [Int]) throws -> LabelledImages {
    try LabelledImages(pixels: pixels, labels: labels, classCount: 4, indices: indices)
  }
}

@Suite("Planted faults and the sanity suite")
struct PlantedFaultTests {
  fileprivate let data: LabelledImages
  fileprivate let pool: SamplePool

  init() throws {
    func labelled(_ count: Int, seed: UInt64, from index: Int) throws -> LabelledImages {
      let images = try randomImages(
        count, shape: shape, classCount: 4, seed: seed, range: 0.1...0.9, firstIndex: index)
      let labels = try model.predictions(
        of: images.pixels, draws: Draws(seed: 0, purpose: .test, examples: images.indices))
      return try LabelledImages(
        pixels: images.pixels, labels: labels, classCount: 4, indices: images.indices)
    }
    data = try labelled(60, seed: 1, from: 500)
    pool = try SamplePool(labelled(100, seed: 2, from: 0))
  }

  fileprivate func defence() throws -> MixupInference<TanhMLP> {
    try MixupInference(model, pool: pool, rule: .otherLabel(Mixing(lambda: 0.6, sampleCount: 5)))
  }

  /// The labels, with one in n that the model takes for another class.
  fileprivate func wrong(everyNth n: Int) throws -> [Int] {
    data.labels.enumerated().map { $0.offset % n == 0 ? ($0.element + 1) % 4 : $0.element }
  }

  private func suite() throws -> SanitySuite {
    SanitySuite(
      classifier: model, network: model, isDefended: false, examples: data, originals: data,
      budget: .linf(try Epsilon("1/25")), search: { _ in ProjectedGradientDescent(steps: 20) },
      threat: { budget, effort in
        Threat(ProjectedGradientDescent(steps: 20 * effort.steps), within: budget, through: model)
      }, other: TanhMLP(imageShape: shape, classCount: 4, hidden: 16, seed: 12), seed: 5)
  }

  @Test("Every check fails on its fault, and not on what is near to it", arguments: Evaluated.all)
  private func planted(_ evaluated: Evaluated) throws {
    var suite = try suite()
    try evaluated.change(&suite, self)
    let found = try suite.verdict(of: evaluated.check)
    let verdict = try #require(found)
    #expect(
      evaluated.fails
        ? verdict.outcome == .failed : [.passed, .undecided].contains(verdict.outcome),
      "\(verdict.outcome.rawValue): \(verdict.evidence)")
    #expect(!verdict.evidence.isEmpty && !verdict.evidence.contains("\n"))
  }

  @Test("An attack that does not follow what is evaluated shows nothing")
  func oblivious() throws {
    var defended = try suite()
    defended.isDefended = true
    defended.isAdaptive = false
    #expect(try defended.verdict(of: "oblivious")?.outcome == .failed)
    var transferred = try suite()
    transferred.isAdaptive = false
    #expect(try transferred.verdict(of: "transfer")?.outcome == .failed)
  }

  @Test("Few images more that a weaker attack breaks are not taken for none")
  func undecided() throws {
    let suite = try suite()
    let right = Array(repeating: true, count: 9)
    for (wrong, outcome) in [(0, SanityVerdict.Outcome.passed), (2, .undecided), (8, .failed)] {
      let weaker = right.indices.map { $0 >= wrong }
      #expect(suite.expect(("a", weaker), noLessRobustThan: ("b", right)).0 == outcome)
    }
  }

  @Test("Without images every check is skipped")
  func noImages() throws {
    var suite = try suite()
    suite.examples = data[[]]
    suite.originals = data[[]]
    #expect(try suite.run().allSatisfy { $0.outcome == .skipped })
  }

  @Test("No check is without a fault and something near to it")
  func allAreThere() {
    for name in SanitySuite.names {
      #expect(Evaluated.all.contains { $0.check == name && $0.fails }, "\(name)")
      #expect(Evaluated.all.contains { $0.check == name && !$0.fails }, "\(name)")
    }
  }
}
