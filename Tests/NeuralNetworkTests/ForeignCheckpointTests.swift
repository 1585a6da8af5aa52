import Classification
import Foundation
import NeuralNetwork
import TestSupport
import Testing

@Suite("Checkpoints of other people's code")
struct ForeignCheckpointTests {
  private static let styles = ["official", "torchvision", "kuangliu", "akamaster", "wide"]
  private static let identity = try? Normalization(
    mean: [0, 0, 0], standardDeviation: [1, 1, 1])

  private func bytes(_ style: String) throws -> Data {
    try Fixtures.data("checkpoints/\(style).safetensors")
  }

  /// Normalised unless the file says how.
  private func checkpoint(_ style: String) throws -> Checkpoint {
    try Checkpoint(
      bytes(style), normalization: style == "akamaster" ? nil : Self.identity,
      readings: ["stem-pooling": "none"])
  }

  // PyTorch's float64 on the same weights; Float32 through a dozen layers is off by a few 10⁻⁷ of
  // the largest logit. F64 weights are rounded, which is another 6·10⁻⁸ of each.
  @Test("A network of each style has the logits that PyTorch computes with it", arguments: styles)
  func logits(_ style: String) throws {
    let expected = try Golden("checkpoints/expected.safetensors")
    let checkpoint = try checkpoint(style)
    let classifier = try NetworkClassifier(InferencePlan(checkpoint))
    let images = try Pixels(try expected["\(style).images"])
    let logits = try classifier.logits(
      of: images,
      draws: Draws(seed: 0, purpose: .test, examples: Array(0..<images.count)))
    let golden = try expected["\(style).logits"]
    #expect(logits.shape == golden.shape)
    let scale = golden.values.map(abs).reduce(0, max)
    for (found, value) in zip(logits.values, golden.values) {
      #expect(abs(found - value) <= 1e-5 * scale)
    }
  }

