import Classification
import Kernels
import NeuralNetwork
import TestSupport
import Testing

/// PyTorch computed the golden values in double precision. Sums here have at most 576 terms per
/// layer in Float32, so single layers err by some 1e-6 of the largest value; every further layer
/// adds as much again.
private let layerTolerance = 1e-5
private let networkTolerance = 1e-4

@Suite("PyTorch's golden values")
struct GoldenTests {
  let execution = Execution(workers: WorkerPool(threadCount: 2))

  @Test("Convolutions, forward and backward, on every kernel set", arguments: 0..<10)
  func convolution(_ index: Int) throws {
    let golden = try Golden("network/convolutions.safetensors")
    let name = "case\(index)"
    let input = try golden.activations("\(name).input")
    let weight = try golden["\(name).weight"]
    let geometry = ConvolutionGeometry(
      height: input.shape[1], width: input.shape[2],
      kernel: try golden.number("kernel", of: name), stride: try golden.number("stride", of: name),
      padding: try golden.number("padding", of: name))
    for kernels in KernelSet.available {
      let execution = Execution(kernels: kernels, workers: execution.workers)
      let layer = Convolution(
        inputChannels: weight.shape[1], outputChannels: weight.shape[0], geometry: geometry,
        hasBias: golden.tensors["\(name).bias"] != nil)
      layer.weight.value = weight
      if let bias = layer.bias { bias.value = try golden["\(name).bias"] }
      expect(
        layer.forward(input, on: execution), equals: try golden.activations("\(name).output"))
      let gradient = layer.backward(
        try golden.activations("\(name).outputGradient"), input: input, on: execution)
      expect(
        try #require(gradient), equals: try golden.activations("\(name).inputGradient"))
      expect(layer.weight.gradient, equals: try golden["\(name).weightGradient"])
      if let bias = layer.bias {
        expect(bias.gradient, equals: try golden["\(name).biasGradient"])
      }
    }
  }

  @Test("Batch normalisation, in both modes", arguments: [Mode.training, .evaluation])
  func batchNormalization(_ mode: Mode) throws {
    let golden = try Golden("network/layers.safetensors")
    let name = mode == .training ? "batchNormTraining" : "batchNormEvaluation"
    let layer = BatchNormalization(channels: 6)
    layer.weight.value = try golden["\(name).weight"]
    layer.bias.value = try golden["\(name).bias"]
    layer.runningMean.value = try golden["\(name).runningMean"]
    layer.runningVariance.value = try golden["\(name).runningVariance"]
    let (output, cache) = layer.forward(
      try golden.activations("\(name).input"), relu: false, mode: mode, on: execution)
    expect(output, equals: try golden.activations("\(name).output"))
    let gradient = layer.backward(
      try golden.activations("\(name).outputGradient"), cache: cache, on: execution)
    expect(gradient.input, equals: try golden.activations("\(name).inputGradient"))
    expect(layer.weight.gradient, equals: try golden["\(name).weightGradient"])
    expect(layer.bias.gradient, equals: try golden["\(name).biasGradient"])
    if mode == .training {
      expect(layer.runningMean.value, equals: try golden["\(name).runningMeanAfter"])
      expect(layer.runningVariance.value, equals: try golden["\(name).runningVarianceAfter"])
    }
  }

  @Test("Dense layer")
  func dense() throws {
    let golden = try Golden("network/layers.safetensors")
    let layer = Dense(inputChannels: 13, outputChannels: 10)
    layer.weight.value = try golden["linear.weight"]
    layer.bias.value = try golden["linear.bias"]
    let input = try golden["linear.input"].reshaped(to: [7, 1, 1, 13])
    expect(layer.forward(input, on: execution), equals: try golden["linear.output"])
    let gradient = layer.backward(try golden["linear.outputGradient"], input: input, on: execution)
    expect(
      gradient, equals: try golden["linear.inputGradient"].reshaped(to: [7, 1, 1, 13]))
    expect(layer.weight.gradient, equals: try golden["linear.weightGradient"])
    expect(layer.bias.gradient, equals: try golden["linear.biasGradient"])
  }

  @Test("Soft-label cross-entropy, mean over the batch")
  func crossEntropy() throws {
    let golden = try Golden("network/layers.safetensors")
    let logits = try golden["crossEntropy.logits"]
    let targets = try golden["crossEntropy.targets"]
    let losses = CrossEntropy.losses(logits: logits, targets: targets)
    expect(
      try Tensor([losses.reduce(0, +) / 6], shape: [1]), equals: try golden["crossEntropy.loss"])
    expect(
      CrossEntropy.gradient(logits: logits, targets: targets).map { $0 / 6 },
      equals: try golden["crossEntropy.logitsGradient"])
  }

  @Test(
    "Residual blocks in training",
    arguments: [
      ("basicIdentity", ResNet.Architecture.Block.basic, ResNet.Architecture.Shortcut.projection),
      ("basicProjection", .basic, .projection), ("basicPadding", .basic, .parameterFree),
      ("bottleneckIdentity", .bottleneck, .projection),
      ("bottleneckProjection", .bottleneck, .projection),
    ])
  func block(
    _ name: String, _ kind: ResNet.Architecture.Block, _ shortcut: ResNet.Architecture.Shortcut
  ) throws {
    let golden = try Golden("network/blocks.safetensors")
    let input = try golden.activations("\(name).input")
    let output = try golden.activations("\(name).output")
    // A block that changes nothing of the extents is the second of the first stage, any other the first of the second.
    let isIdentity = try golden.number("stride", of: name) == 1 && input.shape == output.shape
    let architecture = ResNet.Architecture(
      imageShape: ImageShape(channels: 3, height: 2 * input.shape[1], width: 2 * input.shape[2]),
      classCount: 2, widths: [input.shape[3], output.shape[3]], blocks: [2, 1], block: kind,
      shortcut: shortcut)
    let state = NetworkState(of: architecture)
    let prefix = isIdentity ? "layer1.1." : "layer2.0."
    func inner(_ path: String) -> Substring? {
      path.hasPrefix(prefix) ? path.dropFirst(prefix.count) : nil
    }
    var tensors = state.tensors
    for path in tensors.keys {
      if let inner = inner(path) { tensors[path] = try golden["\(name).\(inner)"] }
    }
    try state.load(tensors)
    var builder = ResidualLayers(
      architecture, state,
      imageShape: ImageShape(
        channels: input.shape[3], height: input.shape[1], width: input.shape[2]))
    _ = builder.block(isIdentity ? 0 : 1, isIdentity ? 1 : 0, of: 0)
    let block = builder.layers
    let (found, cache) = block.forward(input, mode: .training, on: execution)
    expect(found, equals: output)
    let gradient = try #require(
      block.backward(
        golden.activations("\(name).outputGradient"), cache: cache, wantsInputGradient: true,
        on: execution))
    expect(gradient, equals: try golden.activations("\(name).inputGradient"))
    for (path, parameter) in state.parameters {
      guard let inner = inner(path) else { continue }
      expect(parameter.gradient, equals: try golden["\(name).gradient.\(inner)"])
    }
    for (path, buffer) in state.buffers {
      guard let inner = inner(path) else { continue }
      expect(buffer.value, equals: try golden["\(name).after.\(inner)"])
    }
  }

