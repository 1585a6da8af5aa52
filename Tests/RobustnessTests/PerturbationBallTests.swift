import NeuralNetwork
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
    let ball = try PerturbationBall(center: center, radius: Epsilon(radius))
    let found = try ball.projection(of: candidate()).tensor
    let epsilon = ball.radius.doubleValue
    for place in 0..<found.count {
      #expect(found[place] >= 0 && found[place] <= 1)
      #expect(abs(Double(found[place]) - Double(center.tensor[place])) <= epsilon + 1e-7)
    }
  }

  @Test("it changes nothing that is inside already, and ε = 0 gives the center", arguments: radii)
  mutating func isIdempotent(_ radius: String) throws {
    let ball = try PerturbationBall(center: center, radius: Epsilon(radius))
    let once = try ball.projection(of: candidate())
    #expect(try ball.projection(of: once.tensor) == once)
    #expect(try ball.projection(of: center.tensor) == center)
    if radius == "0" { #expect(once == center) }
  }

  @Test("two projections are no further apart than what they project", arguments: radii)
  mutating func isLipschitz(_ radius: String) throws {
    let ball = try PerturbationBall(center: center, radius: Epsilon(radius))
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
    let ball = try PerturbationBall(center: center, radius: Epsilon(radius))
    let epsilon = ball.radius.doubleValue
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
    let ball = try PerturbationBall(center: images([[0.5, 0.5, 0.5]]), radius: Epsilon("0.25"))
    let found = try ball.projection(
      of: Tensor([.nan, .infinity, -.infinity], shape: [1, 3, 1, 1]))
    #expect(found.tensor.values == [0.25, 0.75, 0.25])
  }

  @Test("candidates of another shape are refused")
  func otherShapesAreRefused() throws {
    let ball = try PerturbationBall(center: images([[0.5, 0.5]]), radius: .zero)
    #expect(throws: AttackError.candidateShape(expected: [1, 2, 1, 1], found: [2, 1, 1, 1])) {
      try ball.projection(of: Tensor(shape: [2, 1, 1, 1]))
    }
  }
}
