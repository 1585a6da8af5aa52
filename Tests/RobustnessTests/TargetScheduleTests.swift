import Classification
import Robustness
import Statistics
import TestSupport
import Testing

private let shape = ImageShape(channels: 1, height: 4, width: 4)

@Suite("Which classes an attack on every class tries")
struct TargetScheduleTests {
  private let model = LinearSoftmax(imageShape: shape, classCount: 6, seed: 4, scale: 0.2)

  /// Images that the linear model classifies as their labels say.
  private func data(_ count: Int = 30) throws -> LabelledImages {
    let clean = try randomImages(count, shape: shape, classCount: 6, seed: 3, range: 0.4...0.6)
    let draws = Draws(seed: 0, purpose: .test, examples: clean.indices)
    return try LabelledImages(
      pixels: clean.pixels, labels: model.predictions(of: clean.pixels, draws: draws), classCount: 6
    )
  }

  /// How far the linear model's boundary to every other class is, exactly.
  private func distances(
    _ data: LabelledImages, _ n: Int, _ norm: PerturbationBudget.Norm
  ) -> [Int: Double] {
    let z = model.logits(data.pixels.tensor.rows([n]).values)
    let y = data.labels[n]
    return Dictionary(
      uniqueKeysWithValues: (0..<6).filter { $0 != y }.map { k in
        let w = zip(model.weights[y], model.weights[k]).map { 0.2 * (Double($0) - Double($1)) }
        return (k, (Double(z[y]) - Double(z[k])) / norm.dualLength(w))
      })
  }

  // Float sums of 16 terms; nearer to each other than 10⁻⁵ two boundaries may change places.
  @Test(
    "on a linear model the classes come by the distance of their boundaries, the nearest first",
    arguments: [PerturbationBudget.Norm.linf, .l2])
  func order(_ norm: PerturbationBudget.Norm) throws {
    let data = try data()
    let targets = try TargetSchedule(order: .distance).targets(
      .everyClass, of: data, norm: norm, through: model, seed: 1
    ).compactMap(\.self)
    #expect(targets.count == 5)
    var other = 0
    for n in data.indices.indices {
      let exact = distances(data, n, norm)
      let order = targets.map { $0[n] }
      #expect(Set(order) == Set(exact.keys))
      let found = order.map { exact[$0] ?? 0 }
      #expect(zip(found, found.dropFirst()).allSatisfy { $0 <= $1 + 1e-5 }, "\(found)")
      other += order[0] == (data.labels[n] + 1) % 6 ? 0 : 1
      #expect(
        try TargetSchedule(order: .distance, count: 2).targets(
          .everyClass, of: data[[n]], norm: norm, through: model, seed: 9
        ).compactMap { $0?[0] } == Array(order.prefix(2)))
    }
    #expect(other > 10, "the order by label must be another one")
  }

  // The nearest boundary is within the radius by 2%, the others may not be: one target is enough, the first.
  @Test(
    "one target breaks what can be broken, for a gradient of every class and the steps of one search"
  )
  func passes() throws {
    let data = try data(6)
    for n in data.indices.indices {
      let image = data[[n]]
      let nearest = distances(data, n, .linf).values.min() ?? 0
      let spy = Spy(model)
      let found = try ProjectedGradientDescent(
        steps: 20, objective: .everyClass, loss: .margin,
        targets: TargetSchedule(order: .distance, count: 1)
      ).search(
        image, within: .linf(Epsilon(Int((1.02e6 * nearest).rounded(.up)), over: 1_000_000)),
        through: spy, seed: 1)
      #expect(spy.log.calls.count { $0.wantsGradient } == 5 + 20)
      let prediction = try model.predictions(
        of: Pixels(found), draws: Draws(seed: 0, purpose: .test, examples: image.indices))
      #expect(prediction != image.labels, "\(n)")
    }
  }

  @Test("what leads to no class has no order, and settings are checked")
  func edges() throws {
    let data = try data(4)
    for objective in [AttackObjective.untargeted, .targeted] {
      #expect(
        try TargetSchedule(order: .distance, count: 1).targets(
          objective, of: data, norm: .linf, through: model, seed: 1)
          == objective.targets(of: data, seed: 1))
    }
    #expect(
      try TargetSchedule(count: 9).targets(
        .everyClass, of: data, norm: .linf, through: model, seed: 1)
        == AttackObjective.everyClass.targets(of: data, seed: 1))
    for attack in [
      AutoPGD(loss: .margin, objective: .everyClass, targets: TargetSchedule(count: 0)),
      FastAdaptiveBoundary(objective: .everyClass, targets: TargetSchedule(count: 0)),
    ] as [any Attack] {
      #expect(throws: AttackError.setting(name: "number of targets", value: 0, least: 1)) {
        try attack.search(data, within: .linf(Epsilon("0.1")), through: model, seed: 1)
      }
    }
    var flags = GivenFlags([("target-order", "distance"), ("targets", "3")])
    let schedules = [AutoPGD(objective: .everyClass), AutoPGD()].map { attack in
      var attack = attack
      try? attack.take(from: &flags)
      return attack.targets
    }
    #expect(schedules == [TargetSchedule(order: .distance, count: 3), TargetSchedule()])
  }
}
