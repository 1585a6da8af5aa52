import Benchmark
import Classification
import Kernels
import MixupInference
import NeuralNetwork
import Statistics

private let shape = ImageShape(channels: 3, height: 32, width: 32)

/// Single images and single decisions on one thread: read p50, p90 and p99.
func registerLatency() {
  let configuration = Benchmark.Configuration(
    metrics: [.wallClock, .throughput], warmupIterations: 3, maxDuration: .seconds(3))
  for (name, _) in ResNet.Architecture.named {
    registerForward("latency forward \(name)", name, batch: 1, threads: 1, configuration)
    registerDecision("latency decision \(name) N = 30", name, 30, threads: 1, configuration)
  }
}

/// The same work against batch, N and threads, one at a time.
func registerScaling() {
  let configuration = Benchmark.Configuration(
    metrics: [.wallClock, .throughput], warmupIterations: 2, maxDuration: .seconds(1))
  for name in ["resNet50CIFAR", "resNet20"] {
    for batch in [1, 2, 4, 8, 16, 30, 60, 120] {
      registerForward(
        "scaling batch \(name) \(batch)", name, batch: batch, threads: 1, configuration)
    }
    for count in [1, 2, 5, 10, 20, 30, 50] {
      registerDecision("scaling N \(name) \(count)", name, count, threads: 1, configuration)
    }
    for threads in 1...WorkerPool.availableProcessors {
      registerForward(
        "scaling threads \(name) \(threads)", name, batch: 120, threads: threads, configuration)
    }
  }
}

private func registerForward(
  _ title: String, _ network: String, batch: Int, threads: Int,
  _ configuration: Benchmark.Configuration
) {
  Benchmark(title, configuration: configuration) { benchmark, subject in
    blackHole(try subject.classifier.logits(of: subject.images, draws: subject.draws))
  } setup: {
    try Subject(network, images: batch, threads: threads)
  }
}

private func registerDecision(
  _ title: String, _ network: String, _ sampleCount: Int, threads: Int,
  _ configuration: Benchmark.Configuration
) {
  Benchmark(title, configuration: configuration) { benchmark, subject in
    let defence = subject.defence
    blackHole(try defence.logits(of: subject.images, draws: subject.draws))
  } setup: {
    try Defended(Subject(network, images: 1, threads: threads), sampleCount: sampleCount)
  }
}

/// A network with random weights and random images.
private struct Subject {
  let classifier: NetworkClassifier
  let images: Pixels
  let draws: Draws

  init(_ name: String, images count: Int, threads: Int) throws {
    guard let named = ResNet.Architecture.named.first(where: { $0.name == name }) else {
      preconditionFailure("no network \(name)")
    }
    let network = ResNet(named.make(shape, 10))
    network.initialize(seed: 1)
    classifier = NetworkClassifier(
      InferencePlan(
        network.graph, normalization: .plusMinusOne(channels: shape.channels),
        profile: count == 1 ? .latency : .throughput),
      workers: WorkerPool(threadCount: threads))
    images = try randomPixels(count: count, draw: 0)
    draws = Draws(seed: 1, purpose: .score, examples: Array(0..<count))
  }
}

/// MI-OL around a network.
private struct Defended {
  let defence: MixupInference<NetworkClassifier>
  let images: Pixels
  let draws: Draws

  init(_ subject: Subject, sampleCount: Int) throws {
    let pool = try LabelledImages(
      pixels: randomPixels(count: 100, draw: 1), labels: (0..<100).map { $0 % 10 }, classCount: 10)
    defence = try MixupInference(
      subject.classifier, pool: SamplePool(pool),
      rule: .otherLabel(Mixing(lambda: 0.5, sampleCount: sampleCount)))
    images = subject.images
    draws = subject.draws
  }
}

private func randomPixels(count: Int, draw: Int) throws -> Pixels {
  var random = RandomStream(RandomKey(seed: 1, purpose: .test, draw: draw))
  return try Pixels(
    Tensor(shape: [count, shape.channels, shape.height, shape.width]).map { _ in random.uniform() })
}
