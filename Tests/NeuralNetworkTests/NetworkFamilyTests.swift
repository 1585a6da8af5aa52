import Classification
import Foundation
import Kernels
import NeuralNetwork
import PropertyChecks
import PropertyTesting
import TestSupport
import Testing

@Suite("Families of networks by their state dicts")
struct NetworkFamilyTests {
  private static let identity = try? Normalization(
    mean: [0, 0, 0], standardDeviation: [1, 1, 1])
  private static let extents = (height: 16, width: 16)

  /// A function of fixtures/checkpoints/families.py: a file, and how it is read.
  struct Function: Sendable, CustomTestStringConvertible {
    var family: String
    var readings: [String: String]
    var key: String

    var testDescription: String { key }

    static let all: [Function] = {
      let names = (try? Golden("checkpoints/families.safetensors"))?.tensors.keys.sorted() ?? []
      return names.filter { $0.hasSuffix("|logits") }.map { name in
        let parts = name.split(separator: "|", omittingEmptySubsequences: false)
        var readings: [String: String] = [:]
        for pair in parts[1].split(separator: ",") {
          let words = pair.split(separator: "=")
          readings[String(words[0])] = String(words[1])
        }
        return Function(
          family: String(parts[0]), readings: readings, key: "\(parts[0])|\(parts[1])")
      }
    }()
  }

  private func bytes(_ family: String) throws -> Data {
    try Fixtures.data("checkpoints/\(family).safetensors")
  }

  private func checkpoint(_ data: Data, _ readings: [String: String]) throws -> Checkpoint {
    try Checkpoint(
      data, normalization: Self.identity, readings: readings, extents: Self.extents)
  }

  private func logitsAndGradient(
    _ checkpoint: Checkpoint, _ images: Tensor, weights: Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    let classifier = try NetworkClassifier(InferencePlan(checkpoint))
    return try classifier.logitsAndGradient(
      of: Pixels(images),
      draws: Draws(seed: 0, purpose: .test, examples: Array(0..<images.shape[0]))
    ) { _ in weights }
  }

  // PyTorch's float64 on the same weights; Float32 through a dozen layers is off by a few 10⁻⁷ of the largest. No
  // input of a ReLU of these networks is so near to 0 that rounding would change its side.
  @Test(
    "Every function of every family has PyTorch's logits and input gradient",
    arguments: Function.all)
  func golden(_ function: Function) throws {
    let golden = try Golden("checkpoints/families.safetensors")
    let found = try logitsAndGradient(
      checkpoint(bytes(function.family), function.readings), golden["\(function.family)|images"],
      weights: golden["\(function.family)|weights"])
    #expect(distance(found.logits, from: try golden["\(function.key)|logits"]) < 1e-5)
    #expect(distance(found.gradient, from: try golden["\(function.key)|gradient"]) < 1e-5)
  }

