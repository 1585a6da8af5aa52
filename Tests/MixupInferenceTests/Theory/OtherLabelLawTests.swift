import Foundation
import MixupInference
import PropertyChecks
import PropertyTesting
import Statistics
import TestSupport
import Testing

@Suite("The ideal model under mixup inference")
struct OtherLabelLawTests {
  @Test("P25: clean inputs keep F_ŷ = 1 under MI-PL, and get λ and (1−λ)/(L−1) under MI-OL")
  func cleanConfidences() async {
    await check("P25: F_MI of clean inputs under both rules", .theory(), cases: 200) {
      (recipe: TheoryRecipe) in
      let example = try recipe.example()
      let clean = example.model.clean(example.input)
      let predicted = example.model.expectedPrediction(
        of: clean, mixing: .predicted, lambda: example.lambda)
      let other = example.model.expectedPrediction(
        of: clean, mixing: .other, lambda: example.lambda)
      let rest = (1 - example.lambda) / Double(example.classCount - 1)
      for k in 0..<example.classCount {
        let isOwn = k == clean.label
        #expect(abs(predicted[k] - (isOwn ? 1 : 0)) <= example.tolerance)
        #expect(abs(other[k] - (isOwn ? example.lambda : rest)) <= example.tolerance)
      }
    }
  }

