import Kernels
import Statistics
import Testing

@Suite("A step of gradient descent with momentum")
struct MomentumStepTests {
  /// Below, at, above and between the widths of vectors.
  private static let counts = [0, 1, 3, 4, 7, 8, 15, 16, 17, 64, 131]

  @Test(
    "Every set gives, number by number, what the definition gives in the order written there",
    arguments: KernelSet.available, counts)
  func definition(_ kernels: KernelSet, _ count: Int) {
    var random = RandomStream(RandomKey(seed: 1, purpose: .test, draw: count))
    func values() -> [Float] { (0..<count).map { _ in random.uniform() * 2 - 1 } }
    let (g, v, p) = (values(), values(), values())
    let (μ, w, rate) = (Float(0.9), Float(5e-4), Float(0.1))
    // Every operation is rounded once: nothing is fused, so a result is the same on every set.
    let moved = (0..<count).map { i -> Float in
      let decayed = w * p[i]
      let pulled = g[i] + decayed
      let kept = μ * v[i]
      return kept + pulled
    }
    let reached = (0..<count).map { i -> Float in
      let way = rate * moved[i]
      return p[i] - way
    }

    // Sentinels on both sides catch a store that goes astray.
    let guarded = 32
    let sentinels = [Float](repeating: 12345, count: guarded)
    var (velocity, parameter) = (sentinels + v + sentinels, sentinels + p + sentinels)
    velocity.withUnsafeMutableBufferPointer { velocity in
      parameter.withUnsafeMutableBufferPointer { parameter in
        guard let velocity = velocity.baseAddress, let parameter = parameter.baseAddress else {
          Issue.record("no memory")
          return
        }
        kernels.float32.momentumStep(
          count: count, gradient: g, momentum: μ, weightDecay: w, learningRate: rate,
          velocity: velocity + guarded, parameter: parameter + guarded)
      }
    }
    #expect(velocity == sentinels + moved + sentinels)
    #expect(parameter == sentinels + reached + sentinels)
  }
}
