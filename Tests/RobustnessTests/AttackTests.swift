import Classification
import Foundation
import MixupInference
import Robustness
import Statistics
import TestSupport
import Testing

private let shape = ImageShape(channels: 2, height: 4, width: 3)

/// An attack in a ball that it can search in.
struct AttackCase: Sendable, CustomTestStringConvertible {
  var name: String
  var attack: any Attack
  var norm = PerturbationBudget.Norm.linf

  var testDescription: String { "\(name), \(norm.rawValue)" }

  /// Large enough to change most predictions of the toy models.
  func budget(_ radius: String? = nil) throws -> PerturbationBudget {
    let usual = norm == .linf ? "0.3" : "1"
    let epsilon = try Epsilon(radius ?? usual, norm: norm)
    return norm == .linf ? .linf(epsilon) : .l2(epsilon)
  }

  static let gradient: [AttackCase] = PerturbationBudget.Norm.allCases.flatMap { norm in
    [
      AttackCase(name: "FGSM", attack: ProjectedGradientDescent.fastGradientSign, norm: norm),
      AttackCase(name: "PGD", attack: ProjectedGradientDescent(steps: 6), norm: norm),
      AttackCase(
        name: "momentum PGD", attack: ProjectedGradientDescent(steps: 6, momentum: 0.75), norm: norm
      ),
      AttackCase(
        name: "PGD every class",
        attack: ProjectedGradientDescent(steps: 6, restarts: 2, objective: .everyClass), norm: norm),
      AttackCase(name: "APGD-CE", attack: AutoPGD(steps: 8), norm: norm),
      AttackCase(
        name: "APGD-DLR", attack: AutoPGD(steps: 8, loss: .logitsRatio, restarts: 2), norm: norm),
      AttackCase(
        name: "APGD-T by distance",
        attack: AutoPGD(
          steps: 8, loss: .margin, objective: .everyClass,
          targets: TargetSchedule(order: .distance, count: 2)), norm: norm),
      AttackCase(
        name: "APGD-T", attack: AutoPGD(steps: 8, loss: .logitsRatio, objective: .everyClass),
        norm: norm),
    ]
  }
  static let queries = [
    AttackCase(name: "Square", attack: SquareAttack(queries: 150)),
    AttackCase(name: "Square", attack: SquareAttack(queries: 150), norm: .l2),
    AttackCase(name: "noise", attack: UniformNoise(samples: 30)),
    AttackCase(name: "SPSA", attack: SPSA(steps: 5, directions: 8)),
    AttackCase(name: "SPSA", attack: SPSA(steps: 5, directions: 8), norm: .l2),
    AttackCase(name: "noise", attack: UniformNoise(samples: 30), norm: .l2),
  ]
  static let carliniWagner = AttackCase(
    name: "CW", attack: CarliniWagner(steps: 60, learningRate: 0.05, searches: 5), norm: .l2)
  /// What looks for the nearest image, whatever the radius.
  static let minimumNorm = [
    carliniWagner,
    AttackCase(name: "FMN", attack: FastMinimumNorm(steps: 30)),
    AttackCase(name: "FMN", attack: FastMinimumNorm(steps: 30), norm: .l2),
    AttackCase(name: "DDN", attack: DecoupledDirectionNorm(steps: 60), norm: .l2),
  ]
  static let all = gradient + queries + minimumNorm
  /// FAB, which looks for the nearest image and leaves alone what is misclassified already.
  static let boundary = PerturbationBudget.Norm.allCases.flatMap { norm in
    [
      AttackCase(name: "FAB", attack: FastAdaptiveBoundary(steps: 5, restarts: 2), norm: norm),
      AttackCase(
        name: "FAB every class", attack: FastAdaptiveBoundary(steps: 5, objective: .everyClass),
        norm: norm),
    ]
  }
  /// All that take two classes: the ratio of logits needs three, and four to aim at one.
  static let binary = all.filter { $0.name != "APGD-DLR" && $0.name != "APGD-T" }
}

@Suite("Every attack")
struct AttackTests {
  private let model = TanhMLP(imageShape: shape, classCount: 4, seed: 2)

  private func data(_ count: Int, seed: UInt64 = 1, classCount: Int = 4) throws -> LabelledImages {
    try randomImages(
      count, shape: shape, classCount: classCount, seed: seed, range: 0.2...0.8, firstIndex: 40)
  }