  @Test("The networks are recognised for what they are")
  func architectures() throws {
    func architecture(_ style: String) throws -> ResNet.Architecture {
      try checkpoint(style).architecture
    }
    #expect(
      try architecture("official")
        == ResNet.Architecture(
          imageShape: ResNetTests.cifar, classCount: 10, stemKernel: 5, widths: [4, 6, 8],
          blocks: [2, 1, 1], block: .bottleneck))
    #expect(
      try architecture("torchvision")
        == ResNet.Architecture(
          imageShape: ResNetTests.cifar, classCount: 7, widths: [4, 4, 6, 8], blocks: [1, 2, 1, 1]))
    #expect(
      try architecture("kuangliu")
        == ResNet.Architecture(
          imageShape: ResNetTests.cifar, classCount: 10, widths: [4, 6, 8, 10],
          blocks: [2, 1, 1, 1]))
    #expect(
      try architecture("akamaster")
        == ResNet.Architecture(
          imageShape: ResNetTests.cifar, classCount: 10, widths: [4, 8, 16], blocks: [2, 1, 1],
          shortcut: .parameterFree))
    #expect(
      try architecture("wide")
        == ResNet.Architecture(
          imageShape: ResNetTests.cifar, classCount: 10, stemWidth: 4, widths: [6, 8, 10],
          blocks: [2, 1, 2], block: .preActivation))
  }

  @Test("What was written in another's names comes back, under every naming")
  func everyNaming() throws {
    // Names and shapes of pre-activation networks fit several functions, which `NetworkFamilyTests` tries.
    for architecture in ResNetTests.architectures where !architecture.block.isPreActivation {
      let network = ResNet(architecture)
      network.initialize(seed: 8)
      let own = network.state.tensors
      let shape = architecture.imageShape
      for (style, naming) in StateNaming.styles {
        for prefix in ["", "module."] {
          let tensors = architecture.renamed(own, naming.behind(prefix))
          // Where there is no projection, all names but these are those of padding behind.
          var readings = ["stem-pooling": "none"]
          if architecture.shortcut == .parameterFree { readings["shortcut-padding"] = "both-sides" }
          let read = try Checkpoint(
            Safetensors(tensors: tensors).encoded(),
            normalization: .plusMinusOne(channels: shape.channels), readings: readings,
            extents: (shape.height, shape.width))
          #expect(read.architecture == architecture && read.tensors == own, "\(style)")
          let again = try Checkpoint(read.encoded())
          #expect(again.architecture == architecture && again.tensors == own)
        }
      }
    }
  }

  @Test(
    "A wide network is read under any prefix, without the part that is registered and never used")
  func wide() throws {
    let raw = try Safetensors(bytes("wide"))
    for prefix in ["", "module.", "_orig_mod.module."] {
      var tensors: [String: Tensor] = [:]
      for (name, tensor) in raw.tensors { tensors[prefix + name] = tensor }
      let file = try CheckpointFile(
        Safetensors(tensors: tensors).encoded(), normalization: Self.identity)
      #expect(file.recognized?.family.title == "WideResNet of TRADES and RobustBench")
      #expect(file.recognized?.naming.prefix == prefix)
      let unused = raw.tensors.keys.filter {
        $0.hasPrefix("sub_block1.") || $0.hasSuffix("num_batches_tracked")
      }
      #expect(Set(file.unneeded) == Set(unused.map { prefix + $0 }))
      #expect(file.warnings().isEmpty)
      #expect(try file.checkpoint().tensors == checkpoint("wide").tensors)
    }
    let again = try Checkpoint(try checkpoint("wide").encoded())
    #expect(try again.architecture == checkpoint("wide").architecture)
    #expect(try again.network().state.tensors == checkpoint("wide").tensors)
  }

  @Test(
    "A wide network with tensors that TRADES' code has not is another function, and refused by name"
  )
  func otherWide() throws {
    // OpenMixup and TorchSSL have these names too, with biases of all convolutions.
    let error = try #require(
      try failure("wide", as: StateError.self) {
        $0["block1.layer.0.conv1.bias"] = Tensor(shape: [6])
      })
    #expect(error.description.contains("block1.layer.0.conv1.bias"))
    let missing = try #require(
      try failure("wide", as: StateError.self) { $0["block3.layer.0.convShortcut.weight"] = nil })
    #expect(missing.description.contains("block3.layer.0.convShortcut.weight"))
    let (post, pre) = ("post-activation", "pre-activation")
    #expect(throws: ReadingError.ruledOut("block-order", post, [pre])) {
      try CheckpointFile(
        bytes("wide"), normalization: Self.identity, answers: [.blockOrder: post])
    }
    #expect(throws: ReadingError.ruledOut("block-order", pre, [post])) {
      try CheckpointFile(
        bytes("kuangliu"), normalization: Self.identity, answers: [.blockOrder: pre])
    }
  }

  @Test("The file's own normalisation counts, and one is needed")
  func normalization() throws {
    let converted = try Checkpoint(bytes("akamaster"))
    #expect(converted.normalization.mean == [0.4914, 0.4822, 0.4465])
    #expect(converted.normalization.standardDeviation == [0.2470, 0.2435, 0.2616])
    #expect(throws: CheckpointError.self) {
      try Checkpoint(bytes("akamaster"), normalization: Self.identity)
    }
    let given = try Normalization(mean: [0.1, 0.2, 0.3], standardDeviation: [1, 0.5, 0.25])
    #expect(try Checkpoint(bytes("kuangliu"), normalization: given).normalization == given)
    let file = try bytes("kuangliu")
    #expect(throws: CheckpointError.noNormalization) { try Checkpoint(file) }
    #expect(throws: CheckpointError.channels(1, of: 3)) {
      try Checkpoint(file, normalization: .plusMinusOne(channels: 1))
    }
  }

  private func failure<E: Error>(
    _ style: String, as type: E.Type, _ change: (inout [String: Tensor]) -> Void
  ) throws -> E? {
    var file = try Safetensors(bytes(style))
    change(&file.tensors)
    let changed = try file.encoded()
    return #expect(throws: type) {
      try Checkpoint(
        changed, normalization: style == "akamaster" ? nil : Self.identity,
        readings: ["stem-pooling": "none"])
    }
  }

  @Test("One error lists every tensor that does not fit, under the names of the file")
  func listsEverything() throws {
    let error = try failure("akamaster", as: StateError.self) { tensors in
      tensors["module.bn1.bias"] = nil
      tensors["module.layer2.0.bn2.running_var"] = Tensor(shape: [7])
      tensors["module.linear.bias"]?[2] = .nan
      tensors["module.layer3.0.conv9.weight"] = Tensor(shape: [1])
      tensors["module.head.weight"] = Tensor(shape: [1])
    }
    #expect(
      error?.problems == [
        "module.bn1.bias is missing",
        "module.layer2.0.bn2.running_var has shape [7], not [8]",
        "module.linear.bias holds a value that is not finite",
        "module.head.weight is not part of the network",
        "module.layer3.0.conv9.weight is not part of the network",
      ])
  }

  @Test("A name without the prefix that all others have is told, and what it leaves missing")
  func mixedPrefixes() throws {
    let error = try failure("torchvision", as: StateError.self) { tensors in
      for (name, tensor) in tensors where name != "bn1.bias" {
        tensors[name] = nil
        tensors["module." + name] = tensor
      }
    }
    #expect(
      error?.problems == ["module.bn1.bias is missing", "bn1.bias is not part of the network"])
  }

  @Test("A projection that only some stages have is missing in the others")
  func mixedShortcuts() throws {
    let error = try failure("kuangliu", as: StateError.self) { tensors in
      for name in tensors.keys where name.hasPrefix("layer3.0.shortcut.") { tensors[name] = nil }
    }
    #expect(error?.problems.count == 5)
    #expect(error?.problems.allSatisfy { $0.hasPrefix("layer3.0.shortcut.") } == true)
  }

  // Its normalisations stand in front of the convolutions and so have the width of the block's
  // input, and its shortcuts have none; but the one behind the last block is as wide as the stem.
  @Test("A network of which one half is pre-activation and the other is not is refused")
  func preActivation() throws {
    let error = try failure("kuangliu", as: StateError.self) { tensors in
      for (stage, width) in [(2, 4), (3, 6), (4, 8)] {
        for part in ["weight", "bias", "running_mean", "running_var"] {
          tensors["layer\(stage).0.bn1.\(part)"] = Tensor(shape: [width])
          tensors["layer\(stage).0.shortcut.1.\(part)"] = nil
        }
      }
    }
    #expect(
      error?.problems
        == ["bias", "running_mean", "running_var", "weight"].map {
          "bn1.\($0) has shape [4], not [10]"
        })
  }

  @Test("Networks that are not of this kind are refused with the reason")
  func otherNetworks() throws {
    func failure(_ change: (inout [String: Tensor]) -> Void) throws -> RecognitionError? {
      try self.failure("torchvision", as: RecognitionError.self, change)
    }
    #expect(
      try failure {
        $0["head.weight"] = $0["fc.weight"]
        $0["fc.weight"] = nil
      } == .noDenseLayer(found: ["head.weight"]))
    #expect(try failure { $0 = [:] } == .noDenseLayer(found: []))
    #expect(try failure { $0["conv1.weight"] = nil } == .missing("conv1.weight"))
    #expect(
      try failure { $0["conv1.weight"] = Tensor(shape: [4, 3]) } == .rank("conv1.weight", [4, 3]))
    #expect(
      try failure { $0["conv1.weight"] = Tensor(shape: [4, 3, 7, 7]) } == .largeImages(kernel: 7))
    #expect(
      try failure { $0["layer1.0.conv1.weight"] = nil } == .missing("layer1.0.conv1.weight"))
    #expect(
      try failure { $0["layer1.0.conv3.weight"] = Tensor(shape: [6, 4, 1, 1]) }
        == .expansion(6, of: 4))
    for shape in [[4, 3, 2, 2], [4, 0, 3, 3], [4, 3, 0, 0]] {
      #expect(try failure { $0["conv1.weight"] = Tensor(shape: shape) } == .impossible)
    }
  }

  @Test("Every reason is one line")
  func descriptions() {
    let errors: [RecognitionError] = [
      .noDenseLayer(found: []), .missing("x"), .rank("x", [1]), .largeImages(kernel: 7),
      .expansion(4, of: 1),
      .noFamily("x"), .impossible,
    ]
    #expect(Set(errors.map(\.description)).count == errors.count)
    for error in errors {
      #expect(!error.description.contains("\n") && error.description.count > 20)
    }
  }
}
