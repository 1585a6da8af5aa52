import Classification
import Foundation
import PropertyChecks
import PropertyTesting
import Robustness
import Statistics
import TestSupport
import Testing

private let shape = ImageShape(channels: 1, height: 4, width: 4)

/// z = ±(w·x + b)/2 with no weight near 0, so that the boundary is a hyperplane.
private struct HalfSpace: ToyModel {
  let w: [Float]
  let b: Float
  var imageShape: ImageShape { shape }
  var classCount: Int { 2 }

  func logits(_ image: [Float]) -> [Float] {
    let sum = zip(w, image).reduce(b) { $0 + $1.0 * $1.1 }
    return [-sum / 2, sum / 2]
  }

  func pullback(_ image: [Float], _ cotangent: [Float]) -> [Float] {
    w.map { $0 * (cotangent[1] - cotangent[0]) / 2 }
  }

  /// |w·x + b|/‖w‖ in the dual norm, in Double.
  func distance(_ image: [Float], _ norm: PerturbationBudget.Norm) -> Double {
    let sum = zip(w, image).reduce(Double(b)) { $0 + Double($1.0) * Double($1.1) }
    return abs(sum) / norm.dualLength(w.map(Double.init))
  }
}

/// A half-space whose logits are so large that they come in steps of 2⁻⁶, where label 0 wins a band of ties.
private struct CoarseHalfSpace: ToyModel {
  let exact: HalfSpace
  var imageShape: ImageShape { shape }
  var classCount: Int { 2 }

  func logits(_ image: [Float]) -> [Float] { exact.logits(image).map { $0 + 0x1p17 } }

  func pullback(_ image: [Float], _ cotangent: [Float]) -> [Float] {
    exact.pullback(image, cotangent)
  }
}

@Suite("FMN and DDN, the nearest misclassified image")
struct MinimumNormTests {
  private static let cases: [AttackCase] = [
    AttackCase(name: "FMN", attack: FastMinimumNorm(steps: 100)),
    AttackCase(name: "FMN", attack: FastMinimumNorm(steps: 100), norm: .l2),
    AttackCase(name: "DDN", attack: DecoupledDirectionNorm(steps: 100), norm: .l2),
  ]

  private func predictions(_ model: some Classifier, _ images: Pixels) throws -> [Int] {
    try model.predictions(
      of: images, draws: Draws(seed: 0, purpose: .test, examples: Array(0..<images.count)))
  }

  // Upwards an image is misclassified at most one step after it was not, at a radius of at most 1 + γ times the
  // distance d; downwards the last misclassified one is within d/(1 − γ). DDN has γ = 0.05 throughout. FMN's falls
  // to 0.00105 in the last three of 100 steps, and from a boundary that is known to first order, which here is
  // exactly, its radius is never more than 1.05 d, so that it crosses every few steps; 0.003 lets the last crossing
  // be twenty steps before the end, where γ = 0.0057 would be too much for the mean of two. Rounding: sums of 17
  // terms of at most 1 in Float err by 17 · 2⁻²⁴, over ‖w‖ ≥ 2, and pixels by 2⁻²⁵.
  @Test("on a half-space they come as near as the plane and no nearer", arguments: cases)
  func halfSpace(_ attack: AttackCase) async throws {
    await check(
      "the plane is found", .array(of: .double(in: -1...1), count: 16),
      .array(of: .double(in: 0.45...0.55), count: 16), .double(in: 0.01...0.2),
      case: attack.testDescription
    ) { (weights: [Double], pixels: [Double], share: Double) in
      let w = weights.map { Float(($0 < 0 ? -1 : 1) * (0.5 + 0.5 * abs($0))) }
      // In the middle of the box, so that it is out of reach.
      let image = pixels.map { Float($0) }
      let wide = w.map(Double.init)
      let passed = share * attack.norm.dualLength(wide)
      let sum = zip(w, image).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      let model = HalfSpace(w: w, b: Float(passed - sum))
      let data = try LabelledImages(
        pixels: Pixels(Tensor(image, shape: [1, 1, 4, 4])), labels: [1], classCount: 2)
      let truth = model.distance(image, attack.norm)
      let found = try attack.attack.search(
        data, within: attack.budget("1"), through: model, seed: 1)
      let distance = attack.norm.distances(of: found, from: data.pixels.tensor)[0]
      let factor = attack.name == "DDN" ? 1 / 0.95 : 1.003
      let rounding = attack.norm == .linf ? 1e-6 : 4e-6
      #expect(distance >= truth - rounding, "\(distance) \(truth)")
      #expect(distance <= truth * factor + rounding, "\(distance) \(truth)")
    }
  }

