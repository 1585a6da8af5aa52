import Classification
import Foundation
import Kernels
import NeuralNetwork
import PropertyChecks
import PropertyTesting
import Statistics
import TestSupport
import Testing

/// Pixels that are whole 255ths, as those of files are, unless told otherwise.
private func images(
  _ count: Int, _ shape: ImageShape, seed: UInt64 = 4, areWhole: Bool = true
) throws -> Pixels {
  var random = RandomStream(RandomKey(seed: seed, purpose: .test))
  return try Pixels(
    Tensor(shape: [count, shape.channels, shape.height, shape.width]).map { _ in
      areWhole ? Float(random.next() % 256) / 255 : random.uniform()
    })
}

@Suite("A network in whole numbers")
struct QuantizationTests {
  /// 12 pixels and 3 channels fill neither tiles nor panels.
  static let shape = ImageShape(channels: 3, height: 16, width: 12)

  static let architectures: [ResNet.Architecture] = [
    .resNet8(shape), .resNet20(shape),
    ResNet.Architecture(
      imageShape: shape, classCount: 7, widths: [8, 20], blocks: [1, 2], block: .preActivation),
    ResNet.Architecture(
      imageShape: shape, classCount: 5, stemKernel: 5, widths: [12, 24], blocks: [2, 1],
      block: .bottleneck),
    // Channels of the image whose bytes do not fill a word, and more than fill one.
    .resNet8(ImageShape(channels: 1, height: 8, width: 8)),
    .resNet8(ImageShape(channels: 5, height: 8, width: 8)),
  ]

  /// Normalisations with statistics, so that activations are of one size.
  private static func plan(
    _ architecture: ResNet.Architecture, _ kernels: KernelSet = .best
  ) throws -> InferencePlan {
    let network = ResNet(architecture)
    network.initialize(seed: 4)
    let shape = architecture.imageShape
    let normalization = Normalization.plusMinusOne(channels: shape.channels)
    let batch = normalization.activations(try images(16, shape, seed: 9).tensor)
    let execution = Execution(kernels: .best, workers: WorkerPool(threadCount: 1))
    for _ in 0..<20 { _ = network.forward(batch, mode: .training, on: execution) }
    return InferencePlan(network.graph, normalization: normalization, kernels: kernels)
  }

  private static func calibrated(_ plan: InferencePlan) throws -> Quantization {
    try Quantization(calibrating: plan, on: images(12, plan.imageShape, seed: 9))
  }

  private static func draws(_ count: Int) -> Draws {
    Draws(seed: 1, purpose: .test, examples: Array(0..<count))
  }

