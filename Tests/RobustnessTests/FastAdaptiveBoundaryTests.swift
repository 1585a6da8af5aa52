import Classification
import PropertyChecks
import PropertyTesting
import Robustness
import Statistics
import TestSupport
import Testing

private let shape = ImageShape(channels: 1, height: 4, width: 4)

@Suite("FAB, the nearest misclassified image")
struct FastAdaptiveBoundaryTests {
  private func distances(
    _ found: Tensor, _ data: LabelledImages, _ norm: PerturbationBudget.Norm
  ) -> [Double] {
    let (a, b, width) = (found.values, data.pixels.tensor.values, shape.count)
    return data.indices.indices.map { n in
      norm.length((n * width..<(n + 1) * width).map { Double(a[$0]) - Double(b[$0]) })
    }
  }

  // The move lies in the box and on the plane, or at the corner that comes nearest; and no other such point is
  // nearer: a move of the same kind cannot be had by going all but one part in 10⁶ of the way, since the plane is
  // crossed only at its end. Against any other direction stands a search over random points on the plane.
  @Test(
    "the move to a hyperplane is the shortest that the box allows",
    arguments: [
      PerturbationBudget.Norm.linf, .l2,
    ])
  func projection(_ norm: PerturbationBudget.Norm) throws {
    var stream = RandomStream(RandomKey(seed: 2, purpose: .test))
    var (reached, blocked) = (0, 0)
    for _ in 0..<300 {
      let count = 1 + stream.integer(below: 6)
      let x = (0..<count).map { _ in [0, 1, Double(stream.uniform())][stream.integer(below: 3)] }
      let w = (0..<count).map { _ in
        stream.integer(below: 5) == 0 ? 0 : 2 * Double(stream.uniform()) - 1
      }
      let passed = 2 * Double(stream.uniform()) - 1
      let move = norm.shortestMove(from: x, passed: passed, along: w)
      func left(_ move: [Double]) -> Double {
        passed + zip(w, move).reduce(0) { $0 + $1.0 * $1.1 }
      }
      #expect(zip(x, move).allSatisfy { -1e-12 <= $0 + $1 && $0 + $1 <= 1 + 1e-12 })
      // How far the box lets w·d go against `passed`.
      let most = zip(w, x).reduce(0) { sum, pair in
        let room = (pair.0 > 0) == (passed >= 0) ? pair.1 : 1 - pair.1
        return sum + abs(pair.0) * room
      }
      #expect(abs(abs(left(move)) - max(0, abs(passed) - most)) <= 1e-12)
      guard abs(passed) < most else {
        blocked += 1
        continue
      }
      reached += 1
      for _ in 0..<30 {
        // From a random point of the box towards or from x until the plane is met.
        let other = (0..<count).map { Double(stream.uniform()) - x[$0] }
        let slope = left(other) - passed
        guard slope != 0, case let share = -passed / slope, share > 0, share <= 1 else { continue }
        #expect(norm.length(other.map { $0 * share }) >= norm.length(move) - 1e-9)
      }
    }
    #expect(reached > 100 && blocked > 30)
  }

  // The boundary of a linear model is the hyperplane itself; the box is out of reach. An overshoot of 5%, a
  // way back of 10% and a pull of at most a tenth leave less than 1% after a few rounds.
  @Test(
    "on a linear model it is as near as the boundary",
    arguments: [
      PerturbationBudget.Norm.linf, .l2,
    ])
  func linear(_ norm: PerturbationBudget.Norm) throws {
    let model = LinearSoftmax(imageShape: shape, classCount: 3, seed: 4, scale: 0.2)
    let clean = try randomImages(10, shape: shape, classCount: 3, seed: 3, range: 0.45...0.55)
    let draws = Draws(seed: 0, purpose: .test, examples: clean.indices)
    let data = try LabelledImages(
      pixels: clean.pixels, labels: model.predictions(of: clean.pixels, draws: draws), classCount: 3
    )
    let logits = try model.logits(of: data.pixels, draws: draws)
    let budget = PerturbationBudget(norm, try Epsilon("0.01", norm: norm))
    for objective in [AttackObjective.untargeted, .everyClass] {
      let found = try FastAdaptiveBoundary(steps: 40, objective: objective).search(
        data, within: budget, through: model, seed: 1)
      for (n, distance) in distances(found, data, norm).enumerated() {
        let label = data.labels[n]
        let best =
          (0..<3).filter { $0 != label }.map { k in
            let w = zip(model.weights[label], model.weights[k]).map { 0.2 * Double($0 - $1) }
            let margin = Double(logits[n * 3 + label]) - Double(logits[n * 3 + k])
            return margin / norm.dualLength(w)
          }.min() ?? 0
        // What is found within the radius is not sought nearer.
        let least = objective == .everyClass ? min(best, 0.01) : best
        #expect(distance >= best * (1 - 1e-5))
        #expect(distance <= max(least, best) * 1.01 + 1e-6 || distance <= 0.01)
      }
    }
  }

  @Test("an image that is misclassified stays as it is, and settings are checked")
  func edges() throws {
    let model = TanhMLP(imageShape: shape, classCount: 3, seed: 1)
    let data = try randomImages(9, shape: shape, classCount: 3, seed: 1)
    let budget = PerturbationBudget.linf(try Epsilon("0.1"))
    let found = try FastAdaptiveBoundary(steps: 5).search(
      data, within: budget, through: model, seed: 1)
    let predictions = try model.predictions(
      of: data.pixels, draws: Draws(seed: 0, purpose: .test, examples: data.indices))
    for n in 0..<9 where predictions[n] != data.labels[n] {
      #expect(found.rows([n]) == data.pixels[[n]].tensor)
    }
    #expect(predictions != data.labels)
    for attack in [FastAdaptiveBoundary(steps: 0), FastAdaptiveBoundary(restarts: 0)] {
      #expect(throws: AttackError.self) {
        try attack.search(data, within: budget, through: model, seed: 1)
      }
    }
  }

  @Test(
    "AutoAttack is the standard ensemble in its order, and through a randomised model its version rand"
  )
  func autoAttack() throws {
    func names(_ model: any Classifier) -> [String] {
      AutoAttack().attacks(on: model).map { attack in
        switch attack {
        case let apgd as AutoPGD:
          "apgd \(apgd.loss.rawValue) \(apgd.objective.rawValue) \(apgd.steps)"
        case let fab as FastAdaptiveBoundary: "fab \(fab.objective.rawValue) \(fab.steps)"
        case let square as SquareAttack: "square \(square.queries)"
        default: "another"
        }
      }
    }
    let model = TanhMLP(imageShape: shape, classCount: 5, seed: 1)
    #expect(
      names(model) == [
        "apgd cross-entropy untargeted 100", "apgd dlr every-class 100",
        "fab every-class 100", "square 5000",
      ])
    let noisy = try RandomizedInput(
      model, transformations: [.uniformNoise(radius: 0.1)], sampleCount: 20)
    #expect(
      names(noisy) == ["apgd cross-entropy untargeted 100", "apgd dlr untargeted 100"])
  }
}
