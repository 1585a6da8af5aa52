import Classification
import Foundation
import Statistics

extension SanitySuite {
  static var checks: [Check] {
    [
      Check(name: "labels", claim: "labels are the data set's") { try $0.labelsAreTrue() },
      Check(name: "accuracy", claim: "clean images are recognised more often than by chance") {
        try $0.cleanImagesAreRecognised()
      },
      Check(
        name: "randomness",
        claim: "predictions vary with the draws, if they are said to, and only then"
      ) { try $0.randomnessIsAsStated() },
      Check(name: "batch", claim: "no outcome depends on the batch or the order") {
        try $0.batchDoesNotMatter()
      },
      Check(name: "gradient", claim: "the attack has gradients to follow, hardly ever zero") {
        try $0.gradientsExist()
      },
      Check(name: "slope", claim: "gradients are the slopes that differences show") {
        try $0.gradientsAreSlopes()
      },
      Check(name: "linear", claim: "the attack breaks of a linear model what can be broken") {
        try $0.attackIsOptimalOnLinearModel()
      },
      Check(name: "planted", claim: "the attack finds adversarial examples that were planted") {
        try $0.plantedExamplesAreFound()
      },
      Check(name: "radius 0", claim: "an attack of radius 0 changes nothing") {
        try $0.radiusZeroChangesNothing()
      },
      Check(name: "radius", claim: "a larger radius leaves no more images right") {
        try $0.radiusHelps()
      },
      Check(name: "unbounded", claim: "without a bound the attack breaks 99% of the images") {
        try $0.unboundedBreaksAll()
      },
      Check(name: "steps", claim: "the steps are enough: twice as many break no more images") {
        try $0.stepsSaturate()
      },
      Check(
        name: "draws",
        claim: "the draws for a gradient are enough: twice as many break no more images"
      ) {
        try $0.drawsSaturate()
      },
      Check(
        name: "oblivious", claim: "an attacker who does not know the defence breaks no more images"
      ) {
        try $0.knowledgeHelps()
      },
      Check(name: "gradient-free", claim: "an attack without gradients breaks no more images") {
        try $0.gradientsHelp()
      },
      Check(name: "transfer", claim: "an attack on another network breaks no more images") {
        try $0.ownGradientsHelp()
      },
      Check(name: "fixed draws", claim: "an attacker who knows the draws breaks no fewer images") {
        try $0.knownDrawsHelp()
      },
    ]
  }

  // MARK: The evaluation itself

  private func labelsAreTrue() throws -> (SanityVerdict.Outcome, String) {
    guard let originals else { return (.skipped, "nobody says which of its images these are") }
    let wrong = zip(examples.labels, originals.labels).count { $0 != $1 }
    return (
      wrong == 0 && originals.count == examples.count ? .passed : .failed,
      "\(wrong) of \(examples.count) labels differ"
    )
  }

  /// On the data set's own images: a wrong scale, transposed images or classes in another order leave nothing
  /// to attack, and any attack looks strong. Images of a file may rightly be all wrong.
  private func cleanImagesAreRecognised() throws -> (SanityVerdict.Outcome, String) {
    guard let originals else { return (.skipped, "nobody says which of its images these are") }
    let counts = Dictionary(originals.labels.map { ($0, 1) }, uniquingKeysWith: +)
    guard counts.count > 1 else { return (.skipped, "there are no images of two classes") }
    // Always answering the most frequent class is right as often as that class occurs.
    let chance = max(
      Double(counts.values.max() ?? 0) / Double(originals.count),
      1 / Double(classifier.classCount))
    let predictions = try classifier.predictions(
      of: originals.pixels,
      draws: Draws(seed: seed, purpose: .score, examples: originals.indices))
    let isRight = zip(predictions, originals.labels).map(==)
    let right = Proportion(isRight)
    // With few images not even a perfect score is beyond chance; it passes all the same.
    let isAbove =
      isRight.allSatisfy(\.self)
      || right.clopperPearsonInterval(confidence: 0.9).lower > chance
    return (
      isAbove ? .passed : .failed,
      "\(share(isRight)) right, by guessing \(Int((chance * Double(originals.count)).rounded()))"
    )
  }

