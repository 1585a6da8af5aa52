import CAllocations
import Classification
import Foundation
import NeuralNetwork
import TestSupport
import Testing

@Suite("Checkpoints")
struct CheckpointTests {
  private func network(seed: UInt64 = 3) -> ResNet {
    let network = ResNet(.resNet8(ResNetTests.digits))
    network.initialize(seed: seed)
    return network
  }

  private func checkpoint(notes: [String: String] = ["recipe": "{\"seed\":3}"]) -> Checkpoint {
    Checkpoint(network(), normalization: .plusMinusOne(channels: 1), notes: notes)
  }

  /// A file with this text about the network, and the tensors of a ResNet-8.
  private func file(
    architecture: String? = nil, normalization: String? = nil,
    tensors: [String: Tensor]? = nil
  ) throws -> Data {
    var file = try Safetensors(checkpoint().encoded())
    if let architecture { file.metadata["architecture"] = architecture }
    if let normalization { file.metadata["normalization"] = normalization }
    if let tensors { file.tensors = tensors }
    return try file.encoded()
  }

  private func json(_ change: (inout ResNet.Architecture) -> Void) throws -> String {
    var architecture = ResNet.Architecture.resNet8(ResNetTests.digits)
    change(&architecture)
    return String(decoding: try JSONEncoder().encode(architecture), as: UTF8.self)
  }

  @Test("Reading what was written gives the same network, scale and notes")
  func roundTrip() throws {
    let original = checkpoint()
    let read = try Checkpoint(original.encoded())
    #expect(read.architecture == original.architecture)
    #expect(read.normalization == original.normalization)
    #expect(read.notes == original.notes)
    #expect(read.tensors == original.tensors)
    #expect(try read.network().state.tensors == network().state.tensors)
  }

  @Test("Equal checkpoints give equal bytes, and another weight gives others")
  func equalBytes() throws {
    let notes = Dictionary(uniqueKeysWithValues: (0..<20).map { ("note \($0)", "\($0)") })
    let bytes = try checkpoint(notes: notes).encoded()
    #expect(try checkpoint(notes: notes).encoded() == bytes)
    #expect(try Checkpoint(bytes).encoded() == bytes)
    var other = checkpoint(notes: notes)
    other.tensors["fc_dense.bias"]?[0] += 1
    #expect(try other.encoded() != bytes)
  }

