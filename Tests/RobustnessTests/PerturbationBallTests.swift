import Classification
import Robustness
import Statistics
import TestSupport
import Testing

@Suite("The ball around an image, inside the box")
struct PerturbationBallTests {
  static let radii = ["0", "1/255", "8/255", "0.15", "0.5", "1"]

  let center: Pixels
  var stream = RandomStream(RandomKey(seed: 3, purpose: .test))

  init() throws {
    // Values near 0, near 1 and between.
    let shape = ImageShape(channels: 1, height: 20, width: 30)
    var values = try randomImages(1, shape: shape, classCount: 1, seed: 4).pixels.tensor
    for place in stride(from: 0, to: values.count, by: 3) {
      values[place] = place % 2 == 0 ? values[place] * 0.01 : 1 - values[place] * 0.01
    }
    center = try Pixels(values)
  }

  private mutating func candidate(_ spread: Float = 2) throws -> Tensor {
    try Tensor(
      center.tensor.values.map { $0 + spread * (stream.uniform() - 0.5) },
      shape: center.tensor.shape)
  }

  @Test("a projection is within ε + 1e-7 of the center and exactly in [0, 1]", arguments: radii)
  mutating func liesInTheBall(_ radius: String) throws {
    let ball = try PerturbationBall(center: center, budget: .linf(Epsilon(radius)))
    let found = try ball.projection(of: candidate()).tensor
    let epsilon = ball.budget.radius.doubleValue
    for place in 0..<found.count {
      #expect(found[place] >= 0 && found[place] <= 1)
      #expect(abs(Double(found[place]) - Double(center.tensor[place])) <= epsilon + 1e-7)
    }
  }

  @Test("it changes nothing that is inside already, and ε = 0 gives the center", arguments: radii)
  mutating func isIdempotent(_ radius: String) throws {
    let ball = try PerturbationBall(center: center, budget: .linf(Epsilon(radius)))
    let once = try ball.projection(of: candidate())
    #expect(try ball.projection(of: once.tensor) == once)
    #expect(try ball.projection(of: center.tensor) == center)
    if radius == "0" { #expect(once == center) }
  }

  @Test("two projections are no further apart than what they project", arguments: radii)
  mutating func isLipschitz(_ radius: String) throws {
    let ball = try PerturbationBall(center: center, budget: .linf(Epsilon(radius)))
    let (a, b) = (try candidate(), try candidate(0.1))
    let (p, q) = (try ball.projection(of: a).tensor, try ball.projection(of: b).tensor)
    for place in 0..<a.count {
      #expect(
        abs(Double(p[place]) - Double(q[place])) <= abs(Double(a[place]) - Double(b[place])))
    }
  }

  // ulp(1)/2 for each of the two bounds of the ball that are rounded on one side only.
  @Test("ball then box is box then ball is the nearest point of both", arguments: radii)
  mutating func orderDoesNotMatter(_ radius: String) throws {
    let ball = try PerturbationBall(center: center, budget: .linf(Epsilon(radius)))
    let epsilon = ball.budget.radius.doubleValue
    let candidate = try candidate()
    let found = try ball.projection(of: candidate).tensor
    for place in 0..<found.count {
      let (x, v) = (Double(center.tensor[place]), Double(candidate[place]))
      func inBox(_ v: Double) -> Double { min(max(v, 0), 1) }
      func inBall(_ v: Double) -> Double { min(max(v, x - epsilon), x + epsilon) }
      #expect(inBox(inBall(v)) == inBall(inBox(v)))
      #expect(abs(Double(found[place]) - inBox(inBall(v))) <= 0x1p-24)
    }
  }

  @Test("what is no number still comes out inside")
  func nonNumbersComeOutInside() throws {
    let ball = try PerturbationBall(
      center: images([[0.5, 0.5, 0.5]]), budget: .linf(Epsilon("0.25")))
    let found = try ball.projection(
      of: Tensor([.nan, .infinity, -.infinity], shape: [1, 3, 1, 1]))
    #expect(found.tensor.values == [0.25, 0.75, 0.25])
  }

