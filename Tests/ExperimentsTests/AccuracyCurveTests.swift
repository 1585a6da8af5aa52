import Classification
import Experiments
import Foundation
import NeuralNetwork
import PropertyChecks
import PropertyTesting
import Robustness
import Statistics
import TestSupport
import Testing

/// What was predicted of an image as it is and under an attack, on every draw, and how far the attack went.
private struct Judged: Sendable {
  var clean: [Int]
  var attacked: [Int]
  var distance: Double
}

@Suite("Accuracy over the radius, of one search")
struct AccuracyCurveTests {
  private func result(
    _ attack: AttackDescription, predictions: [[Int]], distances: [Double]? = nil,
    isRandomized: Bool = false, misses: [Int]? = nil
  ) throws -> JobResult {
    JobResult(
      job: EvaluationJob(
        model: "m", dataset: "digits", split: .test,
        indices: IndexRanges(Array(predictions.indices)), pool: nil,
        defence: DefenceDescription(.none), attack: attack,
        circumstances: EvaluationJob.Circumstances(
          checkpoint: "c", normalization: .plusMinusOne(channels: 1), seed: 1,
          kernelSet: .reference, planProfile: .throughput, scoringDraws: predictions[0].count,
          selectionDraws: 4)),
      isRandomized: isRandomized, forwardPassesPerDecision: 1,
      outcomes: predictions.indices.map {
        EvaluationResult.Outcome(
          index: $0, label: 1, predictions: predictions[$0], selectionMisses: misses?[$0] ?? 0,
          distance: distances?[$0])
      },
      cost: JobResult.Cost(
        passes: PassMeter.Count(forward: 30, backward: 20), seconds: 1, secondsByBlock: []))
  }

  private func summary(
    _ images: [Judged], radius: String = "1/2", isRandomized: Bool = false
  ) throws -> EvaluationSummary {
    try EvaluationSummary([
      result(
        AttackDescription(.none), predictions: images.map(\.clean), isRandomized: isRandomized),
      result(
        AttackDescription(try #require(AttackName(rawValue: "fmn")), epsilon: Epsilon(radius)),
        predictions: images.map(\.attacked), distances: images.map(\.distance),
        isRandomized: isRandomized),
    ])
  }

  private static func images(draws: Int) -> Generator<[Judged]> {
    let numbers = Generator<[Int]>.array(of: .integer(in: 0...4), count: 2 * draws + 1)
    return .array(
      of: numbers.map { (numbers: [Int]) -> Judged in
        Judged(
          clean: numbers[..<draws].map { min($0, 1) },
          attacked: numbers[draws..<2 * draws].map { $0 / 4 },
          distance: Double(numbers[2 * draws]) / 8)
      }, count: 1...12)
  }

  @Test(
    "at every radius it is the accuracy of the images misled within it and of the others as they are",
    arguments: [1, 5])
  func definition(draws: Int) async throws {
    await check(
      "a curve is its definition", Self.images(draws: draws), case: "\(draws)"
    ) { (images: [Judged]) in
      let curve = try #require(
        try summary(images, isRandomized: draws > 1).curves.first)
      #expect(curve.norm == .linf && curve.count == images.count && curve.attack == "fmn")
      #expect(curve.points.first?.radius == 0 && curve.points.last?.radius == 0.5)
      #expect(zip(curve.points, curve.points.dropFirst()).allSatisfy { $0.radius < $1.radius })
      for radius in stride(from: 0.0, through: 0.5, by: 1 / 16) {
        let shown = images.map { $0.distance <= radius ? $0.attacked : $0.clean }
        let right = shown.flatMap(\.self).count { $0 == 1 }
        let point = try #require(curve.points.last { $0.radius <= radius })
        let mean = Double(right) / Double(images.count * draws)
        #expect(abs(point.accuracy - mean) <= 1e-15)
        #expect(point.interval.lower <= mean && mean <= point.interval.upper)
        if draws == 1 {
          let wilson = Proportion(successes: right, trials: images.count).wilsonInterval()
          #expect(abs(point.interval.lower - wilson.lower) <= 1e-12)
          #expect(abs(point.interval.upper - wilson.upper) <= 1e-12)
        }
      }
    }
  }

  @Test("what is beyond the ball by rounding counts at its edge")
  func edge() throws {
    let images = [Judged(clean: [1], attacked: [0], distance: 0.5.nextUp)]
    let curve = try #require(try summary(images).curves.first)
    #expect(curve.points.map(\.radius) == [0, 0.5] && curve.points.map(\.accuracy) == [1, 0])
  }