  @Test("One error lists every tensor that is missing, foreign, of another shape or not finite")
  func listsEverything() throws {
    var tensors = checkpoint().tensors
    tensors["conv1.weight"] = nil
    tensors["fc_dense.bias"] = nil
    tensors["bn1.weight"] = Tensor(shape: [17])
    tensors["bn1.bias"]?[3] = .nan
    tensors["layer1.0.bn1.running_mean"]?[0] = -.infinity
    tensors["bn1.running_var"]?[15] = -0x1p-20
    tensors["head.weight"] = Tensor(shape: [1])
    tensors["bn1.num_batches_tracked"] = Tensor(shape: [])
    let bytes = try file(tensors: tensors)
    let error = #expect(throws: StateError.self) { try Checkpoint(bytes) }
    #expect(
      error?.problems == [
        "bn1.bias holds a value that is not finite",
        "bn1.running_var holds a variance below zero",
        "bn1.weight has shape [17], not [16]",
        "conv1.weight is missing",
        "fc_dense.bias is missing",
        "layer1.0.bn1.running_mean holds a value that is not finite",
        "head.weight is not part of the network",
      ])
    #expect(error?.description.contains("\n") == false)
  }

  @Test("The line about tensors that do not fit is no longer than can be read")
  func longList() {
    let error = StateError(problems: (0..<30).map { "\u{1B}[31mx\($0) is missing" })
    #expect(error.description.hasSuffix("x11 is missing; and 18 more"))
    #expect(!error.description.contains("\u{1B}"))
  }

  @Test("Tensors that do not all fit change nothing")
  func allOrNothing() throws {
    let network = network()
    var tensors = self.network(seed: 4).state.tensors
    tensors["fc_dense.bias"] = nil
    let before = network.state.tensors
    let error = #expect(throws: StateError.self) { try network.state.load(tensors) }
    #expect(error?.problems == ["fc_dense.bias is missing"])
    #expect(network.state.tensors == before)
  }

  @Test("A file whose words about its network cannot be understood is refused")
  func unreadable() throws {
    let files = [
      ("architecture", try file(architecture: "{}")),
      ("architecture", try file(architecture: "ResNet")),
      ("normalization", try file(normalization: "{\"mean\":[0.5]}")),
      (
        "architecture",
        try file(architecture: json { _ in }.replacingOccurrences(of: "basic", with: "dense"))
      ),
    ]
    for (name, bytes) in files {
      #expect(throws: CheckpointError.unreadable(name)) { try Checkpoint(bytes) }
    }
  }

  @Test("A description of a network that cannot be built is refused")
  func impossibleNetwork() throws {
    let descriptions = [
      try json { $0.widths = [16, 32] }, try json { $0.widths = [] }, try json { $0.blocks[1] = 0 },
      try json { $0.widths[0] = -16 }, try json { $0.stemKernel = 4 },
      try json { $0.stemKernel = 17 }, try json { $0.classCount = 1 },
      try json { $0.imageShape.height = 0 },
      try json { $0.widths = Array(repeating: 16, count: 7) },
      try json { $0.blocks = [1, 1, .max] }, try json { $0.blocks = [1, 999, 1] },
      // Few weights, and a value of four billion numbers; then tables of sixty million entries.
      try json {
        ($0.imageShape.height, $0.imageShape.width) = (512, 512)
        $0.stemWidth = 4096
      },
      try json {
        ($0.imageShape.height, $0.imageShape.width) = (512, 512)
        $0.stemKernel = 15
      },
    ]
    for description in descriptions {
      let bytes = try file(architecture: description)
      #expect(throws: CheckpointError.impossibleNetwork) { try Checkpoint(bytes) }
    }
    for normalization in [
      #"{"mean":[0.5],"standardDeviation":[0]}"#, #"{"mean":[0.5],"standardDeviation":[-1]}"#,
      #"{"mean":[],"standardDeviation":[]}"#,
    ] {
      let bytes = try file(normalization: normalization)
      #expect(throws: CheckpointError.impossibleNetwork) { try Checkpoint(bytes) }
    }
    let two = try file(normalization: #"{"mean":[0.5,0.5],"standardDeviation":[1,1]}"#)
    #expect(throws: CheckpointError.channels(2, of: 1)) { try Checkpoint(two) }
    let colours = try file(architecture: json { $0.imageShape.channels = 2 })
    #expect(throws: CheckpointError.channels(1, of: 2)) { try Checkpoint(colours) }
  }

  // Tables of indices have an entry for every pixel and tap. Were every layer to make its own with its weights, a
  // file of 60 kB would take 2 GB.
  @Test(
    "Many layers on large images make no tables until they are compiled, and then have them together",
    .enabled(if: allocations_are_counted(), "allocations are not counted in this build"))
  func sharedTables() {
    func network(side: Int, blocks: Int) -> ResNet {
      ResNet(
        ResNet.Architecture(
          imageShape: ImageShape(channels: 1, height: side, width: side), classCount: 2,
          widths: [1],
          blocks: [blocks]))
    }
    func allocations(_ body: () -> Void) -> UInt {
      let before = allocation_count()
      body()
      return allocation_count() - before
    }
    #expect(allocations { _ = network(side: 512, blocks: 50).graph } < 512 * 512)
    let plans = [5, 25].map { blocks in
      let graph = network(side: 32, blocks: blocks).graph
      return allocations {
        _ = InferencePlan(graph, normalization: .plusMinusOne(channels: 1), kernels: .reference)
      }
    }
    // Every destination of a table is an array for a moment.
    #expect(plans[0] > 32 * 32 && plans[1] < plans[0] + 20 * 32 * 32)
  }

  // Were it built to be compared with the tensors, it would take 240 GB.
  @Test("A small file that describes a huge network is refused before any is built")
  func hugeNetwork() throws {
    let bytes = try file(
      architecture: json {
        $0.widths = Array(repeating: 4096, count: 6)
        $0.blocks = Array(repeating: 160, count: 6)
      })
    let error = #expect(throws: CheckpointError.self) { try Checkpoint(bytes) }
    guard case .tooFewValues(let needed, let found) = error else {
      Issue.record("threw \(String(describing: error))")
      return
    }
    #expect(needed > 140_000_000_000 && found < 100_000)
    #expect(error?.description.contains("\n") == false)
  }

  @Test(
    "Networks of every kind and size come through a file",
    arguments: ResNetTests.architectures)
  func everyArchitecture(_ architecture: ResNet.Architecture) throws {
    let network = ResNet(architecture)
    network.initialize(seed: 1)
    let original = Checkpoint(
      network, normalization: .plusMinusOne(channels: architecture.imageShape.channels))
    let read = try Checkpoint(original.encoded())
    #expect(read.architecture == architecture && read.tensors == original.tensors)
  }
}