  private func randomnessIsAsStated() throws -> (SanityVerdict.Outcome, String) {
    let first = try classifier.checkedLogits(of: examples.pixels, draws: draws(.score))
    let varies = try (1...4).contains { step in
      try classifier.checkedLogits(of: examples.pixels, draws: draws(.score, step: step)) != first
    }
    let again = try classifier.checkedLogits(of: examples.pixels, draws: draws(.score))
    guard again == first else { return (.failed, "the same draws give other predictions") }
    // A defence that looks at step and example only would be attacked on the draws that score it.
    let attacked = try classifier.checkedLogits(of: examples.pixels, draws: draws(.attack))
    guard !classifier.isRandomized || !varies || attacked != first else {
      return (.failed, "the attacker's draws are those that score")
    }
    return (
      varies == classifier.isRandomized ? .passed : .failed,
      "said to be \(classifier.isRandomized ? "" : "not ")randomised; five draws "
        + (varies ? "differ" : "give the same")
    )
  }

  private func batchDoesNotMatter() throws -> (SanityVerdict.Outcome, String) {
    let positions = Array(examples.indices.indices.prefix(16))
    let threat = try threat(budget, Effort())
    let whole = try correct(under: threat, on: examples[positions])
    let single = try correct(under: threat, on: examples[positions], blockSize: 1)
    let reversed = try correct(
      under: threat, on: examples[Array(positions.reversed())], blockSize: 3)
    let differing = positions.indices.count {
      whole[$0] != single[$0] || whole[$0] != reversed[positions.count - 1 - $0]
    }
    return (
      differing == 0 ? .passed : .failed, "\(differing) of \(positions.count) outcomes differ"
    )
  }

  // MARK: The gradient

  /// The gradient of the log odds, which do not saturate, at the images, and their values.
  private func gradient(at images: Pixels) throws -> (losses: [Double], gradient: Tensor) {
    let (logits, gradient) = try classifier.checkedLogitsAndGradient(of: images, draws: draws()) {
      AttackLoss.logOdds.gradient(of: $0, labels: examples.labels)
    }
    return (AttackLoss.logOdds.values(of: logits, labels: examples.labels), gradient)
  }

  private func gradientsExist() throws -> (SanityVerdict.Outcome, String) {
    let ball = PerturbationBall(center: examples.pixels, budget: budget)
    let places = [examples.pixels, try ball.start(of: examples, restart: 0, seed: seed)]
    var zeros = 0
    for images in places {
      let gradient = try gradient(at: images).gradient
      zeros += (0..<images.count).count { gradient.rows([$0]).values.allSatisfy { $0 == 0 } }
    }
    let count = places.count * examples.count
    // Of the loss that the attack follows, at the places where it asked, through each model that it
    // follows.
    let passes = try passes(under: threat(budget, Effort()))
    return (
      20 * zeros <= count && 20 * passes.withoutGradient <= passes.followed ? .passed : .failed,
      "of \(count) gradients \(zeros) are zero; of \(passes.followed) searches of the attack "
        + "\(passes.withoutGradient) saw zeros only"
    )
  }

  private func gradientsAreSlopes() throws -> (SanityVerdict.Outcome, String) {
    guard budget.radius > .zero else { return (.skipped, "the radius is 0") }
    let ball = PerturbationBall(center: examples.pixels, budget: budget)
    // Away from the clean images, which may lie at the edge of the box.
    let start = try ball.start(of: examples, restart: 1, seed: seed)
    let gradient = try gradient(at: start).gradient
    let length = budget.radius.value / 64
    func moved(_ length: Float) throws -> Tensor {
      try budget.step(
        from: start.tensor, along: gradient, lengths: examples.indices.map { _ in length })
    }
    // Clamped to the box, so the slope is taken over the way that was really gone.
    let (up, down) = (
      Pixels(unchecked: try moved(length).map { min(max($0, 0), 1) }),
      Pixels(unchecked: try moved(-length).map { min(max($0, 0), 1) })
    )
    let (above, below) = (try self.gradient(at: up).losses, try self.gradient(at: down).losses)
    let width = examples.pixels.imageShape.count
    var errors: [Double] = []
    for n in 0..<examples.count {
      let expected = (n * width..<(n + 1) * width).reduce(0.0) {
        $0 + Double(gradient[$1]) * Double(up.tensor[$1] - down.tensor[$1])
      }
      let found = above[n] - below[n]
      guard expected.isFinite, found.isFinite, expected != 0 || found != 0 else {
        errors.append(1)
        continue
      }
      errors.append(abs(found - expected) / max(abs(expected), abs(found)))
    }
    let median = errors.sorted()[errors.count / 2]
    return (
      median <= 0.25 ? .passed : .failed,
      "gradients and differences are \(Int((100 * median).rounded()))% apart in the median"
    )
  }

