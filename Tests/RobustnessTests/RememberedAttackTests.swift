import Classification
import MixupInference
import NeuralNetwork
import Robustness
import Synchronization
import TestSupport
import Testing

@Suite("An attack that is remembered")
struct RememberedAttackTests {
  private static let shape = ImageShape(channels: 1, height: 4, width: 4)

  /// Counts its searches.
  private final class Counting: Attack {
    let attack = ProjectedGradientDescent(steps: 3, restarts: 2)
    private let searches = Mutex(0)
    var count: Int { searches.withLock(\.self) }

    func search(
      _ examples: LabelledImages, within budget: PerturbationBudget,
      through surrogate: any DifferentiableClassifier, seed: UInt64
    ) throws -> Tensor {
      searches.withLock { $0 += 1 }
      return try attack.search(examples, within: budget, through: surrogate, seed: seed)
    }
  }

  let data: LabelledImages
  let model = TanhMLP(imageShape: shape, classCount: 3, seed: 1)
  let defence: MixupInference<TanhMLP>

  init() throws {
    data = try randomImages(9, shape: Self.shape, classCount: 3, seed: 1)
    defence = try MixupInference(
      model, pool: SamplePool(randomImages(12, shape: Self.shape, classCount: 3, seed: 2)),
      rule: .otherLabel(Mixing(lambda: 0.6, sampleCount: 2)))
  }

  @Test("finds for every defence what the attack finds, and searches once")
  func once() throws {
    let counting = Counting()
    let budget = PerturbationBudget.linf(try Epsilon("1/10"))
    let remembered = RememberedAttack(counting, through: model)
    for surrogate in [model, defence, model] as [any DifferentiableClassifier] {
      let found = try remembered.search(data, within: budget, through: surrogate, seed: 7)
      let expected = try counting.attack.search(data, within: budget, through: model, seed: 7)
      #expect(found == expected)
    }
    #expect(counting.count == 1)
  }

  @Test("lets go of what nobody will ask for again, and of nothing else")
  func forgets() throws {
    let counting = Counting()
    let budget = PerturbationBudget.linf(try Epsilon("1/10"))
    let remembered = RememberedAttack(counting, through: model)
    func ask(_ positions: Range<Int>) throws {
      _ = try remembered.search(data[positions], within: budget, through: model, seed: 7)
    }
    for positions in [0..<3, 3..<5, 5..<9] { try ask(positions) }
    remembered.forget(Set(data.indices[3..<5]))
    #expect(remembered.count == 2)
    for positions in [0..<3, 5..<9] { try ask(positions) }
    #expect(counting.count == 3)
    try ask(3..<5)
    #expect(counting.count == 4)
  }

  @Test("does not take one question for another: images, radius and seed all count")
  func questions() throws {
    let counting = Counting()
    let remembered = RememberedAttack(counting, through: model)
    let budgets = try ["1/10", "1/5"].map { PerturbationBudget.linf(try Epsilon($0)) }
    for images in [data, data[0..<4], data[4..<9]] {
      for budget in budgets {
        for seed in [1, 2] as [UInt64] {
          let found = try remembered.search(images, within: budget, through: defence, seed: seed)
          let expected = try counting.attack.search(
            images, within: budget, through: model, seed: seed)
          #expect(found == expected)
        }
      }
    }
    #expect(counting.count == 12)
  }

  @Test("tells images apart by what they are, not by their indices alone")
  func content() throws {
    let counting = Counting()
    let remembered = RememberedAttack(counting, through: model)
    let budget = PerturbationBudget.linf(try Epsilon("1/10"))
    let others = [
      try randomImages(9, shape: Self.shape, classCount: 3, seed: 4),
      try LabelledImages(
        pixels: data.pixels, labels: data.labels.map { ($0 + 1) % 3 }, classCount: 3),
    ]
    for images in [data] + others {
      #expect(images.indices == data.indices)
      let found = try remembered.search(images, within: budget, through: defence, seed: 1)
      #expect(
        found == (try counting.attack.search(images, within: budget, through: model, seed: 1)))
    }
    #expect(counting.count == 3)
  }

  // Toy models pass through no network, so a real one is needed to count.
  @Test("counts what the search costs as often as it is asked for")
  func passes() throws {
    let shape = ImageShape(channels: 1, height: 8, width: 8)
    let network = ResNet(.resNet8(shape, classCount: 3))
    network.initialize(seed: 1)
    let classifier = NetworkClassifier(
      InferencePlan(network.graph, normalization: .plusMinusOne(channels: 1), kernels: .openBLAS))
    let images = try randomImages(2, shape: shape, classCount: 3, seed: 3)
    let remembered = RememberedAttack(
      ProjectedGradientDescent(steps: 3), through: classifier)
    let budget = PerturbationBudget.linf(try Epsilon("1/10"))
    for _ in 0..<3 {
      let (_, passes) = try PassMeter.count {
        try remembered.search(images, within: budget, through: classifier, seed: 1)
      }
      #expect(passes == PassMeter.Count(forward: 6, backward: 6, followed: 2))
    }
  }
}