  private func distances(_ found: Tensor, _ data: LabelledImages, _ norm: PerturbationBudget.Norm)
    -> [Double]
  {
    let width = shape.count
    let (x, y) = (data.pixels.tensor.values, found.values)
    return data.indices.indices.map { n in
      let differences = (n * width..<(n + 1) * width).map { Double(y[$0]) - Double(x[$0]) }
      return norm == .linf
        ? differences.map(abs).max() ?? 0 : differences.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
  }

  // 2⁻²⁴ for the rounding of x + ε in Float. Carlini and Wagner's has no radius to keep to.
  @Test(
    "that is given a radius stays inside ball and box",
    arguments: AttackCase.gradient + AttackCase.queries)
  func isInside(_ attack: AttackCase) throws {
    let data = try randomImages(7, shape: shape, classCount: 4, seed: 3)
    for radius in ["0.01", "0.3", "1"] {
      let budget = try attack.budget(radius)
      let found = try attack.attack.search(data, within: budget, through: model, seed: 1)
      #expect(found.values.allSatisfy { $0 >= 0 && $0 <= 1 })
      let largest = distances(found, data, attack.norm).max() ?? .infinity
      #expect(largest <= budget.radius.doubleValue + 0x1p-24)
    }
  }

  @Test(
    "of radius 0 changes nothing once it is judged",
    arguments: AttackCase.all + AttackCase.boundary)
  func radiusZero(_ attack: AttackCase) throws {
    let data = try data(5)
    let budget = try attack.budget("0")
    let found = try attack.attack.search(data, within: budget, through: model, seed: 1)
    let judged = try judge(found, of: data, within: budget, by: model, seed: 1)
    #expect(judged.images.pixels == data.pixels)
  }

  @Test(
    "finds the same for an example alone, in another order and beside others",
    arguments: AttackCase.all + AttackCase.boundary)
  func isIndependentOfTheBatch(_ attack: AttackCase) throws {
    let data = try data(9)
    let defence = try MixupInference(
      model, pool: SamplePool(self.data(12, seed: 5)),
      rule: .otherLabel(Mixing(lambda: 0.6, sampleCount: 2)))
    for surrogate in [model, defence] as [any DifferentiableClassifier] {
      func search(_ positions: [Int], seed: UInt64 = 3) throws -> Tensor {
        try attack.attack.search(
          data[positions], within: attack.budget(), through: surrogate, seed: seed)
      }
      let whole = try search(Array(0..<9))
      for positions in [[8, 7, 6, 5, 4, 3, 2, 1, 0], [4], [2, 7]] {
        #expect(try search(positions) == whole.rows(positions))
      }
    }
  }

  @Test("breaks a linear model where the ball is large", arguments: AttackCase.all)
  func breaksALinearModel(_ attack: AttackCase) throws {
    let model = LinearSoftmax(imageShape: shape, classCount: 4, seed: 6)
    let clean = try data(20)
    let draws = Draws(seed: 0, purpose: .test, examples: clean.indices)
    // As the model sees them, so that none is wrong from the start.
    let data = try LabelledImages(
      pixels: clean.pixels, labels: model.predictions(of: clean.pixels, draws: draws),
      classCount: 4, indices: clean.indices)
    let budget = try attack.budget(attack.norm == .linf ? "1" : "4")
    let found = try attack.attack.search(data, within: budget, through: model, seed: 1)
    let judged = try judge(found, of: data, within: budget, by: model, seed: 1)
    #expect(judged.isCorrect.count { $0 } == 0, "\(judged.isCorrect)")
  }

  @Test("with labels that are wrong finds what is wrong already", arguments: AttackCase.all)
  func startsFromErrors(_ attack: AttackCase) throws {
    let clean = try data(6)
    let draws = Draws(seed: 0, purpose: .test, examples: clean.indices)
    let wrong = try model.predictions(of: clean.pixels, draws: draws).map { ($0 + 1) % 4 }
    let data = try LabelledImages(
      pixels: clean.pixels, labels: wrong, classCount: 4, indices: clean.indices)
    let budget = try attack.budget("0.0001")
    let found = try attack.attack.search(data, within: budget, through: model, seed: 1)
    #expect(
      try judge(found, of: data, within: budget, by: model, seed: 1).isCorrect.allSatisfy { !$0 })
  }