  // MARK: The attack on what is known

  private func attackIsOptimalOnLinearModel() throws -> (SanityVerdict.Outcome, String) {
    let twin = LinearTwin(for: examples.pixels, seed: seed)
    let labels = try twin.predictions(of: examples.pixels, draws: draws())
    let data = try LabelledImages(
      pixels: examples.pixels, labels: labels, classCount: 2, indices: examples.indices)
    // The radius at which about half of the images can be broken says most.
    func margins(within budget: PerturbationBudget) throws -> [Double] {
      try data.indices.indices.map { n in
        try twin.largestMargin(of: data.pixels[[n]], label: labels[n], within: budget)
      }
    }
    let budgets = (0..<8).map { budget.scaled(by: 1, over: 1 << $0) }
    let all = try budgets.map { (budget: $0, margins: try margins(within: $0)) }
    func distance(_ margins: [Double]) -> Int { abs(2 * margins.count { $0 > 0 } - margins.count) }
    guard let (budget, margins) = all.min(by: { distance($0.margins) < distance($1.margins) })
    else { return (.skipped, "there are no images") }
    let threat = Threat(search(Effort()), within: budget, through: twin)
    let isCorrect = try correct(under: threat, by: twin, on: data)
    // The last step of a search may fall short by a hundredth of the largest margin; smaller ones do not
    // count.
    let scale = (margins.map(abs).max() ?? 0) / 100
    let decided = margins.indices.filter { abs(margins[$0]) > scale }
    let missed = decided.count { (margins[$0] > 0) == isCorrect[$0] }
    return (
      50 * missed <= decided.count ? .passed : .failed,
      "\(margins.count { $0 > 0 }) of \(margins.count) can be broken at \(budget.radius); of the \(decided.count) "
        + "that are clear the attack gets \(missed) wrong"
    )
  }

  private func plantedExamplesAreFound() throws -> (SanityVerdict.Outcome, String) {
    guard budget.radius > .zero else { return (.skipped, "the radius is 0") }
    // With frozen draws, so that the planted place is of its class for certain.
    let frozen: any DifferentiableClassifier =
      classifier.isRandomized ? FrozenRandomness(classifier, seed: seed) : classifier
    var (planted, found, byChance) = (0, 0, 0)
    for n in examples.indices.indices.prefix(24) {
      let image = examples[[n]]
      guard
        let target = try Binarization.planted(
          in: frozen, around: image, within: budget, innerCount: 60, seed: seed)
      else { continue }
      planted += 1
      let data = try LabelledImages(
        pixels: image.pixels, labels: [0], classCount: 2, indices: image.indices)
      func isFound(_ attack: any Attack) throws -> Bool {
        try !correct(
          under: Threat(attack, within: budget, through: target), by: target, on: data)[0]
      }
      if try isFound(search(Effort())) { found += 1 }
      if try isFound(UniformNoise(samples: 60)) { byChance += 1 }
    }
    guard planted >= 5 else {
      return (.skipped, "the logits tell \(planted) planted places from their surroundings")
    }
    let evidence = "\(found) of \(planted) found, \(byChance) by random trials"
    return (10 * found >= 9 * planted ? .passed : .failed, evidence)
  }

  // MARK: More and less of it