  @Test("P26: with N → ∞ MI-OL classifies clean inputs rightly if and only if λ > 1/L")
  func criticalLambda() async {
    await check("P26: MI-OL keeps a clean label iff λ > 1/L", .theory(), cases: 200) {
      (recipe: TheoryRecipe) in
      let example = try recipe.example()
      let clean = example.model.clean(example.input)
      let output = example.model.expectedPrediction(
        of: clean, mixing: .other, lambda: example.lambda)
      let others = output.indices.filter { $0 != clean.label }.map { output[$0] }.max() ?? 0
      // Every other label has the same share, up to rounding; at λ = 1/L it is that of ŷ too.
      try assume(abs(output[clean.label] - others) > example.tolerance)
      let isKept = output[clean.label] > others
      cover(0.2, "kept", isKept)
      cover(0.2, "lost", !isKept)
      #expect(
        isKept
          == OtherLabelLaw.keepsLabel(
            lambda: MixingRatio(
              Int((example.lambda * 1e15).rounded()), over: 1_000_000_000_000_000),
            classCount: example.classCount))
    }
    #expect(OtherLabelLaw.keepsLabel(lambda: 0.11, classCount: 10))
    #expect(!OtherLabelLaw.keepsLabel(lambda: 0.09, classCount: 10))
  }

  @Test("P27: the failure law is that of the largest multinomial count")
  func failureLaw() throws {
    // Known values, to the digits known.
    for (lambda, count, known, digits) in [
      (0.2 as MixingRatio, 30, 0.127, 5e-4), (0.25, 30, 0.009, 5e-4), (0.3, 30, 1e-4, 5e-5),
      (0.3, 5, 0.10, 5e-3),
    ] {
      let law = try OtherLabelLaw.failureProbability(
        lambda: lambda, classCount: 10, sampleCount: count)
      #expect(abs(law - known) <= digits, "λ = \(lambda), N = \(count): \(law)")
    }
    // Every way to draw, counted: (L−1)^N sequences; λ in hundredths, so that a tie is one of whole
    // numbers.
    for (L, N) in [(2, 3), (3, 7), (4, 6), (6, 5)] {
      for hundredths in [0, 10, 25, 30, 40, 50, 60, 70, 100] {
        var (fatal, all) = (0, 0)
        var counts = [Int](repeating: 0, count: L - 1)
        func draw(_ left: Int) {
          guard left > 0 else {
            all += 1
            let largest = counts.max() ?? 0
            fatal += largest * (100 - hundredths) >= N * hundredths ? 1 : 0
            return
          }
          for k in counts.indices {
            counts[k] += 1
            draw(left - 1)
            counts[k] -= 1
          }
        }
        draw(N)
        let law = try OtherLabelLaw.failureProbability(
          lambda: MixingRatio(hundredths, over: 100), classCount: L, sampleCount: N)
        #expect(abs(law - Double(fatal) / Double(all)) <= 1e-13)
      }
    }
  }

  private struct Golden: Decodable {
    struct Failure: Decodable {
      var lambda: String
      var classCount: Int
      var sampleCount: Int
      var fatalCount: Int
      var probability: Double

      enum CodingKeys: String, CodingKey {
        case lambda = "ratio"
        case classCount, sampleCount, fatalCount, probability
      }
    }
    var failures: [Failure]
  }

  @Test("P27: the failure law is that of fractions")
  func failureLawGolden() throws {
    let golden = try JSONDecoder().decode(Golden.self, from: Fixtures.data("theory/golden.json"))
    #expect(golden.failures.count == 14)
    for known in golden.failures {
      let lambda = try MixingRatio(known.lambda)
      #expect(
        OtherLabelLaw.fatalCount(lambda: lambda, sampleCount: known.sampleCount) == known.fatalCount
      )
      let law = try OtherLabelLaw.failureProbability(
        lambda: lambda, classCount: known.classCount, sampleCount: known.sampleCount)
      // L·N sums of N positive terms, each an exponential of logarithms up to 300 with N roundings.
      #expect(abs(law - known.probability) <= 1e-11 * known.probability, "\(known)")
    }
  }

  // In doubles 8·0.6 < 12·0.4; 51 of these pairs went wrong so.
  @Test("the fatal count is the least whole m with m(100−k) ≥ Nk, for every λ = k/100 and N ≤ 100")
  func fatalCounts() throws {
    for k in 0...100 {
      let lambda = try MixingRatio(k == 100 ? "1" : k < 10 ? "0.0\(k)" : "0.\(k)")
      #expect(lambda == MixingRatio(k, over: 100))
      for N in 1...100 {
        var least = 0
        while least <= N, least * (100 - k) < N * k { least += 1 }
        #expect(OtherLabelLaw.fatalCount(lambda: lambda, sampleCount: N) == least)
      }
      for L in 2...100 {
        #expect(OtherLabelLaw.keepsLabel(lambda: lambda, classCount: L) == (k * L > 100))
      }
    }
  }

  @Test("P27: the mean of N draws fails as often as the law says")
  func failuresBySampling() throws {
    var settings = SyntheticScenario.Settings()
    settings.dimension = 12
    let scenario = try SyntheticScenario(settings, key: RandomKey(seed: 27, purpose: .test))
    let clean = scenario.model.clean(scenario.input)
    for (lambda, N) in [(0.2 as MixingRatio, 10), (0.3, 5), (0.4, 12)] {
      let law = try OtherLabelLaw.failureProbability(lambda: lambda, classCount: 10, sampleCount: N)
      let trials = 4000
      let fatal = OtherLabelLaw.fatalCount(lambda: lambda, sampleCount: N)
      let failures = try (0..<trials).count { trial in
        let output = try scenario.model.sampledPrediction(
          of: clean, mixing: .other, lambda: lambda.doubleValue, sampleCount: N,
          key: RandomKey(seed: 27, purpose: .test, step: 1, draw: trial))
        // A tie is lost; in the average of N draws it is a matter of rounding.
        let others = output.indices.filter { $0 != clean.label }.map { output[$0] }.max() ?? 0
        return others >= output[clean.label] - 1e-9
      }
      #expect(fatal <= N)
      // Hoeffding at 10⁻⁹.
      #expect(
        abs(Double(failures) / Double(trials) - law)
          <= (log(2e9) / Double(2 * trials)).squareRoot())
    }
  }

  @Test("the law falls with λ, and is 0 where no draws can be enough")
  func failureLawEdges() throws {
    for N in [1, 2, 13, 200] {
      var previous = 1.0
      for step in 0...100 {
        let law = try OtherLabelLaw.failureProbability(
          lambda: MixingRatio(step, over: 100), classCount: 5, sampleCount: N)
        #expect(law <= previous + 1e-12 && law >= 0)
        previous = law
      }
      #expect(previous == 0)
    }
    #expect(try OtherLabelLaw.failureProbability(lambda: 0.5, classCount: 2, sampleCount: 9) == 1)
    #expect(try OtherLabelLaw.failureProbability(lambda: 0.51, classCount: 2, sampleCount: 9) == 0)
    #expect(throws: TheoryError.sampleCount(0)) {
      try OtherLabelLaw.failureProbability(lambda: 0.5, classCount: 2, sampleCount: 0)
    }
    #expect(throws: TheoryError.classCount(1, least: 2)) {
      try OtherLabelLaw.failureProbability(lambda: 0.5, classCount: 1, sampleCount: 9)
    }
  }

  @Test(
    "P28: an attack that mixing removes in full: MI-PL finds y iff λ > ½, MI-OL for every λ > 0")
  func removedAttack() async {
    // The effect needs the whole length; below it there is none.
    await check(
      "P28: an attack that mixing removes in full", .theory(.thresholded, exponents: 1e6...1e6),
      cases: 200
    ) { (recipe: TheoryRecipe) in
      let example = try recipe.example()
      let λ = example.lambda
      // F_y is ahead of the next by 2λ−1 under MI-PL and by λ under MI-OL.
      try assume(
        λ < 0.999 && λ > 2 * example.tolerance && abs(2 * λ - 1) > 2 * example.tolerance)
      cover(0.2, "MI-PL finds y", λ > 0.5)
      cover(0.2, "MI-PL does not", λ < 0.5)
      #expect(example.input.satisfiesModellingAssumption)
      let predicted = firstMaximum(
        example.model.expectedPrediction(of: example.input, mixing: .predicted, lambda: λ))
      let other = firstMaximum(
        example.model.expectedPrediction(of: example.input, mixing: .other, lambda: λ))
      #expect((predicted == example.input.label) == (λ > 0.5))
      #expect(other == example.input.label)
    }
  }
}