  @Test("refuses a model of other classes, and of one class", arguments: AttackCase.all)
  func classes(_ attack: AttackCase) throws {
    let (data, budget) = (try data(2), try attack.budget())
    #expect(throws: AttackError.classCount(model: 5, data: 4)) {
      try attack.attack.search(
        data, within: budget, through: TanhMLP(imageShape: shape, classCount: 5, seed: 1), seed: 1)
    }
    let single = try self.data(2, classCount: 1)
    #expect(throws: AttackError.self) {
      try attack.attack.search(
        single, within: budget, through: TanhMLP(imageShape: shape, classCount: 1, seed: 1), seed: 1
      )
    }
  }

  @Test("refuses a model of other images, before it touches one", arguments: AttackCase.all)
  func imageShapes(_ attack: AttackCase) throws {
    let larger = ImageShape(channels: 2, height: 40, width: 30)
    let spy = Spy(TanhMLP(imageShape: larger, classCount: 4, seed: 1))
    #expect(throws: ClassifierError.imageShape(expected: larger, found: shape)) {
      try attack.attack.search(data(2), within: attack.budget(), through: spy, seed: 1)
    }
    // The model would have said the same, but is not asked.
    #expect(spy.log.calls.isEmpty)
  }

  // Digits and drawings: of such images no value can move both ways.
  @Test("breaks images of black and white, and of one colour", arguments: AttackCase.all)
  func edges(_ attack: AttackCase) throws {
    let model = LinearSoftmax(imageShape: shape, classCount: 4, seed: 6)
    var stream = RandomStream(RandomKey(seed: 5, purpose: .test))
    let blackAndWhite: [Float] = (0..<20 * shape.count).map { _ in Float(stream.next() & 1) }
    let plain: [Float] = (0..<4 * shape.count).map { Float($0 / shape.count) / 3 }
    let pixels = try Pixels(Tensor(blackAndWhite + plain, shape: [24, 2, 4, 3]))
    let draws = Draws(seed: 0, purpose: .test, examples: Array(0..<24))
    let data = try LabelledImages(
      pixels: pixels, labels: model.predictions(of: pixels, draws: draws), classCount: 4)
    let budget = try attack.budget(attack.norm == .linf ? "1" : "4")
    let found = try attack.attack.search(data, within: budget, through: model, seed: 1)
    let judged = try judge(found, of: data, within: budget, by: model, seed: 1)
    #expect(judged.isCorrect.count { $0 } == 0, "\(judged.isCorrect)")
  }

  /// Class 1 wins where the right half is brighter.
  private struct Halves: ToyModel {
    let imageShape: ImageShape
    var scale: Float = 1
    var classCount: Int { 2 }

    func logits(_ image: [Float]) -> [Float] {
      var sums: [Float] = [0, 0]
      for place in image.indices { sums[side(place)] += scale * image[place] }
      return sums
    }

    func pullback(_ image: [Float], _ cotangent: [Float]) -> [Float] {
      image.indices.map { scale * cotangent[side($0)] }
    }

    private func side(_ place: Int) -> Int {
      place % imageShape.width < (imageShape.width + 1) / 2 ? 0 : 1
    }
  }

  // Every image of gray can be broken: by one half brighter, and the other darker, by ε. Random noise
  // hardly ever is both.
  @Test(
    "breaks oblong images, however certain the model",
    arguments: AttackCase.binary.filter { $0.name != "noise" })
  func oblong(_ attack: AttackCase) throws {
    for (height, width, channels) in [
      (1, 64, 1), (64, 2, 1), (2, 40, 3), (7, 10, 2), (1, 2, 1), (30, 50, 3),
    ] {
      let shape = ImageShape(channels: channels, height: height, width: width)
      for scale in [1, 100] as [Float] {
        let model = Halves(imageShape: shape, scale: scale)
        let images = try randomImages(
          4, shape: shape, classCount: 2, seed: 1, range: 0.48...0.52)
        let draws = Draws(seed: 0, purpose: .test, examples: images.indices)
        let data = try LabelledImages(
          pixels: images.pixels, labels: model.predictions(of: images.pixels, draws: draws),
          classCount: 2)
        let budget = try attack.budget(attack.norm == .linf ? "0.2" : "20")
        let found = try attack.attack.search(data, within: budget, through: model, seed: 1)
        let judged = try judge(found, of: data, within: budget, by: model, seed: 1)
        #expect(judged.isCorrect.count { $0 } == 0, "\(shape), × \(scale): \(judged.isCorrect)")
      }
    }
  }

  @Test("takes no images for none", arguments: AttackCase.all)
  func empty(_ attack: AttackCase) throws {
    let found = try attack.attack.search(
      data(3)[[]], within: attack.budget(), through: model, seed: 1)
    #expect(found.shape == [0, 2, 4, 3])
  }

  @Test("Settings that make no sense are refused")
  func settings() throws {
    let data = try data(2)
    let attacks: [(any Attack, PerturbationBudget.Norm)] = [
      (ProjectedGradientDescent(steps: -1), .linf),
      (ProjectedGradientDescent(steps: 1, restarts: 0), .l2),
      (ProjectedGradientDescent(steps: 1, momentum: .nan), .linf),
      (ProjectedGradientDescent(steps: 1, momentum: -0.1), .linf),
      (ProjectedGradientDescent(steps: 1, stepSize: .zero), .linf),
      (AutoPGD(steps: 0), .linf), (AutoPGD(restarts: 0), .linf), (AutoPGD(selections: 0), .linf),
      (SquareAttack(queries: 0), .linf), (SquareAttack(initialShare: 0), .linf),
      (SquareAttack(initialShare: .nan), .linf), (SquareAttack(queries: 0), .l2),
      (SquareAttack(selections: 0), .linf), (CarliniWagner(selections: 0), .l2),
      (UniformNoise(samples: 0), .l2), (UniformNoise(selections: 0), .l2),
      (CarliniWagner(steps: 0), .l2), (CarliniWagner(searches: 0), .l2),
      (CarliniWagner(learningRate: 0), .l2), (CarliniWagner(initialConstant: .infinity), .l2),
      (CarliniWagner(confidence: -1), .l2), (CarliniWagner(), .linf),
    ]
    for (attack, norm) in attacks {
      let budget = try AttackCase(name: "", attack: attack, norm: norm).budget()
      let error = #expect(throws: AttackError.self) {
        try attack.search(data, within: budget, through: model, seed: 1)
      }
      #expect(error?.description.contains("\n") == false)
    }
    // What the message asks for is what is taken: κ may be 0.
    let confidence = #expect(throws: AttackError.self) {
      try CarliniWagner(confidence: -1).search(data, within: .l2(.zero), through: model, seed: 1)
    }
    #expect(confidence?.description.contains("from 0") == true)
    #expect(throws: AttackError.setting(name: "number of draws for a gradient", value: 0, least: 1))
    {
      try ExpectationOverTransformation(model, drawCount: 0)
    }
    let three = TanhMLP(imageShape: shape, classCount: 3, seed: 1)
    let few = try self.data(2, classCount: 3)
    #expect(throws: AttackError.tooFewClasses(3, least: 4)) {
      try AutoPGD(loss: .logitsRatio, objective: .targeted).search(
        few, within: .linf(.zero), through: three, seed: 1)
    }
  }

  // MARK: Optimal on linear models

  /// z = ±(w·x + b)/2, whose margin is as large as can be in the ball at x + ε s(w).
  private func binary() throws -> (model: LinearSoftmax, direction: [Float]) {
    let model = LinearSoftmax(imageShape: shape, classCount: 2, seed: 8)
    return (model, zip(model.weights[1], model.weights[0]).map { $0 - $1 })
  }

  // The gradient of the log odds is w up to the rounding of 1 − p; a step adds one rounding of x.
  @Test(
    "One step, many and APGD end at the optimum of a binary linear model: ε sign w in ℓ∞, ε w/‖w‖₂ in ℓ2",
    arguments: PerturbationBudget.Norm.allCases)
  func fastGradientIsOptimal(_ norm: PerturbationBudget.Norm) throws {
    let (model, direction) = try binary()
    let data = try data(6, classCount: 2)
    let budget = PerturbationBudget(norm, try Epsilon("0.1"))
    let length = direction.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    let attacks: [any Attack] = [
      ProjectedGradientDescent.fastGradientSign, ProjectedGradientDescent(steps: 30),
      ProjectedGradientDescent(steps: 30, momentum: 1), AutoPGD(steps: 30),
      AutoPGD(steps: 30, loss: .margin),
    ]
    for attack in attacks {
      let found = try attack.search(data, within: budget, through: model, seed: 1).values
      for n in 0..<6 {
        let sign: Float = data.labels[n] == 0 ? 1 : -1
        for place in 0..<shape.count {
          let w = sign * direction[place]
          let step = norm == .linf ? (w > 0 ? 0.1 : -0.1) : 0.1 * Double(w) / length
          let expected = Double(data.pixels.tensor[n * shape.count + place]) + step
          // A search that turns around the optimum ends within a fraction of its last step.
          #expect(abs(Double(found[n * shape.count + place]) - expected) <= 2e-3)
        }
      }
    }
  }

  @Test("Carlini and Wagner's image is as near as the hyperplane of a linear model")
  func carliniWagnerIsNearest() throws {
    let (model, direction) = try binary()
    let clean = try data(6, classCount: 2)
    let draws = Draws(seed: 0, purpose: .test, examples: clean.indices)
    let data = try LabelledImages(
      pixels: clean.pixels, labels: model.predictions(of: clean.pixels, draws: draws),
      classCount: 2, indices: clean.indices)
    let logits = try model.logits(of: data.pixels, draws: draws)
    let margins = AttackLoss.margin.values(of: logits, labels: data.labels)
    let length = direction.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    // Of small steps, as the nearest hyperplane is 0.02 away, less than one usual step of Adam.
    let found = try CarliniWagner(steps: 500, learningRate: 0.002).search(
      data, within: .l2(Epsilon("1")), through: model, seed: 1)
    for (n, distance) in distances(found, data, .l2).enumerated() {
      let least = -margins[n] / length
      #expect(distance >= least * (1 - 1e-5))
      // What nine halvings of the constant and Adam's last steps leave.
      #expect(distance <= least * 1.05 + 1e-3, "\(distance) for \(least)")
    }
  }

  // MARK: Particular properties

  @Test(
    "Between two classes, to the other and away from the true one is the same",
    arguments: [AttackLoss.logOdds, .crossEntropy, .margin])
  func binaryTargets(_ loss: AttackLoss) throws {
    let model = TanhMLP(imageShape: shape, classCount: 2, seed: 3)
    let data = try data(5, classCount: 2)
    func found(_ objective: AttackObjective) throws -> Tensor {
      try ProjectedGradientDescent(steps: 5, objective: objective, loss: loss).search(
        data, within: .linf(Epsilon("0.1")), through: model, seed: 2)
    }
    #expect(try found(.targeted) == found(.untargeted))
  }

  @Test("Trying every class breaks all that a random one breaks, and more")
  func everyClass() throws {
    let data = try data(30)
    let budget = PerturbationBudget.linf(try Epsilon("0.08"))
    func misled(_ objective: AttackObjective) throws -> [Bool] {
      let found = try ProjectedGradientDescent(steps: 8, objective: objective).search(
        data, within: budget, through: model, seed: 2)
      return try judge(found, of: data, within: budget, by: model, seed: 2).isCorrect.map { !$0 }
    }
    let (every, random) = (try misled(.everyClass), try misled(.targeted))
    #expect(zip(every, random).allSatisfy { $0 || !$1 })
    #expect(every.count { $0 } > random.count { $0 })
  }

  @Test(
    "APGD's best loss never falls, its step is halved twice at least, and more steps find more",
    arguments: PerturbationBudget.Norm.allCases)
  func autoPGDIsMonotone(_ norm: PerturbationBudget.Norm) throws {
    let data = try data(12)
    let budget = PerturbationBudget(norm, try Epsilon("0.2"))
    let ball = PerturbationBall(center: data.pixels, budget: budget)
    let climb = try AutoPGD(steps: 60).climb(
      Restarts.Attempt(restart: 0, examples: data, targets: nil), ball, from: ball.center,
      through: model, seed: 1)
    #expect(climb.bestLosses.count == 61)
    for (before, after) in zip(climb.bestLosses, climb.bestLosses.dropFirst()) {
      #expect(zip(before, after).allSatisfy { $0 <= $1 })
    }
    let draws = Draws(seed: 1, purpose: .attack, examples: data.indices)
    let losses = AttackLoss.crossEntropy.values(
      of: try model.logits(of: climb.best, draws: draws), labels: data.labels)
    #expect(losses == climb.bestLosses.last)
    for length in climb.lengths {
      let halvings = log2(Double(2 * budget.radius.value / length))
      #expect(halvings >= 2 && halvings == halvings.rounded())
    }
    let few = try AutoPGD(steps: 5).climb(
      Restarts.Attempt(restart: 0, examples: data, targets: nil), ball, from: ball.center,
      through: model, seed: 1)
    let sums = [few, climb].map { $0.bestLosses.last?.reduce(0, +) ?? 0 }
    #expect(sums[1] > sums[0])
  }

  // The images are farther than ε from the box.
  @Test("The Square attack leaves every value of the perturbation at ε or −ε")
  func squareIsAtCorners() throws {
    let data = try data(4)
    let budget = PerturbationBudget.linf(try Epsilon("0.1"))
    let found = try SquareAttack(queries: 50).search(
      data, within: budget, through: model, seed: 1)
    for place in 0..<found.count {
      let difference = abs(found[place] - data.pixels.tensor[place])
      #expect(abs(difference - 0.1) <= 0x1p-23)
    }
  }

  // Every pixel is rounded once, by at most 2⁻²⁵.
  @Test(
    "In ℓ2 it spends the whole radius, at any extents",
    arguments: [(4, 3), (2, 9), (1, 1), (13, 7)])
  func squareSpendsAll(_ height: Int, _ width: Int) throws {
    let shape = ImageShape(channels: 2, height: height, width: width)
    let data = try randomImages(5, shape: shape, classCount: 4, seed: 1, range: 0.2...0.8)
    let model = TanhMLP(imageShape: shape, classCount: 4, seed: 2)
    for queries in [1, 60] {
      let found = try SquareAttack(queries: queries).search(
        data, within: .l2(Epsilon("0.1")), through: model, seed: 1)
      let change = zip(found.values, data.pixels.tensor.values).map { Double($0) - Double($1) }
      for n in 0..<5 {
        let own = change[n * shape.count..<(n + 1) * shape.count]
        let length = own.reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(abs(length - 0.1) <= Double(shape.count).squareRoot() * 0x1p-25)
      }
    }
  }

  @Test(
    "Expectation over k draws: of one it is the base, as without randomness; its variance falls as 1/k"
  )
  func expectation() throws {
    let data = try data(5)
    let defence = try MixupInference(
      model, pool: SamplePool(self.data(12, seed: 5)),
      rule: .otherLabel(Mixing(lambda: 0.6, sampleCount: 3)))
    let budget = PerturbationBudget.linf(try Epsilon("0.1"))
    let attack = ProjectedGradientDescent(steps: 3)
    func found(_ surrogate: any DifferentiableClassifier) throws -> Tensor {
      try attack.search(data, within: budget, through: surrogate, seed: 1)
    }
    #expect(
      try found(ExpectationOverTransformation(defence, drawCount: 1)) == found(defence))
    #expect(try found(ExpectationOverTransformation(model, drawCount: 4)) == found(model))

    // The mean over many draws is near that over others; one draw is not.
    let draws = Draws(seed: 1, purpose: .test, examples: data.indices)
    func gradient(_ count: Int, step: Int) throws -> Tensor {
      var draws = draws
      draws.step = step
      return try ExpectationOverTransformation(
        MixupInference(
          model, pool: defence.pool, rule: .otherLabel(Mixing(lambda: 0.6, sampleCount: 1))),
        drawCount: count
      ).logitsAndGradient(of: data.pixels, draws: draws) {
        AttackLoss.crossEntropy.gradient(of: $0, labels: data.labels)
      }.gradient
    }
    func distance(_ count: Int) throws -> Float {
      let (a, b) = (try gradient(count, step: 0), try gradient(count, step: 1))
      return zip(a.values, b.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    // A variance that falls as 1/k: a hundredth, give or take a factor of three.
    let ratio = try distance(200) / distance(2)
    #expect(ratio < 0.03 && ratio > 0.003)
  }

  @Test(
    "A random start is as far from the image as a uniform one in the ball, and on no side of it",
    arguments: PerturbationBudget.Norm.allCases)
  func start(_ norm: PerturbationBudget.Norm) throws {
    let count = 3000
    let data = try LabelledImages(
      pixels: Pixels(Tensor(repeating: 0.5, shape: [count, 2, 4, 3])),
      labels: (0..<count).map { $0 % 4 }, classCount: 4)
    let budget = PerturbationBudget(norm, try Epsilon("0.25"))
    let found = try ProjectedGradientDescent(steps: 0).search(
      data, within: budget, through: model, seed: 7)
    // In a ball of D dimensions (‖δ‖/ε)^D is uniform, in both norms.
    let shares = distances(found, data, norm).map { pow($0 / 0.25, Double(shape.count)) }.sorted()
    for (rank, share) in shares.enumerated() {
      #expect(abs(share - Double(rank) / Double(count)) <= bound(count: count) + 1e-4)
    }
    let mean = found.values.reduce(0) { $0 + Double($1) - 0.5 } / Double(found.count)
    #expect(abs(mean) <= bound(count: found.count, width: 0.5))
  }
}