  @Test(
    "an image that fresh draws mostly get right is no success, however near the search ended")
  func luck() throws {
    let lucky = Judged(
      clean: Array(repeating: 1, count: 10), attacked: [0, 0, 0] + Array(repeating: 1, count: 7),
      distance: 0.1)
    let sure = Judged(
      clean: Array(repeating: 1, count: 10), attacked: Array(repeating: 0, count: 10),
      distance: 0.3)
    let wrong = Judged(
      clean: Array(repeating: 0, count: 10), attacked: Array(repeating: 0, count: 10), distance: 0)
    let summary = try summary([lucky, sure, wrong, sure], isRandomized: true)
    let nearest = try #require(summary.records[1].nearest)
    #expect(nearest.distances == [nil, 0.3, 0, 0.3])
    #expect(nearest.median == 0.3 && nearest.optimality == nil)
    #expect(nearest.forwardPasses == 7.5 && nearest.backwardPasses == 5)
    let points = try #require(summary.curves.first).points
    #expect(points.map(\.radius) == [0, 0.1, 0.3, 0.5])
    for (point, right) in zip(points, [30, 27, 7, 7]) {
      #expect(abs(point.accuracy - Double(right) / 40) <= 1e-15)
    }
  }

  // By hand: the best distances are 0.1, 0.2, 0.4, of an image of each attack alone 0.1, 0.3, 0.4 and 0.2, 0.2, 0.4.
  // Up to 0.4, 0.3 + 0.2 + 0 = 0.5 lies above the best curve, 0.3 + 0.1 and 0.2 + 0.2 above the two.
  @Test("local optimality is the share of the area above the best curve")
  func optimality() throws {
    func attack(_ name: String) throws -> AttackDescription {
      AttackDescription(
        try #require(AttackName(rawValue: name)), norm: .l2, epsilon: try Epsilon("2", norm: .l2))
    }
    let clean = [[1], [1], [1], [0]]
    let results = [
      try result(AttackDescription(.none), predictions: clean),
      try result(
        attack("fmn"), predictions: [[0], [0], [0], [0]], distances: [0.1, 0.3, 0.4, 0]),
      try result(
        attack("ddn"), predictions: [[0], [0], [0], [0]], distances: [0.2, 0.2, 0.4, 0]),
      // What finds nothing lies as far as the radius, and above no curve.
      try result(
        attack("cw"), predictions: [[1], [1], [1], [0]], distances: [0, 0, 0, 0]),
    ]
    let summary = try EvaluationSummary(results)
    let found = summary.records.compactMap { $0.nearest?.optimality }
    #expect(found.count == 3)
    for (found, known) in zip(found, [0.8, 0.8, 0]) { #expect(abs(found - known) <= 1e-12) }
    // All attacks together are the best curve.
    #expect(summary.curves.map(\.attack) == ["fmn", "ddn", "cw", "worst"])
    let best = try #require(summary.curves.last)
    #expect(best.points.map(\.radius) == [0, 0.1, 0.2, 0.4, 2])
    for (point, right) in zip(best.points, [3, 2, 1, 0, 0]) {
      #expect(abs(point.accuracy - Double(right) / 4) <= 1e-15)
    }
    #expect(summary.remarks.contains { $0.contains("local optimality 0.800") })
  }

  @Test("without the clean images, without distances and of other attacks there is none")
  func none() throws {
    let fmn = AttackDescription(
      try #require(AttackName(rawValue: "fmn")), epsilon: try Epsilon("1/2"))
    let pgd = AttackDescription(.pgd, epsilon: try Epsilon("1/2"))
    let clean = try result(AttackDescription(.none), predictions: [[1]])
    for results in [
      [try result(fmn, predictions: [[0]], distances: [0.1])],
      [clean, try result(fmn, predictions: [[0]])],
      [clean, try result(pgd, predictions: [[0]], distances: [0.1])],
    ] {
      let summary = try EvaluationSummary(results)
      #expect(summary.curves.isEmpty && summary.records.allSatisfy { $0.nearest == nil })
    }
  }

  @Test(
    "a plan for curves measures the images as they are, and takes an attack that looks for the nearest"
  )
  func plan() throws {
    var plan = EvaluationPlan(attacks: [
      AttackDescription(try #require(AttackName(rawValue: "adaptive-fmn")))
    ])
    try plan.check()
    // The whole box, unless a radius is given.
    #expect(plan.attacks[0].epsilon == Epsilon(1, over: 1))
    try plan.prepareForCurves()
    #expect(
      plan.attacks.map(\.name) == [.none, try #require(AttackName(rawValue: "adaptive-fmn"))])
    try plan.prepareForCurves()
    #expect(plan.attacks.count == 2)
    var other = EvaluationPlan(attacks: [AttackDescription(.pgd, epsilon: try Epsilon("1/10"))])
    #expect(throws: PlanError.curves) { try other.prepareForCurves() }
    #expect(AttackName.nearest == "cw, fmn, ddn, fab")
  }

  @Test("the table has a line for every step, and the plot ends where the curves do")
  func files() throws {
    let images = [
      Judged(clean: [1], attacked: [0], distance: 0.125),
      Judged(clean: [1], attacked: [1], distance: 0.25),
    ]
    let curves = try summary(images, radius: "1").curves
    let lines = curves.csv.split(separator: "\n")
    #expect(lines[0] == "model,defence,attack,norm,radius,accuracy,lower,upper,n")
    #expect(lines.count == 5 && lines[2].hasPrefix("m,none,fmn,linf,0.125,0.5,"))
    #expect(curves.svg.contains("<svg") && curves.svg.contains("m, none, fmn"))
  }
}
