import Classification
import Kernels
import NeuralNetwork
import PropertyChecks
import PropertyTesting
import Statistics
import Testing

private struct Refused: Error {}

/// Sixteen images, and what a network says of each when it is asked for it alone and for the first time.
private struct Alone: Sendable {
  static let count = 16
  let plan: InferencePlan
  let images: Pixels
  /// Logits of every image.
  let logits: [[Float]]
  /// Gradients of every image for the output gradient that is its logits.
  let gradients: [[Float]]

  init() throws {
    let shape = ImageShape(channels: 3, height: 8, width: 8)
    let network = ResNet(.resNet8(shape))
    network.initialize(seed: 5)
    let plan = InferencePlan(
      network.graph, normalization: .plusMinusOne(channels: 3), kernels: .best,
      profile: .throughput)
    var random = RandomStream(RandomKey(seed: 5, purpose: .test))
    let images = try Pixels(
      Tensor(shape: [Self.count, 3, 8, 8]).map { _ in random.uniform() })
    let answers = try (0..<Self.count).map { image in
      try NetworkClassifier(plan).logitsAndGradient(
        of: images[[image]], draws: draws([image])
      ) { $0 }
    }
    (self.plan, self.images) = (plan, images)
    logits = answers.map(\.logits.values)
    gradients = answers.map(\.gradient.values)
  }
}

private func draws(_ positions: [Int]) -> Draws {
  Draws(seed: 1, purpose: .test, examples: positions)
}

/// What is asked of one classifier, which keeps its memory from call to call.
private enum ClassifierCommand: Command {
  case logits([Int])
  case gradient([Int])
  /// While a gradient is being computed, the same classifier is asked for other images' logits.
  case gradientThatAsks([Int], about: [Int])
  /// The loss of these images cannot be computed.
  case gradientThatFails([Int])
  /// From two threads.
  case atOnce([Int], [Int])

  static func any(in model: Alone) -> Generator<ClassifierCommand> {
    // Few images, which threads share layer by layer, and more, which they take in passes.
    let places = Generator<[Int]>.array(of: .integer(in: 0...Alone.count - 1), count: 1...18)
    let pairs = places.flatMap { a in places.map { (a, $0) } }
    return .oneOf(
      places.map { .logits($0) }, places.map { .gradient($0) },
      pairs.map { .gradientThatAsks($0.0, about: $0.1) },
      places.map { .gradientThatFails($0) }, pairs.map { .atOnce($0.0, $0.1) })
  }

  func run(onModel model: inout Alone) -> [[Float]] {
    let model = model
    func logits(_ places: [Int]) -> [[Float]] { places.map { model.logits[$0] } }
    func gradients(_ places: [Int]) -> [[Float]] { places.map { model.gradients[$0] } }
    return switch self {
    case .logits(let places): logits(places)
    case .gradient(let places): gradients(places)
    case .gradientThatAsks(let places, let others): gradients(places) + logits(others)
    case .gradientThatFails: []
    case .atOnce(let first, let second): logits(first) + gradients(second)
    }
  }

  func run(on system: inout (classifier: NetworkClassifier, images: Pixels)) throws -> [[Float]] {
    let (classifier, images) = system
    @Sendable func rows(_ tensor: Tensor) -> [[Float]] {
      (0..<tensor.shape[0]).map { tensor.rows([$0]).values }
    }
    func logits(_ places: [Int]) throws -> [[Float]] {
      rows(try classifier.logits(of: images[places], draws: draws(places)))
    }
    func gradients(
      _ places: [Int], loss: (Tensor) throws -> Tensor = { $0 }
    ) throws -> [[Float]] {
      rows(
        try classifier.logitsAndGradient(
          of: images[places], draws: draws(places), lossGradient: loss
        ).gradient)
    }
    switch self {
    case .logits(let places): return try logits(places)
    case .gradient(let places): return try gradients(places)
    case .gradientThatAsks(let places, let others):
      var said: [[Float]] = []
      return try gradients(places) {
        said = try logits(others)
        return $0
      } + said
    case .gradientThatFails(let places):
      #expect(throws: Refused.self) { try gradients(places) { _ in throw Refused() } }
      return []
    case .atOnce(let first, let second):
      return try WorkerPool(threadCount: 2).map(count: 2) {
        try $0 == 0
          ? rows(classifier.logits(of: images[first], draws: draws(first)))
          : rows(
            classifier.logitsAndGradient(of: images[second], draws: draws(second)) { $0 }.gradient)
      }.flatMap(\.self)
    }
  }
}

@Suite("A network's memory in whatever order it is used")
struct NetworkStoryTests {
  @Test(
    "Logits and gradients are to the bit those of each image alone, whatever was computed before, inside or beside",
    arguments: [1, 2, 3])
  func stories(threads: Int) async throws {
    let alone = try Alone()
    let workers = threads > 1 ? WorkerPool(threadCount: threads) : nil
    await check("a classifier remembers nothing", .commands(from: alone)) {
      (commands: CommandSequence<ClassifierCommand>) in
      var system = (
        classifier: NetworkClassifier(alone.plan, workers: workers), images: alone.images
      )
      try await commands.run(on: &system)
    }
  }
}