  // A tie says that the boundary is here. It is where ±s/2, s = w·x + b, round to unlike multiples of 2⁻⁶, |s| ≤ 2⁻⁶:
  // a band of 2⁻⁶/‖w‖ ≤ 2⁻⁶/2 in front of it, with ‖w‖ in the dual norm, which is a share of the distance that a ball
  // which grows by γ crosses, but steps of 10⁻⁶ do not.
  @Test("a band of ties before the boundary stops none of them", arguments: cases)
  func ties(_ attack: AttackCase) throws {
    let w = (0..<16).map { Float($0 % 3 == 0 ? -0.75 : 0.75) }
    let image = [Float](repeating: 0.5, count: 16)
    let sum = zip(w, image).reduce(Float(0)) { $0 + $1.0 * $1.1 }
    let distance = 0.1
    let passed = distance * attack.norm.dualLength(w.map(Double.init))
    let model = CoarseHalfSpace(exact: HalfSpace(w: w, b: -sum - Float(passed)))
    let data = try LabelledImages(
      pixels: Pixels(Tensor(image, shape: [1, 1, 4, 4])), labels: [0], classCount: 2)
    let found = try attack.attack.search(
      data, within: attack.budget("1"), through: model, seed: 1)
    #expect(try predictions(model, Pixels(found)) == [1])
    let band = 0x1p-6 / attack.norm.dualLength(w.map(Double.init))
    let reached = attack.norm.distances(of: found, from: data.pixels.tensor)[0]
    #expect(reached <= (distance + band) * 1.05 + 1e-6, "\(reached)")
  }

  // tanh is 1-Lipschitz: a margin changes by at most ‖v_k − v_y‖₂ ‖W‖_F per unit of ℓ2, and of ℓ∞ by at most √16 as
  // much, which certifies a radius.
  @Test(
    "no image is nearer than what is certified, and all mislead inside the box", arguments: cases)
  func certificates(_ attack: AttackCase) throws {
    let golden = try Golden("attacks/apgd.safetensors")
    let (first, second) = (try golden["W1"], try golden["W2"])
    let model = TanhMLP(imageShape: shape, first: first, bias: try golden["b1"], second: second)
    let clean = try randomImages(60, shape: shape, classCount: 5, seed: 9)
    let data = try LabelledImages(
      pixels: clean.pixels, labels: predictions(model, clean.pixels), classCount: 5)
    let found = try attack.attack.search(
      data, within: attack.budget("1"), through: model, seed: 1)
    #expect(found.values.allSatisfy { $0 >= 0 && $0 <= 1 })
    let answers = try predictions(model, Pixels(found))
    let distances = attack.norm.distances(of: found, from: data.pixels.tensor)
    let l2 = PerturbationBudget.Norm.l2
    let lipschitz = l2.length(first.values.map(Double.init)) * (attack.norm == .linf ? 4 : 1)
    var tightest = 0.0
    for n in data.indices.indices {
      let z = model.logits(data.pixels.tensor.rows([n]).values.map(Double.init))
      let y = data.labels[n]
      let certified =
        (0..<5).filter { $0 != y }.map { k in
          let row = { (c: Int) in second.rows([c]).values.map(Double.init) }
          return (z[y] - z[k]) / (l2.length(zip(row(k), row(y)).map { $0 - $1 }) * lipschitz)
        }.min() ?? 0
      #expect(answers[n] != y, "\(n)")
      #expect(distances[n] >= certified, "\(n)")
      tightest = max(tightest, certified / distances[n])
    }
    #expect(tightest > 0.15, "a certificate of nothing tests nothing: \(tightest)")
  }

  // FMN asks for `steps` gradients of every image and nothing else; what misleads as it is, for one.
  @Test(
    "they take a forward and a backward pass a step, and leave alone what misleads",
    arguments: cases)
  func passes(_ attack: AttackCase) throws {
    let model = TanhMLP(imageShape: shape, classCount: 3, seed: 1)
    let data = try randomImages(9, shape: shape, classCount: 3, seed: 5)
    let wrong = zip(try predictions(model, data.pixels), data.labels).map(!=)
    let spy = Spy(model)
    let found = try attack.attack.search(data, within: attack.budget(), through: spy, seed: 1)
    let asked = spy.log.calls.reduce(0) { $0 + $1.images.count }
    #expect(asked == wrong.reduce(0) { $0 + ($1 ? 1 : 100) })
    #expect(Set(wrong).count == 2, "both kinds are needed")
    for n in 0..<9 where wrong[n] { #expect(found.rows([n]) == data.pixels[[n]].tensor) }
  }

  @Test("settings are checked, and DDN searches in ℓ2 alone")
  func settings() throws {
    let model = TanhMLP(imageShape: shape, classCount: 3, seed: 1)
    let data = try randomImages(2, shape: shape, classCount: 3, seed: 1)
    for attack in [
      FastMinimumNorm(steps: 0), FastMinimumNorm(selections: 0), DecoupledDirectionNorm(steps: 0),
      DecoupledDirectionNorm(selections: 0),
    ] as [any Attack] {
      #expect(throws: AttackError.self) {
        try attack.search(data, within: .l2(Epsilon("1")), through: model, seed: 1)
      }
    }
    #expect(throws: AttackError.norm(attack: "DDN", .linf)) {
      try DecoupledDirectionNorm().search(
        data, within: .linf(Epsilon("1")), through: model, seed: 1)
    }
  }
}