  // PyTorch's float64 on the same weights, of which its float32 is off by up to 2.5·10⁻⁵ in the same measure: of the
  // norm of a tensor or, as the gradient of a bias before a normalisation is 0 but for rounding, of a hundredth of the
  // largest norm. Four times that is allowed, as Winograd's algorithm rounds more.
  @Test(
    "Every function of every family is trained as by PyTorch: logits, gradients, running statistics",
    arguments: Function.all)
  func training(_ function: Function) throws {
    let golden = try Golden("checkpoints/families.safetensors")
    let file = try CheckpointFile(
      bytes(function.family), normalization: Self.identity,
      answers: Reading.answers(function.readings), extents: Self.extents)
    let naming = try #require(file.recognized?.naming)
    let checkpoint = try file.checkpoint()
    let images = try golden.activations("\(function.family)|images")
    func expected(_ name: String) throws -> Tensor {
      try golden["\(function.key)|training.\(name)"]
    }
    for kernels in KernelSet.available {
      let execution = Execution(kernels: kernels, workers: WorkerPool(threadCount: 1))
      let network = try checkpoint.network()
      let (logits, cache) = network.forward(images, mode: .training, on: execution)
      network.backward(try golden["\(function.family)|weights"], cache: cache, on: execution)
      #expect(distance(logits, from: try expected("logits")) < 1e-4)
      var pairs: [(name: String, found: Tensor, expected: Tensor)] = []
      let parameters = Dictionary(
        uniqueKeysWithValues: network.state.parameters.map { ($0.path, $0.parameter.gradient) })
      let tensors = network.state.tensors
      let own = StateNaming.own(checkpoint.architecture.block)
      let isBothRaw = function.readings["shortcut"] == "both-raw-later"
      for tensor in checkpoint.architecture.stateTensors {
        // PyTorch's code runs the first normalisation of these blocks and throws away what it makes.
        if isBothRaw, tensor.part.hasPrefix("running_"),
          case .normalization(1..., 0, 0) = tensor.place
        {
          continue
        }
        let (name, path) = (tensor.path(naming), tensor.path(own))
        let change = try zip(
          #require(tensors[path]), #require(checkpoint.tensors[path]), -)
        pairs.append((name, goldenSketch(of: parameters[path] ?? change), try expected(name)))
      }
      let least = pairs.map { norm($0.expected) }.reduce(0, max) / 100
      for (name, found, expected) in pairs {
        let error = norm(zip(found, expected, -)) / max(norm(expected), least)
        #expect(error < 1e-4, "\(name), \(kernels)")
      }
    }
  }

  private func norm(_ tensor: Tensor) -> Double {
    tensor.values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  @Test("Where one file is of several functions none is taken until one is chosen")
  func undecided() throws {
    #expect(Function.all.count == 17)
    for (family, functions) in Dictionary(grouping: Function.all, by: \.family) {
      let file = try CheckpointFile(
        bytes(family), normalization: Self.identity, extents: Self.extents)
      let open = file.readings.filter { $0.answer == nil }
      guard functions.count > 1 else {
        #expect(open.isEmpty && file.identity != nil && file.warnings().isEmpty, "\(family)")
        continue
      }
      #expect(file.identity == nil && open.count == 1, "\(family)")
      let question = try #require(open.first)
      // Those of the fixture, and no others.
      #expect(
        Set(functions.map { $0.readings[question.question.rawValue] })
          == Set(question.published.map { $0 }), "\(family)")
      let error = try #require(
        #expect(throws: CheckpointError.self) { try checkpoint(bytes(family), [:]) })
      for function in functions {
        for (name, value) in function.readings {
          #expect(error.description.contains("--reading \(name)=\(value) ("))
        }
      }
    }
  }

  @Test("What is read is written with a version, and read again as the same function")
  func written() throws {
    let golden = try Golden("checkpoints/families.safetensors")
    for function in Function.all {
      let read = try checkpoint(bytes(function.family), function.readings)
      let again = try Checkpoint(read.encoded())
      #expect(again.architecture == read.architecture && again.tensors == read.tensors)
      let weights = try golden["\(function.family)|weights"]
      let images = try golden["\(function.family)|images"]
      let (first, second) = (
        try logitsAndGradient(read, images, weights: weights),
        try logitsAndGradient(again, images, weights: weights)
      )
      #expect(first.logits == second.logits && first.gradient == second.gradient)
      let text = try #require(Safetensors(try read.encoded()).metadata["architecture"])
      #expect(text.contains("\"version\":2") == (read.architecture.details != .init()))
    }
    // A version that is not known is not taken for one that is.
    let read = try checkpoint(bytes("bottleneck"), [:])
    var file = try Safetensors(read.encoded())
    for (part, other) in [
      ("\"version\":2", "\"version\":3"), ("\"expansion\":\"4\"", "\"expansion\":\"04\""),
      ("\"expansion\":\"4\"", "\"expansions\":\"4\""),
      ("\"expansion\":\"4\"", "\"expansion\":\"9\""),
    ] {
      let text = try #require(Safetensors(try read.encoded()).metadata["architecture"])
      #expect(text.contains(part))
      file.metadata["architecture"] = text.replacing(part, with: other)
      #expect(throws: CheckpointError.self) { try Checkpoint(file.encoded()) }
    }
  }

  private struct Published: Decodable {
    var style: String
    var name: String
    var parameters: Int
    var shapes: [String: [Int]]
  }

  @Test(
    "Networks of the published sizes: every name, every shape, the number of parameters",
    arguments: [("names", 12), ("families", 9)])
  func published(_ file: String, _ count: Int) throws {
    let networks = try JSONDecoder().decode(
      [Published].self, from: Fixtures.data("checkpoints/\(file).json"))
    #expect(networks.count == count)
    for network in networks {
      let found = try RecognizedNetwork(network.shapes, height: 32, width: 32)
      // The official code counts three layers that its network has not.
      let layers =
        network.style == "official" ? "47" : String(network.name.split(separator: "-")[1])
      #expect(
        found.architecture.description.contains(" of \(layers) layers: "), "\(network.name)")
      #expect(found.architecture.parameterCount == network.parameters, "\(network.name)")
      let foreign = network.shapes.filter { !$0.key.hasSuffix("num_batches_tracked") }
      #expect(
        found.architecture.stateShapes(found.naming) == foreign, "\(network.style) \(network.name)")
    }
  }

  @Test("Words of names are matched by themselves, whichever stand together")
  func words() async throws {
    let architecture = ResNet.Architecture(
      imageShape: ImageShape(channels: 3, height: 16, width: 16), classCount: 4, widths: [2, 3],
      blocks: [2, 1])
    let network = ResNet(architecture)
    network.initialize(seed: 3)
    let own = network.state.tensors
    await check(
      "any word for a layer goes with any other",
      .element(of: ["conv1", "conv", "conv_1"]), .element(of: ["bn1", "bn", "bn_1"]),
      .element(of: ["layer1", "layer_1", "stage1", "stage_1", "conv_1"]),
      .element(of: ["downsample.0", "shortcut.0"]),
      .element(of: ["fc_dense", "fc", "linear", "logits", "classifier"]),
      .array(
        of: .element(of: ["module", "_orig_mod", "model", "net", "backbone", "1", "0"]),
        count: 0...4)
    ) {
      (
        stem: String, outer: String, stage: String, projection: String, dense: String,
        prefix: [String]
      ) in
      var naming = StateNaming.postActivation.behind(prefix.map { $0 + "." }.joined())
      (naming.stem, naming.outerNormalization) = (stem, outer)
      (naming.stage, naming.projection) = (StateNaming.Word(stringLiteral: stage), projection)
      naming.dense = dense
      let read = try Checkpoint(
        Safetensors(tensors: architecture.renamed(own, naming)).encoded(),
        normalization: Self.identity, readings: ["stem-pooling": "none"], extents: Self.extents)
      #expect(read.architecture == architecture && read.tensors == own)
    }
  }

  @Test(
    "A tensor that nothing explains refuses the file of every family, and so does a missing one"
  )
  func unexplained() throws {
    for function in Dictionary(grouping: Function.all, by: \.family).values.compactMap(\.first) {
      let original = try Safetensors(bytes(function.family))
      for name in original.tensors.keys.sorted() where !name.hasSuffix("num_batches_tracked") {
        var file = original
        file.tensors[name] = nil
        #expect(throws: (any Error).self, "\(function.key) without \(name)") {
          try checkpoint(file.encoded(), function.readings)
        }
      }
      // A PreActResNet without its last normalisation is another one; every other network is without it none.
      let outer = original.tensors.keys.filter { name in
        name.hasPrefix("bn1.") || name.hasPrefix("batchnorm.")
      }.filter { !$0.hasSuffix("num_batches_tracked") }
      if !outer.isEmpty {
        var file = original
        for name in outer { file.tensors[name] = nil }
        let error = #expect(throws: StateError.self, "\(function.key)") {
          try checkpoint(file.encoded(), function.readings)
        }
        #expect(error?.problems.count == 4)
      }
      for name in ["clip", "layer1.0.alpha", "block1.layer.0.scale.weight", "attn.bn1.weight"] {
        var file = original
        file.tensors[name] = Tensor(shape: [2])
        let error = #expect(throws: StateError.self) {
          try checkpoint(file.encoded(), function.readings)
        }
        #expect(error?.problems == ["\(name) is not part of the network"])
      }
    }
  }

  @Test("A network that is held twice is read once, if both are the same")
  func copies() throws {
    let raw = try Safetensors(bytes("bottleneck"))
    var file = raw
    file.tensors = [:]
    for (name, tensor) in raw.tensors {
      file.tensors["module.model." + name] = tensor
      file.tensors["module.attacker.model." + name] = tensor
    }
    for (name, values) in [("new_mean", [0.5, 0.25, 0.125]), ("new_std", [0.5, 0.5, 0.25])]
      as [(String, [Float])]
    {
      for part in ["module.normalizer.", "module.attacker.normalize."] {
        file.tensors[part + name] = Tensor(reshaping: Tensor(vector: values), to: [3, 1, 1])
      }
    }
    let found = try CheckpointFile(file.encoded(), extents: Self.extents)
    #expect(found.scaling?.normalization.mean == [0.5, 0.25, 0.125])
    #expect(found.recognized?.naming.prefix == "module.model.")
    let expected = try checkpoint(bytes("bottleneck"), [:]).tensors
    #expect(try found.checkpoint().tensors == expected)
    let name = "module.attacker.model.layer1.0.bn2.bias"
    file.tensors[name]?[0] += 1
    let error = #expect(throws: StateError.self) {
      try CheckpointFile(file.encoded(), extents: Self.extents)
    }
    #expect(error?.problems.contains("\(name) is not part of the network") == true)
  }

  // With a search of all prefixes for each of them it would take minutes.
  @Test("A file with a network's first name under many prefixes is refused by its tensors")
  func manyPrefixes() throws {
    var file = try Safetensors(bytes("bottleneck"))
    for number in 0..<20_000 {
      file.tensors["a\(number).layer1.0.conv1.weight"] = Tensor(shape: [0])
    }
    let error = #expect(throws: StateError.self) { try checkpoint(file.encoded(), [:]) }
    #expect(error?.problems.count == 20_000)
  }

  @Test("OpenMixup's names for the body and the dense layer")
  func bodyAndHead() throws {
    let raw = try Safetensors(bytes("semi-supervised"))
    for prefix in ["", "module."] {
      var file = raw
      file.tensors = [:]
      for (name, tensor) in raw.tensors {
        file.tensors[prefix + (name.hasPrefix("fc.") ? "head." : "backbone.") + name] = tensor
      }
      let read = try checkpoint(file.encoded(), ["shortcut": "raw-later"])
      let plain = try checkpoint(bytes("semi-supervised"), ["shortcut": "raw-later"])
      #expect(read.architecture == plain.architecture && read.tensors == plain.tensors)
    }
  }

  @Test("Padding on one side alone needs extents that can be halved, and says so instead of ending")
  func oddExtents() throws {
    #expect(throws: RecognitionError.impossible) {
      try Checkpoint(
        bytes("deepmind-wide"), normalization: Self.identity, readings: ["activation": "silu"],
        extents: (18, 16))
    }
  }
}
