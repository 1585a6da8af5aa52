import Classification
import MixupInference
import Robustness
import TestSupport
import Testing

private let shape = ImageShape(channels: 1, height: 4, width: 4)

/// A search with patience or without.
private struct PatientSearch: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let attack: @Sendable (_ patience: Int?) -> any Attack

  static let all = [
    PatientSearch(testDescription: "PGD") { ProjectedGradientDescent(steps: 20, patience: $0) },
    PatientSearch(testDescription: "PGD with momentum, restarts") {
      ProjectedGradientDescent(steps: 20, restarts: 2, momentum: 0.5, patience: $0)
    },
    PatientSearch(testDescription: "PGD, targeted") {
      ProjectedGradientDescent(steps: 20, objective: .targeted, patience: $0)
    },
    PatientSearch(testDescription: "APGD") { AutoPGD(steps: 20, patience: $0) },
  ]
}

@Suite("Images that are decided leave the search")
struct MisledStepsTests {
  private let model = TanhMLP(imageShape: shape, classCount: 3, seed: 1)
  private let data: LabelledImages
  private let budget: PerturbationBudget

  init() throws {
    let images = try randomImages(24, shape: shape, classCount: 3, seed: 1, firstIndex: 40)
    let draws = Draws(seed: 0, purpose: .test, examples: images.indices)
    data = try LabelledImages(
      pixels: images.pixels, labels: model.predictions(of: images.pixels, draws: draws),
      classCount: 3, indices: images.indices)
    budget = .linf(try Epsilon("0.1"))
  }

  private func defence<Base: DifferentiableClassifier>(
    _ base: Base
  ) throws -> MixupInference<Base> {
    try MixupInference(
      base, pool: SamplePool(randomImages(12, shape: shape, classCount: 3, seed: 2)),
      rule: .otherLabel(Mixing(lambda: 0.7, sampleCount: 4)))
  }

  private func found(
    _ attack: any Attack, _ data: LabelledImages, through model: any DifferentiableClassifier
  ) throws -> Tensor {
    try attack.search(data, within: budget, through: model, seed: 3)
  }

  @Test(
    "an image leaves after as many misled steps running, and is asked about no more",
    arguments: [1, 3])
  func leaving(_ patience: Int) throws {
    let spy = Spy(try defence(model))
    let attack = ProjectedGradientDescent(steps: 20, patience: patience)
    let places = try found(attack, data, through: spy)
    let calls = spy.log.calls
    var running = Dictionary(uniqueKeysWithValues: data.indices.map { ($0, 0) })
    let labels = Dictionary(uniqueKeysWithValues: zip(data.indices, data.labels))
    for (step, call) in calls.enumerated() {
      #expect(call.draws.step == step)
      // Those that have not had their misled steps yet, and no others.
      #expect(call.draws.examples == data.indices.filter { running[$0, default: 0] < patience })
      let predictions = try spy.base.predictions(of: call.images, draws: call.draws)
      for (index, prediction) in zip(call.draws.examples, predictions) {
        running[index] = prediction == labels[index] ? 0 : running[index, default: 0] + 1
      }
    }
    let left = running.values.count { $0 >= patience }
    #expect(left > 3 && left < 24, "\(left)")
    // Until it leaves, an image goes the way that it goes without patience.
    let endless = Spy(try defence(model))
    _ = try found(ProjectedGradientDescent(steps: 20), data, through: endless)
    for (call, other) in zip(calls, endless.log.calls) {
      let positions = call.draws.examples.map { $0 - 40 }
      #expect(call.images == other.images[positions])
    }
    // It takes the next step still: its place is that of the call in which it is missing for the first time.
    for (n, index) in data.indices.enumerated() where running[index, default: 0] >= patience {
      let step = calls.count { $0.draws.examples.contains(index) }
      guard step < endless.log.calls.count else { continue }
      #expect(places.rows([n]) == endless.log.calls[step].images[[n]].tensor)
    }
  }

  @Test(
    "a candidate depends on neither the batch nor who else has left", arguments: PatientSearch.all)
  private func batches(_ search: PatientSearch) throws {
    let attack = search.attack(2)
    let defence = try defence(model)
    let whole = try found(attack, data, through: defence)
    for order in [Array((0..<24).reversed()), [5], Array(9..<14)] {
      #expect(try found(attack, data[order], through: defence) == whole.rows(order))
    }
  }

  @Test(
    "without patience, and through a model without randomness, searches take all their steps",
    arguments: PatientSearch.all)
  private func endless(_ search: PatientSearch) throws {
    let spy = Spy(model)
    #expect(
      try found(search.attack(1), data, through: spy)
        == found(search.attack(nil), data, through: model))
    let defence = try defence(model)
    #expect(
      try found(search.attack(1_000), data, through: defence)
        == found(search.attack(nil), data, through: defence))
  }

  @Test("what has left misleads fresh draws of the defence, too", arguments: PatientSearch.all)
  private func misleads(_ search: PatientSearch) throws {
    let defence = try defence(model)
    func accuracy(_ patience: Int?) throws -> Double {
      let result = try Evaluation(seed: 3, scoringDraws: 100).run(
        defence, on: data, under: Threat(search.attack(patience), within: budget, through: defence))
      return Double(result.outcomes.reduce(0) { $0 + $1.correctCount }) / 2400
    }
    let (patient, endless) = try (accuracy(3), accuracy(nil))
    // Three steps on which a place misleads with probability p say p³; what they leave is at most a few
    // points here, where a search without any step leaves half.
    #expect(patient <= endless + 0.1, "\(patient) after \(endless)")
  }

  @Test("patience below 1 is refused")
  func wrongInput() throws {
    let error = AttackError.setting(name: "number of misled steps", value: 0, least: 1)
    for search in PatientSearch.all {
      #expect(throws: error) { try found(search.attack(0), data, through: model) }
    }
  }
}
