import Classification
import Foundation

/// The attack of Carlini and Wagner, IEEE S&P 2017, for the least ℓ2 perturbation that misleads:
/// minimises ‖x' − x‖₂² + c max(z_y − max_{k≠y} z_k + κ, 0) over x' in the box by Adam, whose steps are
/// clamped, and searches for the least c that succeeds.
///
/// Of the paper's three ways to stay in the box this is the first, clamping after every step, on the
/// scale from −1 to 1. Its usual one, x' = (tanh w + 1)/2, has no slope at values of 0 and 1, and so
/// hardly changes images that have many of them, such as digits.
///
/// From the clean image Adam often ends at a local minimum, up to half as far again as another, whatever its step,
/// the number of values of c and their first are. So the last third of the values of c start where DDN or FMN ended,
/// if that is nearer than all before: the image is then no farther than theirs.
///
/// It does not know the ball: what it found farther away is brought back by the judge. The norm must be
/// ℓ2. An image for which it found nothing that misleads is returned clean.
///
/// Through a randomised surrogate the nearest image that misled may owe that to a lucky draw. There the
/// term of the margin is not cut off at 0, as one draw beyond κ says little; some ten places on the way
/// of every c are brought into the ball and predicted on fresh draws; c has succeeded if one of them
/// misled on all of these; and the result is the place that is misclassified most often, not the nearest.
public struct CarliniWagner: Attack, Hashable, Codable {
  /// Adam's steps for each c.
  public var steps: Int
  /// Adam's learning rate, on the scale from −1 to 1.
  public var learningRate: Double
  /// Values of c that are tried.
  public var searches: Int
  /// The first c.
  public var initialConstant: Double
  /// κ, by how much the wrong class has to win.
  public var confidence: Double
  /// Whether the last third of the values of c start from the nearest image that DDN and FMN find, each with as many
  /// steps as this has and 200 at most; with none of it, and of a confidence or through a randomised surrogate, all
  /// start from the clean image, as published.
  public var startsFromNearest: Bool
  /// The number of predictions of a randomised surrogate that decide about a place.
  public var selections: Int

  /// The settings; checked by `search`.
  public init(
    steps: Int = 1000, learningRate: Double = 0.01, searches: Int = 9,
    initialConstant: Double = 1e-3, confidence: Double = 0, startsFromNearest: Bool = true,
    selections: Int = 10
  ) {
    self.startsFromNearest = startsFromNearest
    self.steps = steps
    self.learningRate = learningRate
    self.searches = searches
    self.initialConstant = initialConstant
    self.confidence = confidence
    self.selections = selections
  }

  /// The nearest image that misled the surrogate, for every example; through a randomised one the image in
  /// the ball that misled it most often.
  ///
  /// - Throws: `AttackError` if a setting is out of range, the norm is not ℓ2 or the model's classes are
  ///   not the data's, and what the surrogate throws.
  public func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    for (name, value) in [
      ("number of steps", steps), ("number of constants", searches),
      ("number of selections", selections),
    ] where value < 1 {
      throw AttackError.setting(name: name, value: value, least: 1)
    }
    for (name, value) in [("learning rate", learningRate), ("first constant", initialConstant)]
    where !(value > 0 && value.isFinite) {
      throw AttackError.positive(name: name, value)
    }
    guard confidence >= 0, confidence.isFinite else {
      throw AttackError.confidence(confidence)
    }
    guard budget.norm == .l2 else {
      throw AttackError.norm(attack: "Carlini and Wagner's attack", budget.norm)
    }
    try check(surrogate, on: examples)
    var images = (0..<examples.count).map {
      SearchedImage(examples[[$0]], settings: self, isRandomized: surrogate.isRandomized)
    }
    var selection = Selection(
      of: examples, aims: examples.labels, isTargeted: false, by: surrogate, seed: seed,
      repetitions: selections, round: .places)
    let starts = startsFromNearest && confidence == 0 && !surrogate.isRandomized
    for search in 0..<searches {
      if starts, search == searches - max(searches / 3, 1) {
        for attack in [
          FastMinimumNorm(steps: min(steps, FastMinimumNorm().steps)),
          DecoupledDirectionNorm(steps: min(steps, DecoupledDirectionNorm().steps)),
        ] as [any Attack] {
          let found = try attack.search(examples, within: budget, through: surrogate, seed: seed)
          for n in images.indices { images[n].start(at: found.rows([n])) }
        }
      }
      for n in images.indices { images[n].begin() }
      for step in 0..<steps {
        let active = images.indices.filter { images[$0].isActive }
        if active.isEmpty { break }
        try descend(&images, active, surrogate, examples, seed: seed, step: search * steps + step)
        let isCheck = step % max(steps / 10, 1) == 0
        if surrogate.isRandomized, isCheck || step + 1 == steps {
          let ball = PerturbationBall(center: examples.pixels[active], budget: budget)
          let places = try Tensor.concatenated(active.map { images[$0].image })
          let answers = try selection.offer(
            ball.projection(of: places), at: active, tellsMisled: true)
          for (n, answer) in zip(active, answers) where answer.isMisled { images[n].succeed() }
        }
        if isCheck { for n in active { images[n].checkProgress() } }
      }
      for n in images.indices { images[n].end() }
    }
    if surrogate.isRandomized { return selection.best.tensor }
    return try .concatenated(
      [Tensor(shape: [0] + examples.pixels.tensor.shape.dropFirst())]
        + images.map(\.nearest))
  }

  /// One step of Adam for the active images, in a batch.
  private func descend(
    _ images: inout [SearchedImage], _ active: [Int], _ surrogate: any DifferentiableClassifier,
    _ examples: LabelledImages, seed: UInt64, step: Int
  ) throws {
    let batch = Pixels(unchecked: try .concatenated(active.map { images[$0].image }))
    let labels = active.map { examples.labels[$0] }
    let draws = Draws(
      seed: seed, purpose: .attack, examples: active.map { examples.indices[$0] }, step: step)
    var margins: [Double] = []
    let (logits, gradient) = try surrogate.checkedLogitsAndGradient(of: batch, draws: draws) {
      logits in
      margins = AttackLoss.margin.values(of: logits, labels: labels)
      var result = AttackLoss.margin.gradient(of: logits, labels: labels)
      let width = result.rowCount
      result.withUnsafeMutablePointer { values in
        for (row, n) in active.enumerated() {
          // ∂/∂z of −c margin.
          let factor = -Float(images[n].constant)
          for k in 0..<width { values[row * width + k] *= factor }
        }
      }
      return result
    }
    let isMisled = zip(try argmax(rowsOf: logits), labels).map(!=)
    let width = batch.imageShape.count
    gradient.withUnsafePointer { gradient in
      for (row, n) in active.enumerated() {
        images[n].update(
          margin: margins[row], isMisled: isMisled[row], gradient + row * width)
      }
    }
  }
}

