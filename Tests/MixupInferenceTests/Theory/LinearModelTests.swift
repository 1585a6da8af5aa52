import Classification
import Foundation
import MixupInference
import PropertyChecks
import PropertyTesting
import Statistics
import Testing

@Suite("H, the linear part")
struct LinearModelTests {
  @Test("H is one-hot at every anchor, several of a class and dependent ones included")
  func fitsAnchors() async {
    await check("H is one-hot at every anchor", .theory(.linear), cases: 200) {
      (recipe: TheoryRecipe) in
      let example = try recipe.example()
      let (pool, linear) = (example.model.pool, example.model.linear)
      cover(0.3, "several points of a class", pool.count > example.classCount)
      let largest = pool.flatMap { anchor in
        linear(anchor.point).enumerated().map { abs($1 - ($0 == anchor.label ? 1 : 0)) }
      }.reduce(0, max)
      // The search is for anchors in hardly general position.
      maximize(largest / example.tolerance)
      #expect(largest <= example.tolerance)
    }
  }

  @Test("an anchor next to the span of the others is met as well as one far from it")
  func nearlyDependentAnchors() async {
    // The search above found that no distance but that of rounding may count as none.
    await check("a nearly dependent anchor", .double(in: -52...(-1))) { (exponent: Double) in
      let distance = exp2(exponent)
      // Without the last one, the smallest weights take half of the step to class 1 from each of two
      // coordinates; with it, all from the first.
      let anchors = [
        Anchor(point: [0, 0, 0], label: 0), Anchor(point: [0, 1, 0], label: 0),
        Anchor(point: [1, 0, -1], label: 1), Anchor(point: [1, 1, distance - 1], label: 1),
      ]
      let linear = try LinearModel(fitting: anchors, classCount: 2)
      let tolerance = 16 * linear.roundingUnit(at: anchors.map(\.point))
      for anchor in anchors {
        #expect(abs(linear(anchor.point)[anchor.label] - 1) <= tolerance)
      }
      cover(0.1, "closer than 10⁻⁹", distance < 1e-9)
    }
  }

  @Test(
    "anchors are met from a class of which two are close together, without extrapolating from these"
  )
  func closeAnchors() async {
    await check("anchors close together", .double(in: -40...(-1))) { (exponent: Double) in
      let anchors = [
        Anchor(point: [0, exp2(exponent) - 1], label: 0), Anchor(point: [0, -1], label: 0),
        Anchor(point: [0, 0], label: 0), Anchor(point: [1, 0], label: 1),
      ]
      let linear = try LinearModel(fitting: anchors, classCount: 2)
      let tolerance = 16 * linear.roundingUnit(at: anchors.map(\.point))
      for anchor in anchors {
        #expect(abs(linear(anchor.point)[anchor.label] - 1) <= tolerance)
      }
    }
  }

  @Test("H(λx + (1−λ)x′) = λH(x) + (1−λ)H(x′) and Σ_k H_k = 1 everywhere, off the anchors too")
  func isAffine() async {
    // As many coordinates as there may be dimensions.
    let anywhere = Generator<[Double]>.array(of: .double(in: -3...3), count: 13)
    await check(
      "H is affine, with sum 1 everywhere", .theory(.linear), anywhere, anywhere, cases: 200
    ) { (recipe: TheoryRecipe, a: [Double], b: [Double]) in
      let example = try recipe.example()
      let linear = example.model.linear
      let (a, b) = (Array(a.prefix(linear.dimension)), Array(b.prefix(linear.dimension)))
      let tolerance = 16 * linear.roundingUnit(at: [a, b])
      let middle = linear(mix(example.lambda, a, b))
      for (left, right) in zip(middle, mix(example.lambda, linear(a), linear(b))) {
        #expect(abs(left - right) <= tolerance)
      }
      #expect(abs(middle.reduce(0, +) - 1) <= Double(linear.classCount) * tolerance)
    }
  }

  @Test("the null-space component changes H off the anchors' hull only, and by its seed")
  func nullSpace() throws {
    let anchors = [
      Anchor(point: [0, 0, 0], label: 0), Anchor(point: [1, 0, 0], label: 1),
      Anchor(point: [2, 0, 0], label: 2),
    ].dropLast().map(\.self)
    let plain = try LinearModel(fitting: anchors, classCount: 2)
    let key = RandomKey(seed: 1, purpose: .test)
    let other = RandomKey(seed: 2, purpose: .test)
    let first = try LinearModel(fitting: anchors, classCount: 2, nullSpace: 1, key: key)
    let second = try LinearModel(fitting: anchors, classCount: 2, nullSpace: 1, key: other)
    // The smallest weights do not see the directions in which the anchors do not differ.
    #expect(abs(plain([0.5, 7, -3])[0] - 0.5) <= 1e-14)
    for x in [0, 0.25, 1] {
      for model in [first, second] {
        // Weights of order 1: a dozen roundings.
        #expect(abs(model([x, 0, 0])[0] - (1 - x)) <= 1e-14)
      }
    }
    #expect(abs(first([0.5, 1, 1])[0] - second([0.5, 1, 1])[0]) > 1e-3)
    #expect(try first == LinearModel(fitting: anchors, classCount: 2, nullSpace: 1, key: key))
  }

  @Test("anchors that contradict each other are refused in one line")
  func contradictions() {
    // The middle of two points of class 0 cannot be of class 1.
    let anchors = [
      Anchor(point: [0, 0], label: 0), Anchor(point: [2, 2], label: 0),
      Anchor(point: [1, 1], label: 1),
    ]
    #expect(throws: TheoryError.contradiction(anchor: 2)) {
      try LinearModel(fitting: anchors, classCount: 2)
    }
    #expect(throws: TheoryError.emptyClass(2, classCount: 3)) {
      try LinearModel(fitting: anchors, classCount: 3)
    }
    #expect(throws: TheoryError.length(name: "anchor 1", expected: 1, found: 2)) {
      try LinearModel(
        fitting: [Anchor(point: [0], label: 0), Anchor(point: [0, 1], label: 1)], classCount: 2)
    }
    #expect(throws: TheoryError.label(2, classCount: 2)) {
      try LinearModel(fitting: [Anchor(point: [0], label: 2)], classCount: 2)
    }
    #expect(!"\(TheoryError.contradiction(anchor: 2))".contains("\n"))
    for error: TheoryError in [
      .contradiction(anchor: 2), .emptyClass(2, classCount: 3), .label(2, classCount: 2),
      .length(name: "anchor 1", expected: 1, found: 2), .notFinite(name: "a weight", .nan),
    ] {
      #expect(error.cause == .data, "\(error)")
    }
    #expect(TheoryError.sampleCount(0).cause == .usage)
  }
}