  private func radiusZeroChangesNothing() throws -> (SanityVerdict.Outcome, String) {
    let (clean, attacked) = (
      try correct(under: nil), try attacked(within: PerturbationBudget(budget.norm, .zero))
    )
    let changed = zip(clean, attacked).count { $0 != $1 }
    return (changed == 0 ? .passed : .failed, "\(changed) of \(clean.count) outcomes change")
  }

  private func radiusHelps() throws -> (SanityVerdict.Outcome, String) {
    guard budget.radius > .zero else { return (.skipped, "the radius is 0") }
    let radii = [(1, 2), (1, 1), (2, 1)].map { budget.scaled(by: $0.0, over: $0.1) }
    let results = try radii.map { ($0.radius.description, try attacked(within: $0)) }
    let checks = zip(results, results.dropFirst()).map { expect($0, noLessRobustThan: $1) }
    let outcome =
      [SanityVerdict.Outcome.failed, .undecided].first { outcome in
        checks.contains { $0.0 == outcome }
      } ?? .passed
    return (
      outcome,
      "still right: "
        + results.map { "\(share($0.1)) at \($0.0)" }.joined(separator: ", ")
    )
  }

  private func unboundedBreaksAll() throws -> (SanityVerdict.Outcome, String) {
    // In ℓ2 the diagonal of the box.
    let side = Double(examples.pixels.imageShape.count).squareRoot().rounded(.up)
    let whole = PerturbationBudget(
      budget.norm, Epsilon(budget.norm == .linf ? 1 : Int(side), over: 1))
    let correct = try attacked(within: whole)
    return (
      100 * correct.count { $0 } <= correct.count ? .passed : .failed,
      "still right: \(share(correct)) at \(whole.radius)"
    )
  }

  private func stepsSaturate() throws -> (SanityVerdict.Outcome, String) {
    expect(
      ("twice", try attacked(Effort(steps: 2))), noLessRobustThan: ("once", try attacked()))
  }

  private func drawsSaturate() throws -> (SanityVerdict.Outcome, String) {
    guard classifier.isRandomized else { return (.skipped, "there are no draws") }
    return expect(
      ("twice", try attacked(Effort(draws: 2))), noLessRobustThan: ("once", try attacked()))
  }

  // MARK: Other attackers

  private func knowledgeHelps() throws -> (SanityVerdict.Outcome, String) {
    guard isDefended else { return (.skipped, "there is no defence") }
    guard isAdaptive else {
      return (.failed, "the attack does not know the defence; measure one that does")
    }
    let oblivious = Threat(search(Effort()), within: budget, through: network)
    return expect(
      ("oblivious", try correct(under: oblivious)), noLessRobustThan: ("adaptive", try attacked()))
  }

  private func gradientsHelp() throws -> (SanityVerdict.Outcome, String) {
    let threat = Threat(SquareAttack(queries: 300), within: budget, through: classifier)
    return expect(
      ("300 queries", try correct(under: threat)), noLessRobustThan: ("gradients", try attacked()))
  }

  private func ownGradientsHelp() throws -> (SanityVerdict.Outcome, String) {
    guard let other else {
      return (
        .skipped,
        isDefended
          ? "the oblivious attack is on another network already" : "no other network was given"
      )
    }
    guard isAdaptive || isDefended else {
      return (.failed, "the attack searches on another network; measure one on this")
    }
    let threat = Threat(search(Effort()), within: budget, through: other)
    return expect(
      ("transferred", try correct(under: threat)), noLessRobustThan: ("direct", try attacked()))
  }

  private func knownDrawsHelp() throws -> (SanityVerdict.Outcome, String) {
    guard classifier.isRandomized else { return (.skipped, "there are no draws") }
    let frozen = FrozenRandomness(classifier, seed: seed)
    let threat = Threat(search(Effort()), within: budget, through: frozen)
    return expect(
      ("unknown", try attacked()),
      noLessRobustThan: ("known", try correct(under: threat, by: frozen)))
  }
}

extension PerturbationBudget {
  /// The same norm with n/d of the radius, at most the width of the scale in ℓ∞.
  func scaled(by n: Int, over d: Int) -> PerturbationBudget {
    PerturbationBudget(norm, radius.scaled(by: n, over: d, in: norm))
  }
}