/// One image under the search for its constant.
private struct SearchedImage {
  private let settings: CarliniWagner
  /// Whether the surrogate is randomised, so that misleading it on one draw is no success.
  private let isRandomized: Bool
  private let clean: Tensor
  /// Where Adam starts.
  private var start: Tensor
  /// x', on the scale from −1 to 1.
  private var v: [Double]
  private var mean: [Double] = []
  private var variance: [Double] = []
  private var step = 0
  private var range: (lower: Double, upper: Double) = (0, .infinity)
  private var hasSucceeded = false
  private var objective = Double.infinity
  private var lastObjective = Double.infinity
  private var leastDistance = Double.infinity
  /// c.
  private(set) var constant: Double
  /// Whether this c needs more steps.
  private(set) var isActive = true
  /// x', [1, C, H, W].
  private(set) var image: Tensor
  /// The nearest image that misled so far; the clean one if none did.
  private(set) var nearest: Tensor

  init(_ example: LabelledImages, settings: CarliniWagner, isRandomized: Bool) {
    self.settings = settings
    self.isRandomized = isRandomized
    clean = example.pixels.tensor
    start = clean
    image = clean
    nearest = clean
    constant = settings.initialConstant
    v = []
  }

  /// Has Adam start at an image that misleads, from now on, if it is nearer than all before.
  ///
  /// - Parameter image: what another attack found; the clean image where it found nothing.
  mutating func start(at image: Tensor) {
    let squares = (0..<clean.count).reduce(0.0) { sum, place in
      let difference = Double(image[place]) - Double(clean[place])
      return sum + difference * difference
    }
    guard squares > 0, squares < leastDistance else { return }
    (start, nearest, leastDistance) = (image, image, squares)
  }

  /// Starts Adam.
  mutating func begin() {
    v = start.values.map { 2 * Double($0) - 1 }
    mean = v.map { _ in 0 }
    variance = mean
    step = 0
    hasSucceeded = false
    lastObjective = .infinity
    isActive = true
    show()
  }

  /// Takes what the model said of `image`, and goes a step.
  mutating func update(margin: Double, isMisled: Bool, _ gradient: UnsafePointer<Float>) {
    var squares = 0.0
    for place in v.indices {
      let difference = Double(image[place]) - Double(clean[place])
      squares += difference * difference
    }
    objective = squares + constant * max(settings.confidence - margin, 0)
    if !isRandomized, isMisled, margin >= settings.confidence {
      hasSucceeded = true
      if squares < leastDistance {
        leastDistance = squares
        nearest = image
      }
    }
    step += 1
    let (first, second) = (1 - pow(0.9, Double(step)), 1 - pow(0.999, Double(step)))
    for place in v.indices {
      // The gradient of c max(κ − margin, 0); the randomised surrogate's term is not cut off.
      let own = isRandomized || margin < settings.confidence ? Double(gradient[place]) : 0
      let slope = (2 * (Double(image[place]) - Double(clean[place])) + own) / 2
      mean[place] = 0.9 * mean[place] + 0.1 * slope
      variance[place] = 0.999 * variance[place] + 0.001 * slope * slope
      let change =
        settings.learningRate * (mean[place] / first)
        / ((variance[place] / second).squareRoot() + 1e-8)
      v[place] = min(max(v[place] - change, -1), 1)
    }
    show()
  }

  /// Takes note that this c has led to an image that misleads on fresh draws.
  mutating func succeed() { hasSucceeded = true }

  /// Ends this c if the objective has not fallen by a ten-thousandth since the last check; not through a
  /// randomised surrogate, where the objective of one draw does not tell.
  mutating func checkProgress() {
    if !isRandomized, objective > 0.9999 * lastObjective { isActive = false }
    lastObjective = objective
  }

  /// Chooses the next c: half-way to the least that succeeded, or ten times as much.
  mutating func end() {
    if hasSucceeded {
      range.upper = min(range.upper, constant)
    } else {
      range.lower = max(range.lower, constant)
    }
    constant =
      range.upper.isFinite ? (range.lower + range.upper) / 2 : min(constant * 10, 1e10)
  }

  private mutating func show() {
    let values = v
    image.withUnsafeMutablePointer { pixels in
      for place in values.indices { pixels[place] = Float((values[place] + 1) / 2) }
    }
  }
}

extension CarliniWagner: ChoosingSearch {
  package static var norms: [PerturbationBudget.Norm] { [.l2] }
  package var findsNearest: Bool { true }
  package var settings: [Setting<CarliniWagner>] {
    [.count("steps", \.steps, of: "steps", growsWithEffort: true)]
  }
}
