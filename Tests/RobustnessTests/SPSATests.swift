import Classification
import Foundation
import Robustness
import TestSupport
import Testing

@Suite("SPSA")
struct SPSATests {
  /// A model that says of its gradient that it is 0.
  private struct FalselyFlatClassifier<Base: DifferentiableClassifier>: WrappingClassifier,
    DifferentiableClassifier
  {
    let base: Base
    var wrapped: any Classifier { base }

    func logits(of images: Pixels, draws: Draws) throws -> Tensor {
      try base.logits(of: images, draws: draws)
    }

    func logitsAndGradient(
      of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
    ) throws -> (logits: Tensor, gradient: Tensor) {
      let logits = try base.logits(of: images, draws: draws)
      _ = try lossGradient(logits)
      return (logits, Tensor(shape: images.tensor.shape))
    }
  }

  @Test("finds behind a masked gradient what it finds without the mask")
  func masked() throws {
    let shape = ImageShape(channels: 2, height: 3, width: 3)
    let model = TanhMLP(imageShape: shape, classCount: 4, seed: 2)
    let data = try randomImages(5, shape: shape, classCount: 4, seed: 1, range: 0.2...0.8)
    let budget = PerturbationBudget.linf(try Epsilon("0.1"))
    let attack = SPSA(steps: 4, directions: 6)
    let found = try attack.search(data, within: budget, through: model, seed: 3)
    #expect(found != data.pixels.tensor)
    let masked = FalselyFlatClassifier(base: model)
    #expect(try attack.search(data, within: budget, through: masked, seed: 3) == found)
  }

  // The difference along ±1 is ±2δ times the slope of the only pixel, so every step has the slope's sign; each is
  // half the radius long. Rounding can take 2⁻²⁴ of a place in [0, 1], and does so thrice.
  @Test("goes to the edge of the ball that the slope of a single pixel points to")
  func onePixel() throws {
    let shape = ImageShape(channels: 1, height: 1, width: 1)
    for seed in 0..<20 {
      let model = LinearSoftmax(imageShape: shape, classCount: 2, seed: UInt64(seed))
      let data = try randomImages(4, shape: shape, classCount: 2, seed: 1, range: 0.3...0.7)
      let found = try SPSA(steps: 5, directions: 1).search(
        data, within: .linf(Epsilon("0.125")), through: model, seed: 3)
      let slope = model.weights[1][0] - model.weights[0][0]
      for n in 0..<4 {
        let way: Float = (data.labels[n] == 0) == (slope > 0) ? 0.125 : -0.125
        #expect(abs(found[n] - data.pixels.tensor[n] - way) <= 3 * 0x1p-24)
      }
    }
  }

  @Test("says of itself what it does, and nothing of a choice that it does not make")
  func coding() throws {
    let attack = SPSA(steps: 7, directions: 3, probe: 0.5)
    let fields = try JSONSerialization.jsonObject(with: JSONEncoder().encode(attack))
    #expect((fields as? [String: Any]).map { Set($0.keys) } == ["steps", "directions", "probe"])
    #expect(attack.search(selections: 9) as? SPSA == attack)
    #expect((SquareAttack().search(selections: 9) as? SquareAttack)?.selections == 9)
  }

  @Test("refuses settings that make no sense")
  func settings() throws {
    let shape = ImageShape(channels: 1, height: 1, width: 1)
    let model = LinearSoftmax(imageShape: shape, classCount: 2, seed: 1)
    let data = try randomImages(1, shape: shape, classCount: 2, seed: 1)
    for attack in [
      SPSA(steps: 0), SPSA(directions: 0), SPSA(probe: 0), SPSA(probe: .nan),
      SPSA(probe: .infinity),
    ] {
      #expect(throws: AttackError.self) {
        try attack.search(data, within: .linf(Epsilon("0.1")), through: model, seed: 1)
      }
    }
  }
}