  @Test(
    "logits are the same bytes whatever the kernel set, the batch and the threads",
    arguments: architectures)
  func sameBytes(_ architecture: ResNet.Architecture) throws {
    let quantization = try Self.calibrated(Self.plan(architecture, .reference))
    let images = try images(35, architecture.imageShape, areWhole: false)
    var first: Tensor?
    for kernels in KernelSet.available {
      let plan = try QuantizedPlan(Self.plan(architecture, kernels), quantization)
      let alone = try QuantizedClassifier(plan).logits(of: images, draws: Self.draws(35))
      let expected = first ?? alone
      first = expected
      #expect(alone == expected, "\(kernels)")
      for threads in [2, 3] {
        let classifier = QuantizedClassifier(plan, workers: WorkerPool(threadCount: threads))
        #expect(try classifier.logits(of: images, draws: Self.draws(35)) == expected)
        for range in [0..<1, 3..<5, 10..<17] {
          let part = try classifier.logits(of: images[range], draws: Self.draws(range.count))
          for (place, row) in range.enumerated() {
            for column in 0..<plan.classCount {
              #expect(
                part[place * plan.classCount + column]
                  == expected[row * plan.classCount + column])
            }
          }
        }
      }
    }
  }

  // With activations in 256 steps every layer errs by about 1/500 of the largest value, and errors of about twenty
  // layers add up like random ones. Logits differ between images by much less than their size, so what is compared
  // is what is left when every class's mean is taken away.
  @Test("logits follow those of Float32", arguments: architectures)
  func closeToFloat32(_ architecture: ResNet.Architecture) throws {
    let plan = try Self.plan(architecture)
    let images = try images(30, architecture.imageShape)
    let exact = try NetworkClassifier(plan).logits(of: images, draws: Self.draws(30))
    let found = try QuantizedClassifier(QuantizedPlan(plan, Self.calibrated(plan)))
      .logits(of: images, draws: Self.draws(30))
    let size = exact.values.map(abs).max() ?? 0
    let error = zip(found.values, exact.values).map { abs($0 - $1) }.max() ?? .infinity
    #expect(error < 0.1 * size)
    #expect(error > 0)
  }

  @Test(
    "a pixel is two bytes with the nearest sum, which is exact for the mean of two images of bytes")
  func halves() {
    for sum in 0...510 {
      let (first, second) = QuantizedWorkspace.halves(Float(sum) / 510)
      #expect(first + second == sum && first <= 255 && second <= 255)
    }
    for (left, right) in [(0, 1), (3, 3), (7, 250), (254, 255)] {
      let mean = 0.5 * (Float(left) / 255) + 0.5 * (Float(right) / 255)
      let (first, second) = QuantizedWorkspace.halves(mean)
      #expect(Int(first + second) == left + right)
    }
    #expect(QuantizedWorkspace.halves(-0.1) == (0, 0))
    #expect(QuantizedWorkspace.halves(1.1) == (255, 255))
  }

  @Test("the largest method keeps every value, least squares cuts the rarest off")
  func methods() {
    var histogram = ValueHistogram()
    // One value in so many lies above 1: it costs less to cut it off than to make all steps larger.
    let values = (0..<400_000).map { Float($0) / 400_000 } + [1.5]
    values.withUnsafeBufferPointer {
      histogram.see($0)
      histogram.count($0)
    }
    let largest = histogram.quantization(.largest)
    #expect(largest.scale == 1.5 / 255 && largest.zero == 0)
    let cut = histogram.quantization(.leastSquares)
    #expect(cut.scale < largest.scale && cut.zero == 0)
    // Σ (x − x̂)², by definition.
    func error(_ scale: Float) -> Double {
      values.reduce(0) { sum, x in
        let found = max(0, min(255, (x / scale).rounded())) * scale
        return sum + Double((x - found) * (x - found))
      }
    }
    #expect(error(cut.scale) <= error(largest.scale))
  }

  @Test("0 has a byte of its own where values have both signs")
  func zeros() {
    var histogram = ValueHistogram()
    let values: [Float] = [-1, 0, 2]
    values.withUnsafeBufferPointer {
      histogram.see($0)
      histogram.count($0)
    }
    let (scale, zero) = histogram.quantization(.largest)
    #expect(scale == 3 / 255 && zero == 85)
  }

  @Test("rounding errors of a kernel, and of all kernels, add up to a half at most")
  func balance() async {
    let numbers = Generator<[Double]>.array(of: .double(in: -126...126), count: 9...90)
    await check("balanced rounding", numbers, .element(of: [1, 3, 9])) { numbers, taps in
      let values = Array(numbers.prefix(numbers.count / taps * taps))
      let bytes = balancedRounding(values, perKernel: taps)
      let errors: [Double] = zip(bytes, values).map { byte, value in Double(byte) - value }
      // Every number goes to one of its neighbours; sums are right to their own rounding.
      #expect(errors.allSatisfy { abs($0) <= 1 })
      #expect(abs(errors.reduce(0, +)) <= 0.5 + 1e-9)
      for kernel in stride(from: 0, to: values.count, by: taps) {
        // A half after the first round, and one number of it may have moved in the second.
        #expect(abs(errors[kernel..<kernel + taps].reduce(0, +)) <= 1 + 1e-9)
      }
    }
  }

  // MARK: Files

  @Test("a calibrated checkpoint is written and read again, and is the same network in Float32")
  func files() throws {
    let network = ResNet(.resNet8(Self.shape))
    network.initialize(seed: 4)
    let bare = Checkpoint(network, normalization: .plusMinusOne(channels: 3))
    var checkpoint = bare
    checkpoint.quantization = try Self.calibrated(InferencePlan(bare))
    checkpoint.quantization?.margin = Quantization.Margin(bound: 0.25, imageCount: 12)
    let file = try CheckpointFile(checkpoint.encoded())
    #expect(try file.checkpoint().quantization == checkpoint.quantization)
    #expect(try file.identity == CheckpointFile(bare.encoded()).identity)
    #expect(file.notes.isEmpty)
  }

  /// A checkpoint whose calibration has a text replaced.
  private static func damaged(_ text: String, by other: String) throws -> Data {
    let network = ResNet(.resNet8(shape))
    network.initialize(seed: 4)
    var checkpoint = Checkpoint(network, normalization: .plusMinusOne(channels: 3))
    checkpoint.quantization = try calibrated(InferencePlan(checkpoint))
    checkpoint.quantization?.activations[1].scale = 0.75
    checkpoint.quantization?.margin = Quantization.Margin(bound: 0.25, imageCount: 12)
    var file = try Safetensors(checkpoint.encoded())
    let old = try #require(file.metadata["quantization"])
    #expect(old.contains(text))
    file.metadata["quantization"] = old.replacingOccurrences(of: text, with: other)
    return try file.encoded()
  }

  @Test(
    "numbers that cannot be are refused in one line",
    arguments: [
      ("0.75", "0", "the scale of 1.0.conv1 is 0.0"),
      ("0.75", "-1", "the scale of 1.0.conv1 is -1.0"),
      ("0.75", "1e-44", "the scale of 1.0.conv1 is"),
      ("0.75", "1e999", "cannot be understood"), ("0.75", "NaN", "cannot be understood"),
      ("0.75", "null", "cannot be understood"),
      ("\"zero\":0", "\"zero\":256", "the zero of stem is 256"),
      ("\"imageCount\":12,\"margin\"", "\"imageCount\":0,\"margin\"", "calibrated on 0 images"),
      ("least-squares", "guess", "cannot be understood"),
      ("\"bound\":0.25", "\"bound\":-1", "its margin is -1.0"),
      ("\"version\":1", "\"version\":2", "version 2"),
    ])
  func damage(_ text: String, _ other: String, _ says: String) throws {
    let bytes = try Self.damaged(text, by: other)
    let error = #expect(throws: (any Error).self) { try CheckpointFile(bytes) }
    let line = error.map { "\($0)" } ?? ""
    #expect(line.contains(says) && !line.contains("\n"), "\(line)")
  }

  @Test("the calibration of another network is refused")
  func otherNetwork() throws {
    let plan = try Self.plan(.resNet20(Self.shape))
    let other = try Self.calibrated(Self.plan(.resNet8(Self.shape)))
    let error = #expect(throws: QuantizationError.self) { try QuantizedPlan(plan, other) }
    #expect(error.map { "\($0)".contains("layers") } == true)
    var wrong = try Self.calibrated(plan)
    wrong.activations[0].zero = 7
    let second = #expect(throws: QuantizationError.self) { try QuantizedPlan(plan, wrong) }
    #expect(second.map { "\($0)".contains("behind a ReLU") } == true)
  }

  @Test("operators without a form in whole numbers are named, all at once")
  func operators() throws {
    var architecture = ResNet.Architecture.resNet8(Self.shape)
    architecture.details.activation = .silu
    let network = ResNet(architecture)
    network.initialize(seed: 4)
    let plan = InferencePlan(network.graph, normalization: .plusMinusOne(channels: 3))
    let error = #expect(throws: QuantizationError.self) { try Self.calibrated(plan) }
    let line = error.map { "\($0)" } ?? ""
    for name in ["stem (SiLU)", "1.0.conv1 (SiLU)", "3.0.conv2 (SiLU)"] {
      #expect(line.contains(name), "\(line)")
    }
  }

  @Test("0 images are no calibration, nor are images of another shape")
  func calibrationImages() throws {
    let plan = try Self.plan(.resNet8(Self.shape))
    #expect(throws: QuantizationError.noImages) {
      try Quantization(calibrating: plan, on: images(3, Self.shape)[0..<0])
    }
    let other = ImageShape(channels: 3, height: 8, width: 8)
    #expect(throws: ClassifierError.imageShape(expected: Self.shape, found: other)) {
      try Quantization(calibrating: plan, on: images(3, other))
    }
  }

  // MARK: Decisions

  @Test("close decisions are made again, others not; the margin is the largest change of a lead")
  func checking() throws {
    let fast = FixedLogits([[1, 3, 0], [5, 4.5, 0], [0, 0, 9], [2, 1, 1]])
    let exact = FixedLogits([[9, 0, 0], [0, 9, 0], [0, 9, 0], [0, 0, 9]])
    let pixels = try images(4, fast.imageShape)
    let checked = CheckedClassifier(fast, exact: exact, bound: 1)
    let logits = try checked.logits(of: pixels, draws: Self.draws(4))
    #expect(try argmax(rowsOf: logits) == [1, 1, 2, 2])
    #expect(checked.decisionCount.all == 4 && checked.decisionCount.again == 2)
    #expect(exact.asked == [[1, 3]])

    let of = try fast.logits(of: pixels, draws: Self.draws(4))
    let margin = try Quantization.Margin(
      of: of, exact: exact.logits(of: pixels, draws: Self.draws(4)))
    // The third image: 9 above the second class, and 9 below it in truth.
    #expect(margin == Quantization.Margin(bound: 18, imageCount: 4))
    #expect(leads(ofRows: of) == [2, 0.5, 9, 1])
  }

  @Test("without a network to follow there is no gradient; with one it is that of the own loss")
  func gradients() throws {
    let plan = try Self.plan(.resNet8(Self.shape))
    let integers = QuantizedClassifier(try QuantizedPlan(plan, Self.calibrated(plan)))
    let (pixels, draws) = (try images(3, Self.shape), Self.draws(3))
    #expect(throws: ClassifierError.noGradient) {
      try StraightThrough(integers, following: nil)
        .logitsAndGradient(of: pixels, draws: draws) { $0 }
    }
    let exact = NetworkClassifier(plan)
    let logits = try integers.logits(of: pixels, draws: draws)
    let found = try StraightThrough(integers, following: exact)
      .logitsAndGradient(of: pixels, draws: draws) { $0 }
    #expect(found.logits == logits)
    let expected = try exact.logitsAndGradient(of: pixels, draws: draws) { _ in logits }
    #expect(found.gradient == expected.gradient)
  }
}

/// Gives logits by the examples' numbers, whatever the images.
private final class FixedLogits: Classifier, @unchecked Sendable {
  let imageShape = ImageShape(channels: 1, height: 1, width: 1)
  let classCount = 3
  let forwardPassesPerDecision = 1
  let isRandomized = false
  let rows: [[Float]]
  /// The examples of every call; the tests call from one thread.
  private(set) var asked: [[Int]] = []

  init(_ rows: [[Float]]) { self.rows = rows }

  func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    asked.append(draws.examples)
    return try Tensor(draws.examples.flatMap { rows[$0] }, shape: [images.count, 3])
  }
}
