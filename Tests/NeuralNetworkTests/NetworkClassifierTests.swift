import CAllocations
import Classification
import Kernels
import Statistics
import TestSupport
import Testing

import NeuralNetwork

@Suite("A network as a classifier")
struct NetworkClassifierTests {
  static let shape = ImageShape(channels: 3, height: 16, width: 12)

  private func network(_ architecture: ResNet.Architecture) -> ResNet {
    let network = ResNet(architecture)
    network.initialize(seed: 4)
    return network
  }

  private func images(_ count: Int) throws -> Pixels {
    var random = RandomStream(RandomKey(seed: 4, purpose: .test))
    let shape = [count, Self.shape.channels, Self.shape.height, Self.shape.width]
    return try Pixels(Tensor(shape: shape).map { _ in random.uniform() })
  }

  @Test("A plan for forward passes alone gives the same logits, and has no gradient")
  func forwardOnly() throws {
    let plan = InferencePlan(
      network(.resNet8(Self.shape)).graph, normalization: .plusMinusOne(channels: 3))
    let images = try images(3)
    let draws = Draws(seed: 1, purpose: .test, examples: [0, 1, 2])
    let classifier = NetworkClassifier(plan.forwardOnly)
    #expect(
      try classifier.logits(of: images, draws: draws)
        == NetworkClassifier(plan).logits(of: images, draws: draws))
    for _ in 0..<2 {
      #expect(throws: ClassifierError.noGradient) {
        _ = try classifier.logitsAndGradient(of: images, draws: draws) { $0 }
      }
    }
  }

  @Test(
    "The weights as they were before packing are held until the gradients are made, and no longer")
  func weightsAreFreed() throws {
    func compiled() -> (classifier: NetworkClassifier, weights: [Tensor]) {
      let network = network(.resNet8(Self.shape))
      let plan = InferencePlan(network.graph, normalization: .plusMinusOne(channels: 3))
      return (
        NetworkClassifier(plan),
        network.state.parameters.map(\.parameter.value).filter { $0.shape.count == 4 }
      )
    }
    var (classifier, weights) = compiled()
    #expect(weights.count >= 7)
    /// Whether nobody else holds the memory: otherwise a tensor is copied before it is written to.
    func isAlone(_ tensor: inout Tensor) -> Bool {
      let place = tensor.withUnsafePointer { Int(bitPattern: $0) }
      return tensor.withUnsafeMutablePointer { Int(bitPattern: $0) } == place
    }
    let images = try images(2)
    let draws = Draws(seed: 1, purpose: .test, examples: [0, 1])
    _ = try classifier.logits(of: images, draws: draws)
    var copies = weights
    for place in copies.indices { #expect(!isAlone(&copies[place])) }
    copies = []
    _ = try classifier.logitsAndGradient(of: images, draws: draws) { $0 }
    for place in weights.indices { #expect(isAlone(&weights[place])) }
    withExtendedLifetime(classifier) {}
  }

  @Test(
    "Logits and gradients are the same bytes whatever the threads and the batch",
    arguments: KernelSet.available, PlanProfile.allCases)
  func independentOfSharing(_ kernels: KernelSet, _ profile: PlanProfile) throws {
    let plan = InferencePlan(
      network(.resNet8(Self.shape)).graph, normalization: .plusMinusOne(channels: 3),
      kernels: kernels,
      profile: profile)
    let images = try images(35)
    @Sendable func results(_ range: Range<Int>, _ workers: WorkerPool?) throws -> (Tensor, Tensor) {
      let part = images[range]
      let draws = Draws(seed: 1, purpose: .test, examples: Array(range))
      let classifier = NetworkClassifier(plan, workers: workers)
      let logits = try classifier.logits(of: part, draws: draws)
      let both = try classifier.logitsAndGradient(of: part, draws: draws) { $0 }
      #expect(both.logits == logits)
      return (logits, both.gradient)
    }
    let alone = try results(0..<35, nil)
    for threads in [1, 2, 3] {
      let shared = try results(0..<35, WorkerPool(threadCount: threads))
      #expect(shared == alone)
      // Few enough images for the threads to share the layers.
      for range in [0..<1, 3..<5, 10..<17] {
        let (logits, gradient) = try results(range, WorkerPool(threadCount: threads))
        #expect(logits.values == alone.0.rows(range))
        #expect(gradient.values == alone.1.rows(range))
      }
      // Inside a loop that leaves threads idle at its end, and of three some all the time.
      let pool = WorkerPool(threadCount: threads)
      let ranges = [0..<35, 3..<5]
      let inside = try pool.map(count: 2) { try results(ranges[$0], pool) }
      for (range, found) in zip(ranges, inside) {
        #expect(found.0.values == alone.0.rows(range))
        #expect(found.1.values == alone.1.rows(range))
      }
    }
  }

  @Test(
    "A pass allocates nothing, forwards or backwards",
    .enabled(if: allocations_are_counted(), "a build with a sanitizer does not count allocations"),
    arguments: ResNet.Architecture.named.map(\.name) + ["wide"])
  func allocatesNothing(_ name: String) throws {
    let scaling = Normalization.plusMinusOne(channels: 3)
    let named = ResNet.Architecture.named.first { $0.name == name }
    let graph =
      try named.map { network($0.make(Self.shape, 10)).graph }
      ?? Checkpoint(
        Fixtures.data("checkpoints/\(name).safetensors"), normalization: scaling,
        extents: (Self.shape.height, Self.shape.width)
      ).graph()
    let plan = InferencePlan(graph, normalization: scaling)
    let gradients = try #require(GradientPlan(of: plan))
    let workspace = Workspace(for: plan, gradients: gradients, capacity: 3)
    let tape = Tape(for: gradients, capacity: 3)
    let pixels = AlignedBuffer(uninitialized: 3 * Self.shape.count)
    pixels.pointer.update(repeating: 0.5, count: pixels.count)
    let logits = AlignedBuffer(uninitialized: 3 * 10)
    let gradient = AlignedBuffer(uninitialized: pixels.count)
    func pass() {
      workspace.forward(pixels.pointer, images: 3, logits: logits.pointer, tape: tape)
      workspace.backward(logits.pointer, images: 3, tape: tape, pixels: gradient.pointer)
    }
    pass()
    // That the counter counts is checked with it.
    let start = allocation_count()
    let something = AlignedBuffer(uninitialized: 1000)
    let afterOne = allocation_count()
    pass()
    #expect(allocation_count() == afterOne)
    #expect(afterOne > start)
    #expect(something.count == 1000)
  }
}

extension Tensor {
  /// The values of some rows along the first dimension.
  fileprivate func rows(_ range: Range<Int>) -> [Float] {
    Array(values[range.lowerBound * rowCount..<range.upperBound * rowCount])
  }
}