  static let networks: [(String, ResNet.Architecture)] = [
    ("resNet8Digits", .resNet8(ResNetTests.digits)), ("resNet8", .resNet8(ResNetTests.cifar)),
    ("resNet20", .resNet20(ResNetTests.cifar)),
    ("resNet18CIFAR", .resNet18CIFAR(ResNetTests.cifar)),
    ("resNet50CIFAR", .resNet50CIFAR(ResNetTests.cifar)),
  ]

  @Test(
    "Whole networks in evaluation: logits, classes and input gradients, through the plan",
    arguments: networks)
  func network(_ name: String, _ architecture: ResNet.Architecture) throws {
    let golden = try Golden("network/networks.safetensors")
    let network = ResNet(architecture)
    var weights = GoldenWeights()
    try network.state.load(weights.tensors(for: network.state))
    let images = try Pixels(try golden["\(name).input"])
    let targets = try golden["\(name).targets"]
    let expected = try golden["\(name).logits"]
    let identity = try Normalization(
      mean: Array(repeating: 0, count: images.imageShape.channels),
      standardDeviation: Array(repeating: 1, count: images.imageShape.channels))
    for kernels in KernelSet.available where kernels != .reference || architecture.widths[0] < 64 {
      let classifier = NetworkClassifier(
        InferencePlan(network.graph, normalization: identity, kernels: kernels))
      let (logits, gradient) = try classifier.logitsAndGradient(
        of: images,
        draws: Draws(seed: 0, purpose: .test, examples: Array(0..<images.count))
      ) { CrossEntropy.gradient(logits: $0, targets: targets) }
      expect(logits, equals: expected, within: networkTolerance)
      #expect(try argmax(rowsOf: logits) == argmax(rowsOf: expected))
      // A ReLU whose input is within rounding of zero may take the other side and so change its
      // share of the gradient. The digits' network has none near zero; the large ones have a few,
      // and PyTorch's own Float32 gradient differs by half a percent in norm.
      let golden = try golden["\(name).inputGradient"]
      let difference = zip(gradient, golden, -)
      #expect(
        norm(difference) <= (name == "resNet8Digits" ? 1e-5 : 3e-2) * norm(golden), "\(kernels)")
    }
  }

  @Test("Three steps of SGD with momentum and weight decay: losses and all tensors")
  func training() throws {
    let golden = try Golden("network/training.safetensors")
    let network = ResNet(.resNet8(ResNetTests.digits))
    var weights = GoldenWeights()
    var tensors = weights.tensors(for: network.state)
    for (path, buffer) in network.state.buffers { tensors[path] = buffer.value }
    try network.state.load(tensors)
    let images = try golden.activations("input")
    let targets = try golden["targets"]
    var optimiser = StochasticGradientDescent(momentum: 0.9, weightDecay: 5e-4)
    var losses: [Float] = []
    for _ in 0..<3 {
      losses.append(
        train(network, images, targets, &optimiser, learningRate: 0.1, on: execution).loss)
    }
    // Three steps at a learning rate of 0.1 amplify the rounding of the first.
    expect(try Tensor(losses, shape: [3]), equals: try golden["loss"], within: 1e-3)
    for (path, tensor) in network.state.tensors {
      expect(tensor, equals: try golden["after.\(path)"], within: 1e-3)
    }
  }

  // How far from PyTorch a step may be: loss, logits and updates of running statistics; updates of
  // parameters, in norm, by direct kernels; and by Winograd's algorithm. fixtures/README.md has the
  // errors in the worst tensor of PyTorch in Float32 and of noise that stands for Winograd's error.
  // Forwards the tolerance is twice the noise's. As filled, some of the 3 million ReLU inputs are
  // nearer to zero than rounding and thousands than the noise; they change sides, and the gradient
  // is off by about the square root of their share: 1.8 % and 10 %. The tolerances are twice the
  // one, since other roundings flip others, and one and a half times the other, since a sketch
  // knows a norm to 9 %. With the biases shifted no ReLU changes sides, and 0.06 % remains of the
  // noise. Rounding alone comes to half of that, by either algorithm: there activations are near
  // 6, with a spread of about 1, and sums of them with gradients that add up to zero lose a digit.
  static let steps: [(String, Double, Double, Double)] = [
    ("filled", 1e-3, 4e-2, 0.15), ("shifted", 7e-5, 9e-4, 9e-4),
  ]

  @Test(
    "One step of SGD on ResNet-50: loss, logits, the update of every parameter and statistic",
    arguments: steps)
  func step(_ name: String, _ forward: Double, _ direct: Double, _ winograd: Double) throws {
    let golden = try Golden("network/step.safetensors")
    let network = ResNet(.resNet50CIFAR(ResNetTests.cifar))
    var weights = GoldenWeights()
    var old = weights.tensors(for: network.state)
    if name == "shifted" { Self.shiftBiases(&old) }
    let images = try golden.activations("\(name).input")
    let targets = try golden["\(name).targets"]
    for kernels in KernelSet.available where kernels != .reference {
      let execution = Execution(kernels: kernels, workers: execution.workers)
      try network.state.load(old)
      var optimiser = StochasticGradientDescent(momentum: 0.9, weightDecay: 5e-4)
      let (loss, logits) = train(
        network, images, targets, &optimiser, learningRate: 1, on: execution)
      expect(
        try Tensor([loss], shape: [1]), equals: try golden["\(name).loss"], within: forward)
      expect(logits, equals: try golden["\(name).logits"], within: forward)
      let parameters = Set(network.state.parameters.map(\.path))
      var wrong: [String] = []
      for (path, tensor) in network.state.tensors.sorted(by: { $0.key < $1.key }) {
        // The update, since an error in it may be small beside the tensor itself.
        let update = goldenSketch(of: zip(tensor, try #require(old[path]), -))
        let expected = try golden["\(name).update.\(path)"]
        let error = norm(zip(update, expected, -)) / norm(expected)
        let backward = kernels == .openBLAS ? direct : winograd
        let tolerance = parameters.contains(path) ? backward : forward
        if !(error <= tolerance) { wrong.append("\(path): \(error)") }
      }
      #expect(wrong == [], "\(kernels)")
    }
  }

  /// `shift` of fixtures/network/make.py.
  private static func shiftBiases(_ tensors: inout [String: Tensor]) {
    for (path, bias) in tensors {
      if path.hasSuffix("bn1.bias") || path.hasSuffix("bn2.bias") {
        tensors[path] = bias.map { $0 + ($0 < 0 ? -6 : 6) }
      } else if path.hasSuffix("bn3.bias") || path.hasSuffix("downsample.1.bias") {
        tensors[path] = bias.map { $0 + 6 }
      }
    }
  }

  /// One step of training, as `Trainer` takes it; loss and logits are those before it.
  private func train(
    _ network: ResNet, _ images: Tensor, _ targets: Tensor,
    _ optimiser: inout StochasticGradientDescent, learningRate: Float, on execution: Execution
  ) -> (loss: Float, logits: Tensor) {
    let count = Float(images.shape[0])
    let (logits, cache) = network.forward(images, mode: .training, on: execution)
    let loss = CrossEntropy.losses(logits: logits, targets: targets).reduce(0, +) / count
    network.backward(
      CrossEntropy.gradient(logits: logits, targets: targets).map { $0 / count }, cache: cache,
      on: execution)
    optimiser.step(network.state.parameters.map(\.parameter), learningRate: learningRate)
    return (loss, logits)
  }

  private func norm(_ tensor: Tensor) -> Double {
    tensor.values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  /// The largest difference is at most `tolerance` of the largest golden value.
  private func expect(
    _ found: Tensor, equals golden: Tensor, within tolerance: Double = layerTolerance,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(distance(found, from: golden) <= tolerance, sourceLocation: sourceLocation)
  }
}
