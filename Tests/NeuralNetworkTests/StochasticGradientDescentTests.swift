import Classification
import Foundation
import NeuralNetwork
import Testing

@Suite("Stochastic gradient descent")
struct StochasticGradientDescentTests {
  private func parameter(_ values: [Float], gradient: [Float]) throws -> Parameter {
    let parameter = Parameter(try Tensor(values, shape: [values.count]))
    parameter.gradient = try Tensor(gradient, shape: [gradient.count])
    return parameter
  }

  // All numbers are multiples of 2⁻¹² below 2⁴, so nothing is rounded.
  @Test("v ← μv + g + wp, p ← p − lr·v, the first v being g + wp")
  func formula() throws {
    let parameter = try parameter([1, -2], gradient: [3, 0.5])
    var optimiser = StochasticGradientDescent(momentum: 0.5, weightDecay: 0.25)
    var (p, v): ([Float], [Float]) = ([1, -2], [0, 0])
    for step in 0..<3 {
      let rate: Float = step == 1 ? 0.125 : 0.25
      optimiser.step([parameter], learningRate: rate)
      for (place, gradient) in [Float(3), 0.5].enumerated() {
        v[place] = 0.5 * v[place] + gradient + 0.25 * p[place]
        p[place] -= rate * v[place]
      }
      #expect(parameter.value.values == p)
    }
    // By hand: v = 3.25, p = 1 − 0.25·3.25 for the first entry after the first step.
    let first = try self.parameter([1], gradient: [3])
    var fresh = StochasticGradientDescent(momentum: 0.5, weightDecay: 0.25)
    fresh.step([first], learningRate: 0.25)
    #expect(first.value.values == [0.1875])
  }

  @Test("Without gradient the velocity decays as μᵗ")
  func velocityDecays() throws {
    let parameter = try parameter([0], gradient: [1])
    var optimiser = StochasticGradientDescent(momentum: 0.5)
    optimiser.step([parameter], learningRate: 1)
    parameter.gradient = Tensor(shape: [1])
    var place: Float = -1
    for step in 1...10 {
      optimiser.step([parameter], learningRate: 1)
      place -= Float(sign: .plus, exponent: -step, significand: 1)
      #expect(parameter.value[0] == place)
    }
  }

  // v ← μv + lr·g would keep the old rate inside the velocity and move by 1·½ + 0.
  @Test("A changed learning rate applies to the whole velocity")
  func changedRate() throws {
    let parameter = try parameter([0], gradient: [1])
    var optimiser = StochasticGradientDescent(momentum: 0.5)
    optimiser.step([parameter], learningRate: 1)
    parameter.gradient = Tensor(shape: [1])
    optimiser.step([parameter], learningRate: 0.25)
    #expect(parameter.value[0] == -1 - 0.25 * 0.5)
  }

  @Test("Every parameter has a velocity of its own, and a copied optimiser goes on by itself")
  func velocitiesAreSeparate() throws {
    let (first, second) = (
      try parameter([0], gradient: [1]), try parameter([0], gradient: [0])
    )
    var optimiser = StochasticGradientDescent(momentum: 0.5)
    optimiser.step([first, second], learningRate: 1)
    #expect(first.value[0] == -1 && second.value[0] == 0)
    var copy = optimiser
    copy.step([first], learningRate: 1)
    #expect(first.value[0] == -2.5)
    optimiser.step([first], learningRate: 1)
    #expect(first.value[0] == -4)
  }
}

@Suite("Learning-rate schedules")
struct LearningRateScheduleTests {
  @Test("Steps: the factor applies from the first step of each epoch named")
  func step() {
    let schedule = LearningRateSchedule.step(base: 1, factor: 0.5, epochs: [2, 3])
    let rates = (0..<20).map { schedule.rate(step: $0, stepsPerEpoch: 4, totalSteps: 20) }
    #expect(
      rates == Array(repeating: 1, count: 8) + Array(repeating: 0.5, count: 4)
        + Array(repeating: 0.25, count: 8))
  }

  // Steps count by their middle. Half of 1 + cos at shares ¼ and ¾ of the fall, and the halves of
  // the rise: exact numbers but for the rounding of the cosine, a few units of 2⁻²⁴.
  @Test("Cosine: a linear rise, then half a cosine that ends next to zero")
  func cosine() {
    let schedule = LearningRateSchedule.cosine(peak: 0.5, warmUp: 0.25)
    func rate(_ step: Int, of total: Int) -> Float {
      schedule.rate(step: step, stepsPerEpoch: 1, totalSteps: total)
    }
    #expect((0..<4).map { rate($0, of: 16) } == [0.0625, 0.1875, 0.3125, 0.4375])
    for step in 4..<16 {
      let share = (Double(step) + 0.5 - 4) / 12
      #expect(abs(Double(rate(step, of: 16)) - 0.25 * (1 + cos(.pi * share))) < 1e-6)
    }
    let rates = (0..<4000).map { rate($0, of: 4000) }
    #expect(rates.allSatisfy { $0 > 0 && $0 <= 0.5 })
    #expect(zip(rates[..<1000], rates[1..<1000]).allSatisfy { $0 < $1 })
    #expect(zip(rates[1000...], rates[1001...]).allSatisfy { $0 > $1 })
    // The last middle is half a step before the end: ¼·(π · ½ / 3000)².
    #expect(rates[3999] < 1e-7 && rates[999] > 0.4997 && rates[1000] > 0.4999)
  }

  @Test("Cosine without a rise starts at the peak, and a run of one step has a rate above zero")
  func edges() {
    let flat = LearningRateSchedule.cosine(peak: 1, warmUp: 0)
    #expect(flat.rate(step: 0, stepsPerEpoch: 10, totalSteps: 1000) > 0.999)
    for warmUp in [0, 0.25, 1] as [Float] {
      let rate = LearningRateSchedule.cosine(peak: 1, warmUp: warmUp)
        .rate(step: 0, stepsPerEpoch: 1, totalSteps: 1)
      #expect(rate > 0 && rate <= 1)
    }
  }

  @Test("Both kinds come through JSON")
  func coding() throws {
    for schedule in [
      LearningRateSchedule.step(base: 0.1, factor: 0.1, epochs: [100, 150]),
      .cosine(peak: 0.1, warmUp: 0.25),
    ] {
      let data = try JSONEncoder().encode(schedule)
      #expect(try JSONDecoder().decode(LearningRateSchedule.self, from: data) == schedule)
    }
  }
}