  // MARK: ℓ2

  /// ⟨b − a, c − a⟩.
  private func product(_ a: Tensor, _ b: Tensor, _ c: Tensor) -> Double {
    var sum = 0.0
    for place in 0..<a.count {
      let own = Double(a[place])
      sum += (Double(b[place]) - own) * (Double(c[place]) - own)
    }
    return sum
  }

  private func euclidean(_ a: Tensor, _ b: Tensor) -> Double { product(a, b, b).squareRoot() }

  @Test("in ℓ2 too a projection is inside ball and box, exactly, and stays", arguments: radii)
  mutating func euclideanIsInside(_ radius: String) throws {
    let ball = try PerturbationBall(center: center, budget: .l2(Epsilon(radius)))
    for spread in [0.001, 0.1, 2, 1e30] as [Float] {
      let found = try ball.projection(of: candidate(spread))
      #expect(found.tensor.values.allSatisfy { $0 >= 0 && $0 <= 1 })
      #expect(euclidean(found.tensor, center.tensor) <= ball.budget.radius.doubleValue)
      #expect(try ball.projection(of: found.tensor) == found)
      if radius == "0" { #expect(found == center) }
    }
  }

  // The nearest point p of a convex set is the one with ⟨v − p, q − p⟩ ≤ 0 for every q of the set. Values
  // of p are rounded to 2⁻²⁵, which moves the product by ‖v − p‖ √D 2⁻²⁵, below 10⁻⁴ here.
  @Test("in ℓ2 it is the nearest point of both together", arguments: ["0.1", "0.5", "1"])
  mutating func euclideanIsNearest(_ radius: String) throws {
    let ball = try PerturbationBall(center: center, budget: .l2(Epsilon(radius)))
    for _ in 0..<5 {
      let v = try candidate(4)
      let p = try ball.projection(of: v).tensor
      for _ in 0..<20 {
        let q = try ball.projection(of: candidate(0.5)).tensor
        #expect(product(p, v, q) <= 1e-4)
      }
    }
  }

  @Test("in ℓ2 ball then box is inside, but not the nearest")
  func euclideanOrderMatters() throws {
    let center = try images([[0.9, 0.5]])
    let v = try Tensor([1.9, 1.5], shape: [1, 2, 1, 1])
    let ball = try PerturbationBall(center: center, budget: .l2(Epsilon("0.4")))
    let found = try ball.projection(of: v).tensor
    // (0.9, 0.5) + 0.4 (1, 1)/√2, then the box.
    let clamped = try Tensor([1, 0.5 + 0.4 / Float(2).squareRoot()], shape: [1, 2, 1, 1])
    #expect(euclidean(clamped, center.tensor) < 0.4)
    #expect(euclidean(found, v) < euclidean(clamped, v) - 0.05)
    #expect(abs(Double(found[0]) - 1) < 1e-6)
    // √(0.4² − 0.1²) is what the box leaves to the other.
    #expect(abs(Double(found[1]) - 0.5 - (0.15).squareRoot()) < 1e-6)
  }

  @Test("in ℓ2 what is no number becomes the center's, and infinity the box's edge or less")
  func euclideanNonNumbers() throws {
    let center = try images([[0.5, 0.5, 0.5]])
    let ball = try PerturbationBall(center: center, budget: .l2(Epsilon("0.25")))
    let found = try ball.projection(of: Tensor([.nan, .infinity, 0.5], shape: [1, 3, 1, 1])).tensor
    #expect(found[0] == 0.5 && found[2] == 0.5)
    #expect(abs(found[1] - 0.75) < 1e-6)
  }

  @Test("candidates of another shape are refused")
  func otherShapesAreRefused() throws {
    let ball = try PerturbationBall(center: images([[0.5, 0.5]]), budget: .linf(.zero))
    #expect(throws: AttackError.candidateShape(expected: [1, 2, 1, 1], found: [2, 1, 1, 1])) {
      try ball.projection(of: Tensor(shape: [2, 1, 1, 1]))
    }
  }
}
