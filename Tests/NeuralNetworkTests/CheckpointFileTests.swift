import Classification
import Foundation
import NeuralNetwork
import PropertyChecks
import PropertyTesting
import TestSupport
import Testing

/// A tiny network's file, in parts that can be changed.
private let architecture = ResNet.Architecture(
  imageShape: ImageShape(channels: 2, height: 32, width: 32), classCount: 3, widths: [2, 3],
  blocks: [1, 1])

private let tensors: [String: Tensor] = {
  let network = ResNet(architecture)
  network.initialize(seed: 7)
  return network.state.tensors
}()

private let counter = RawSafetensors.Entry("bn1.num_batches_tracked", "I64", [], rawBytes([390]))

/// Under the names of torchvision, with a prefix, or this package's own.
private func plainFile(_ naming: StateNaming = .postActivation) -> RawSafetensors {
  RawSafetensors(
    entries: tensors.keys.sorted().map { path in
      let tensor = architecture.renamed([path: tensors[path] ?? Tensor(shape: [0])], naming)
      return RawSafetensors.Entry(
        tensor.keys.first ?? "", tensor.values.first ?? Tensor(shape: [0]))
    } + [counter])
}

private let architectureText = String(
  decoding: (try? JSONEncoder().encode(architecture)) ?? Data(), as: UTF8.self)
/// What torchvision's names leave open.
private let decided: Reading.Answers = [.stemPooling: "none"]
private let half = try? Normalization(mean: [0.5, 0.25], standardDeviation: [0.5, 0.125])

private func read(
  _ file: RawSafetensors, _ normalization: Normalization? = nil, answers: Reading.Answers = [:]
) throws -> CheckpointFile {
  try CheckpointFile(file.encoded(), normalization: normalization, answers: answers)
}

@Suite("What names a checkpoint's content")
struct CheckpointIdentityTests {
  private struct Expected: Decodable {
    var file: String
    var identity: String
    var mean: [Float]?
    var standardDeviation: [Float]?
    var readings: [String: String]?
  }

  @Test("It is the digest that a program of its own computes from the format's description")
  func golden() throws {
    let all = try JSONDecoder().decode(
      [Expected].self, from: Fixtures.data("checkpoints/identities.json"))
    #expect(all.count == 9 + 17)
    for expected in all {
      var given: Normalization?
      if let mean = expected.mean, let deviation = expected.standardDeviation {
        given = try Normalization(mean: mean, standardDeviation: deviation)
      }
      let file = try CheckpointFile(
        Fixtures.data(expected.file), normalization: given,
        answers: Reading.answers(expected.readings ?? [:]))
      #expect(file.identity == expected.identity, "\(expected.file)")
    }
  }

  /// Ways to say the same scaling; the last two give it to the reader.
  private static let spellings = 7

  private func spelled(_ way: Int) -> (file: RawSafetensors, given: Normalization?) {
    var file = plainFile()
    func scaling(_ mean: String, _ deviation: String) {
      file.metadata.append(
        (
          "normalization", #"{"standardDeviation":[\#(deviation)],"mean":[\#(mean)]}"#
        ))
    }
    switch way {
    case 0: scaling("0.5,0.25", "0.5,0.125")
    case 1: scaling("5e-1, 0.250", " 0.50,125e-3")
    case 2:
      scaling("0.5,0.25", "0.5,0.125")
      file.metadata.append(("architecture", architectureText))
    case 3:
      file.entries.insert(
        RawSafetensors.Entry("normalize.std", "F32", [2], rawBytes([0.5, 0.125] as [Float])), at: 3)
      file.entries.insert(
        RawSafetensors.Entry("normalize.mean", "F64", [1, 2, 1, 1], rawBytes([0.5, 0.25])), at: 5)
    case 4:
      file.entries.append(
        RawSafetensors.Entry("sigma", "F16", [2, 1, 1], rawBytes([0.5, 0.125] as [Float16])))
      file.entries.append(
        RawSafetensors.Entry("mu", "BF16", [2], rawBytes([0x3F00, 0x3E80] as [UInt16])))
    case 5:
      file.metadata.append(("readings", #"{"Activation":"ReLU"}"#))
      return (file, half)
    default: return (file, half)
    }
    return (file, nil)
  }

  @Test func doesNotDependOnBytes() async throws {
    let baseline = try read(plainFile(), half)
    let places = 4 + tensors.count
    await check(
      "order of tensors, header and metadata, padding, notes and spelling change no identity",
      Generator<[Int]>.permutation(of: places), Generator<[Int]>.permutation(of: places),
      .integer(in: 0...Self.spellings - 1), .integer(in: 0...40),
      .array(of: Generator<String>.string(), count: 0...4), .bool
    ) {
      (
        values: [Int], header: [Int], way: Int, padding: Int, notes: [String], isReversed: Bool
      ) in
      var (file, given) = spelled(way)
      file.entries = values.filter { $0 < file.entries.count }.map { file.entries[$0] }
      for (place, note) in notes.enumerated() { file.metadata.append(("note \(place)", note)) }
      if isReversed { file.metadata.reverse() }
      file.padding = padding
      let bytes = file.encoded(order: header.filter { $0 < file.entries.count })
      let found = try CheckpointFile(bytes, normalization: given)
      #expect(found.identity == baseline.identity)
      #expect(found.fileDigest == sha256(bytes))
    }
  }

  @Test("Any value, name, shape, type, naming or scaling that changes gives another one")
  func dependsOnContent() throws {
    var found: [String: String] = [:]
    func note(
      _ what: String, _ file: RawSafetensors, _ normalization: Normalization? = half,
      answers: Reading.Answers = [:]
    ) throws {
      let identity = try #require(read(file, normalization, answers: answers).identity)
      #expect(found[identity] == nil, "\(what) is \(found[identity] ?? "")")
      found[identity] = what
    }
    try note("as it is", plainFile())
    for place in plainFile().entries.indices {
      // The lowest bit of every value.
      let width = plainFile().entries[place].type == "I64" ? 8 : 4
      for byte in stride(from: 0, to: plainFile().entries[place].bytes.count, by: width) {
        var changed = plainFile()
        changed.entries[place].bytes[byte] ^= 1
        try note("\(changed.entries[place].name) at \(byte)", changed)
      }
      var wide = plainFile()
      let entry = wide.entries[place]
      // All but the counter, which is a whole number and has its own changes below.
      guard entry.type == "F32" else { continue }
      let values = try #require(tensors[entry.name]).values
      wide.entries[place] = RawSafetensors.Entry(
        entry.name, "F64", entry.shape, rawBytes(values.map(Double.init)))
      try note("\(entry.name) as F64", wide)
    }
    let last = plainFile().entries.count - 1
    for (what, entry) in [
      ("name", RawSafetensors.Entry("bn2.num_batches_tracked", "I64", [], rawBytes([390]))),
      ("shape", .init(counter.name, "I64", [1], rawBytes([390]))),
      ("rank", .init(counter.name, "I64", [1, 1], rawBytes([390]))),
      ("type", .init(counter.name, "U64", [], rawBytes([390]))),
    ] {
      var changed = plainFile()
      changed.entries[last] = entry
      try note("a counter's \(what)", changed)
    }
    var without = plainFile()
    without.entries.removeLast()
    try note("without a counter", without)
    for (style, naming) in StateNaming.styles {
      for prefix in ["", "module."] where style != "official" || !prefix.isEmpty {
        try note("\(style) \(prefix)", plainFile(naming.behind(prefix)), answers: decided)
      }
    }
    for (mean, deviation) in [
      ([0.25, 0.5], [0.5, 0.125]), ([0.5, 0.25], [0.125, 0.5]), ([0.5, 0.125], [0.5, 0.25]),
      ([Float(0.5).nextUp, 0.25], [0.5, 0.125]), ([0.5, 0.25], [0.5, Float(0.125).nextDown]),
    ] as [([Float], [Float])] {
      try note(
        "\(mean), \(deviation)", plainFile(),
        try Normalization(mean: mean, standardDeviation: deviation))
    }
  }

  @Test("The architecture counts even where it shows in no tensor; the images' extents do not")
  func architectures() throws {
    var single = architecture
    single.widths = [2]
    single.blocks = [1]
    let network = ResNet(single)
    network.initialize(seed: 1)
    let scaling = try #require(half)
    func identity(_ change: (inout Checkpoint) -> Void) throws -> String? {
      var checkpoint = Checkpoint(network, normalization: scaling)
      change(&checkpoint)
      return try CheckpointFile(checkpoint.encoded()).identity
    }
    let own = try identity { _ in }
    #expect(try identity { $0.architecture.shortcut = .parameterFree } != own)
    #expect(try identity { $0.architecture.imageShape.height = 8 } == own)
    #expect(try identity { $0.notes["a"] = "b" } == own)
  }

  @Test("Fields cannot run into each other, nor one kind of thing into another")
  func fields() {
    func digest(_ fields: [String], domain: String = "d", version: UInt64 = 1) -> String {
      var digest = CanonicalDigest(domain: domain, version: version)
      for field in fields { digest.add(field) }
      return digest.finish()
    }
    let all = [
      digest([]), digest([""]), digest(["", ""]), digest(["ab", "c"]), digest(["a", "bc"]),
      digest(["abc"]), digest([], domain: "e"), digest([], version: 2), digest(["d"], domain: ""),
    ]
    #expect(Set(all).count == all.count)
    // sha256 of 01 00…00 "d" 01 00…00, by Python's hashlib.
    #expect(digest([]) == "cd347729286df8db30663f93ee73d4b31af08e5a094e8b30132ab3db371dc254")
  }
}

@Suite("How a checkpoint's file is read")
struct CheckpointFileTests {
  private func failure(
    _ file: RawSafetensors, _ normalization: Normalization? = nil
  ) -> String? {
    do { _ = try read(file, normalization) } catch {
      let text = "\(error)"
      #expect(!text.contains("\n") && text.count > 10)
      return text
    }
    return nil
  }

  @Test("A scaling is found under the usual names, in every shape that broadcasts")
  func scalings() throws {
    for (mean, deviation) in [
      ("mu", "sigma"), ("mean", "std"), ("normalize.mean", "normalize.std"), ("0.mean", "0.std"),
      ("module.normalizer.new_mean", "module.normalizer.new_std"), ("norm.means", "norm.sds"),
      ("image_mean", "image_std"),
    ] {
      for shape in [[2], [2, 1, 1], [1, 2, 1, 1]] {
        var file = plainFile()
        file.entries.append(.init(mean, "F32", shape, rawBytes([0.5, 0.25] as [Float])))
        file.entries.append(.init(deviation, "F32", shape, rawBytes([0.5, 0.125] as [Float])))
        let found = try #require(read(file).scaling)
        #expect(found.normalization == half)
        #expect(found.source == .tensors(mean: mean, deviation: deviation))
        // Whoever says the same agrees.
        #expect(try read(file, half).scaling == found)
      }
    }
    for shape in [[], [1], [1, 1, 1, 1]] {
      var file = plainFile()
      file.entries.append(.init("mu", "F32", shape, rawBytes([0.5] as [Float])))
      file.entries.append(.init("sigma", "F32", shape, rawBytes([0.25] as [Float])))
      let found = try #require(read(file).scaling).normalization
      #expect(found.mean == [0.5, 0.5] && found.standardDeviation == [0.25, 0.25])
    }
  }

  @Test("Scalings that differ, are none, or are of other pixels are refused with what they are")
  func wrongScalings() throws {
    func with(_ mean: [Float], _ deviation: [Float], shape: [Int]? = nil) -> RawSafetensors {
      var file = plainFile()
      file.entries.append(.init("mu", "F32", shape ?? [mean.count], rawBytes(mean)))
      file.entries.append(.init("sigma", "F32", [deviation.count], rawBytes(deviation)))
      return file
    }
    #expect(failure(with([0.5, 0.25], [0.5, 0.5]), half)?.contains("what was given (") == true)
    var told = with([0.5, 0.25], [0.5, 0.5])
    told.metadata.append(("normalization", #"{"mean":[0.5,0.5],"standardDeviation":[0.5,0.5]}"#))
    #expect(failure(told)?.contains("the file's metadata (") == true)
    #expect(failure(with([125, 123], [63, 62]))?.contains("divide all by 255") == true)
    for (mean, deviation) in [
      ([0.5, .nan], [1, 1]), ([0.5, .infinity], [1, 1]), ([0.5, -0.1], [1, 1]),
      ([0.5, 0.5], [0, 1]), ([0.5, 0.5], [-1, 1]), ([0.5, 0.5], [.nan, 1]),
      ([0.5, 0.5], [0x1p-149, 1]), ([0.5, 0.5], [1, 2]),
    ] as [([Float], [Float])] {
      #expect(failure(with(mean, deviation))?.contains("mu and sigma") == true, "\(mean)")
    }
    for mean in [[0.5, 0.5, 0.5], []] as [[Float]] {
      #expect(failure(with(mean, [1, 1]))?.contains("mu has shape") == true)
    }
    // Of images [N, C, H, W] the last of these would be columns.
    for shape in [[1, 1, 1, 2, 1], [1, 2], [1, 1, 1, 2]] {
      #expect(failure(with([0.5, 0.5], [1, 1], shape: shape))?.contains("mu has shape") == true)
    }
    // Half of a scaling is none, and a tensor without a use refuses the file.
    var lonely = plainFile()
    lonely.entries.append(.init("mu", "F32", [2], rawBytes([0.5, 0.5] as [Float])))
    #expect(failure(lonely, half)?.contains("mu is not part of the network") == true)
  }

  @Test("Settings beside a file say its scaling, where neither the file nor the caller does")
  func settings() throws {
    func found(
      _ text: String, _ file: RawSafetensors = plainFile(), _ given: Normalization? = nil
    ) throws -> InputScaling? {
      try CheckpointFile(
        file.encoded(), normalization: given,
        settings: CheckpointFile.Settings(name: "config.json", content: Data(text.utf8))
      ).scaling
    }
    for text in [
      #"{"mean": [0.5, 0.25], "std": [0.5, 0.125], "depth": 28}"#,
      #"{"model": {"image_mean": [0.5, 0.25], "image_std": [0.5, 0.125]}}"#,
      #"{"mean": [0.5, 0.25], "std": [0.5, 0.125], "b": {"mu": [0.5, 0.25], "sigma": [0.5, 0.125]}}"#,
    ] {
      let scaling = try #require(try found(text))
      #expect(scaling.normalization == half && scaling.source == .settings("config.json"))
    }
    #expect(try found(#"{"mean": 0.5, "std": 1}"#)?.normalization.mean == [0.5, 0.5])
    // What is said elsewhere counts, as the settings may be those of another file.
    let other = try Normalization(mean: [0.1, 0.1], standardDeviation: [1, 1])
    #expect(
      try found(#"{"mean": [0.5, 0.25], "std": [0.5, 0.125]}"#, plainFile(), other)?.source
        == .caller)
    for text in ["", "[]", "{}", #"{"mean": "a", "std": [1, 1]}"#, #"{"mean": [0.5, 0.25]}"#, "{"] {
      #expect(try found(text) == nil)
    }
    for text in [
      #"{"mean": [0.5], "std": [1]}"#, #"{"mean": [0.5, 0.5], "std": [0, 1]}"#,
      #"{"mean": [125, 125], "std": [60, 60]}"#, #"{"mean": [0.5, 0.5], "std": [1]}"#,
      #"{"mean": 0.5, "std": 1, "model": {"mean": 0.25, "std": 1}}"#,
    ] {
      #expect(throws: CheckpointError.self) { try found(text) }
    }
  }

  @Test("Without a scaling the architecture is known, and neither identity nor checkpoint")
  func noScaling() throws {
    let file = try read(plainFile())
    #expect(file.scaling == nil && file.identity == nil && file.architecture == architecture)
    #expect(throws: CheckpointError.noNormalization) { try file.checkpoint() }
  }

  @Test("Counters of any type are passed over, and nothing else is")
  func counters() throws {
    var file = plainFile()
    for (name, type, bytes) in [
      ("bn1.count", "I32", rawBytes([7] as [Int32])), ("step", "U8", Data([3])),
      ("n_averaged", "I64", rawBytes([Int64.max])), ("epoch", "BOOL", Data([1])),
      ("layer1.num_batches_tracked", "F32", rawBytes([3] as [Float])),
    ] {
      file.entries.append(.init(name, type, [], bytes))
    }
    let found = try read(file, half)
    #expect(found.unneeded.count == 6)
    #expect(try found.checkpoint().tensors == tensors)
    for (name, type, shape, bytes) in [
      ("step", "F32", [], rawBytes([3] as [Float])), ("step", "U8", [2], Data([3, 4])),
      ("clip", "U8", [], Data([3])), ("conv1.scale", "F32", [], rawBytes([3] as [Float])),
      ("zero_point", "I32", [], rawBytes([3] as [Int32])), ("scale", "F8_E4M3", [1], Data([3])),
    ] as [(String, String, [Int], Data)] {
      var unexplained = plainFile()
      unexplained.entries.append(.init(name, type, shape, bytes))
      #expect(
        failure(unexplained, half)?.contains("\(name) is not part of the network") == true)
    }
  }

  @Test("Weights of whole numbers are read exactly or refused; F64 is rounded, and it is said")
  func types() throws {
    func with(_ type: String, _ bytes: Data) -> RawSafetensors {
      var file = plainFile()
      let place = file.entries.firstIndex { $0.name == "fc_dense.bias" } ?? 0
      file.entries[place] = .init("fc_dense.bias", type, [3], bytes)
      return file
    }
    for (type, bytes) in [
      ("I64", rawBytes([1, -2, 0x1000000] as [Int64])), ("U8", Data([1, 2, 255])),
      ("I8", rawBytes([1, -2, 127] as [Int8])), ("I32", rawBytes([1, -2, 0x1000000] as [Int32])),
      ("BOOL", Data([0, 1, 1])), ("F16", rawBytes([1, -2, 0.5] as [Float16])),
    ] {
      let file = try read(with(type, bytes), half)
      #expect(file.rounded.isEmpty && file.identity != nil)
    }
    #expect(try read(with("F64", rawBytes([1, -2, 0.5])), half).rounded.isEmpty)
    #expect(try read(with("F64", rawBytes([1, -2, 0.1])), half).rounded == ["fc_dense.bias"])
    for (type, bytes, says) in [
      ("I64", rawBytes([1, -2, 0x1000001] as [Int64]), "holds 16777217 as I64"),
      ("U32", rawBytes([1, 2, .max] as [UInt32]), "holds 4294967295 as U32"),
      ("F64", rawBytes([1, -2, 1e300]), "holds 1e+300 as F64"),
      ("BOOL", Data([0, 1, 2]), "holds 2 as BOOL"),
      ("F64", rawBytes([1, -2, .nan]), "not finite"),
      ("F32", rawBytes([1, -2, .infinity] as [Float]), "not finite"),
      ("F8_E5M2", Data([0, 1, 2]), "has type F8_E5M2"),
      ("C64", rawBytes([1, 2, 3]), "has type C64"),
      ("F4", Data([0, 1, 2]), "has type F4"),
    ] {
      #expect(failure(with(type, bytes), half)?.contains(says) == true, "\(type)")
    }
  }

  @Test("What names and shapes leave open is said, and what they leave in doubt warned of")
  func readings() throws {
    func evidence(_ file: CheckpointFile, _ question: Reading.Question) -> Reading.Evidence? {
      file.readings.first { $0.question == question }?.evidence
    }
    // Only torchvision's names are those of networks with and without max-pooling.
    for (style, naming) in StateNaming.styles {
      let raw = plainFile(naming)
      let found = try read(raw, half)
      #expect(evidence(found, .blockOrder) == .shapes)
      #expect(evidence(found, .shortcutPadding) == nil)
      let isOpen = style == "torchvision"
      #expect(evidence(found, .stemPooling) == (isOpen ? .undecided : .assumed))
      #expect(found.warnings().isEmpty && (found.identity == nil) == isOpen)
      if isOpen {
        let error = #expect(throws: CheckpointError.self) { try found.checkpoint(option: "--x") }
        let text = error?.description ?? ""
        #expect(text.contains("--x stem-pooling=none (") && text.contains("--x stem-pooling=max ("))
      }
      let confirmed = try read(raw, half, answers: Reading.answers(["stem-pooling": "None"]))
      #expect(evidence(confirmed, .stemPooling) == .caller && confirmed.identity != nil)
      #expect(isOpen || confirmed.identity == found.identity)
      let pooled = try read(raw, half, answers: Reading.answers(["stem-pooling": "max"]))
      #expect(pooled.identity != confirmed.identity)
      #expect(try pooled.checkpoint().architecture.details.stemPooling == .max)
      var told = raw
      told.metadata.append(("readings", #"{"stem-pooling":"none"}"#))
      #expect(evidence(try read(told, half), .stemPooling) == .metadata)
      #expect(throws: ReadingError.contradicted("stem-pooling", "max", "none")) {
        try read(told, half, answers: [.stemPooling: "max"])
      }
    }
    var own = plainFile()
    own.metadata.append(("architecture", architectureText))
    #expect(try read(own, half).readings.allSatisfy { $0.evidence == .own })
    // Equal widths have the same shapes with normalisations in front.
    let even = ResNet(
      ResNet.Architecture(
        imageShape: architecture.imageShape, classCount: 3, widths: [2, 2], blocks: [1, 1],
        shortcut: .parameterFree))
    even.initialize(seed: 1)
    let found = try CheckpointFile(
      Safetensors(tensors: even.state.tensors).encoded(), normalization: half)
    #expect(evidence(found, .blockOrder) == .ambiguous)
    #expect(found.warnings(option: "--x").count == 1)
    #expect(found.warnings(option: "--x")[0].contains("pre-activation instead; confirm with --x "))
    #expect(evidence(found, .shortcutPadding) == .undecided)
  }

  @Test("Readings that are unknown or cannot be computed are refused, wherever they are from")
  func wrongReadings() throws {
    for (name, value, says) in [
      ("final-pooling", "max", "cannot be computed"),
      ("pixel-range", "0-255", "cannot be computed"),
      ("stem-pooling", "average", "one of none, max"), ("stem", "none", "there is no reading stem"),
    ] {
      #expect(throws: ReadingError.self) { try Reading.answers([name: value]) }
      var told = plainFile()
      told.metadata.append(("readings", "{\"\(name)\":\"\(value)\"}"))
      #expect(failure(told, half)?.contains(says) == true)
    }
    var told = plainFile()
    told.metadata.append(("readings", "none"))
    #expect(failure(told, half)?.contains("\"readings\"") == true)
  }

  @Test("Prefixes of wrappers are taken off, whatever they are")
  func prefixes() throws {
    for prefix in [
      "module.", "_orig_mod.", "module._orig_mod.", "model.", "1.", "backbone.net.", "ä.",
    ] {
      for (_, style) in StateNaming.styles {
        let naming = style.behind(prefix)
        var raw = plainFile(naming)
        raw.entries.append(.init("n_averaged", "I64", [], rawBytes([3])))
        let found = try read(raw, half, answers: decided)
        #expect(found.recognized?.naming == naming)
        #expect(try found.checkpoint().tensors == tensors)
      }
    }
  }

  @Test("The shapes of a network's state are known without it")
  func shapes() async {
    await check(
      "shapes that are computed are those of the network that is built",
      .array(of: .integer(in: 1...5), count: 1...4), .array(of: .integer(in: 1...3), count: 4),
      .bool, .bool, .element(of: [1, 3, 5])
    ) { (widths: [Int], blocks: [Int], isBottleneck: Bool, isProjected: Bool, kernel: Int) in
      let architecture = ResNet.Architecture(
        imageShape: ImageShape(channels: 2, height: 6, width: 5), classCount: 3,
        stemKernel: kernel, widths: widths, blocks: Array(blocks.prefix(widths.count)),
        block: isBottleneck ? .bottleneck : .basic,
        shortcut: isProjected ? .projection : .parameterFree)
      let network = ResNet(architecture)
      #expect(architecture.stateShapes == network.state.tensors.mapValues(\.shape))
      #expect(architecture.parameterCount == network.state.parameterCount)
    }
  }

  // MARK: Anything at all

  /// Reads bytes; what is wrong is one line.
  private func survives(_ bytes: Data) -> Bool {
    do { _ = try CheckpointFile(bytes, normalization: half) } catch {
      let text = "\(error)"
      #expect(!text.contains(where: \.isNewline) && text.count > 10 && !text.contains("\u{1B}"))
      return false
    }
    return true
  }

  @Test func damagedBytes() async {
    var own = plainFile()
    own.metadata.append(("architecture", architectureText))
    let bytes = own.encoded()
    let headerLength = bytes.count - own.entries.reduce(0) { $0 + $1.bytes.count }
    await check(
      "no damage of a checkpoint's bytes does more than refuse it",
      .array(of: .integer(in: 0...headerLength - 1), count: 1...6),
      .array(of: .integer(in: 0...255), count: 6), .integer(in: 0...bytes.count), cases: 1000
    ) { (places: [Int], values: [Int], length: Int) in
      var damaged = bytes
      for (place, value) in zip(places, values) { damaged[place] = UInt8(value) }
      _ = survives(damaged)
      _ = survives(damaged.prefix(length))
    }
  }

  private static let extremes = [
    "0", "1", "-1", "2", "7", "4096", "4294967296", "3037000500", "4611686018427387904",
    "9223372036854775807", "-9223372036854775808", "18446744073709551616", "1e30", "null", "true",
    "\"1\"", "[]", "1.5",
  ]

  @Test func damagedDescriptions() async throws {
    let fields = ["classCount", "stemKernel", "channels", "height", "width"]
    await check(
      "no architecture in the metadata does more than be refused",
      .element(of: fields), .element(of: Self.extremes),
      .array(of: .element(of: Self.extremes), count: 0...7),
      .array(of: .element(of: Self.extremes), count: 0...7), .integer(in: 0...3), cases: 500
    ) { (field: String, value: String, widths: [String], blocks: [String], kind: Int) in
      var text = architectureText
      func set(_ name: String, _ value: String) throws {
        text = text.replacing(
          try Regex("\"\(name)\":(\\[[^\\]]*\\]|[0-9]+)"), with: "\"\(name)\":\(value)")
      }
      if kind != 0 { try set(field, value) }
      if kind != 1 { try set("widths", "[\(widths.joined(separator: ","))]") }
      if kind != 2 { try set("blocks", "[\(blocks.joined(separator: ","))]") }
      var own = plainFile()
      own.metadata.append(("architecture", text))
      _ = survives(own.encoded())
    }
    for text in ["resNet999999", "{}", "", "[]", "{\"widths\":[4611686018427387904]}"] {
      var own = plainFile()
      own.metadata.append(("architecture", text))
      #expect(!survives(own.encoded()))
    }
  }

  @Test func damagedEntries() async {
    let names = [
      "conv1.weight", "fc.weight", "mu", "sigma", "layer1.0.conv1.weight", "\u{1B}[31mx", "",
    ]
    await check(
      "no entries of a header do more than be refused",
      .array(
        of: Generator<String>.entry(names: names, extremes: Self.extremes), count: 0...5),
      .integer(in: 0...64), cases: 1000
    ) { (entries: [String], count: Int) in
      let header = "{\(entries.joined(separator: ","))}"
      let bytes =
        rawBytes([UInt64(header.utf8.count)]) + Data(header.utf8) + Data(count: count)
      #expect(!survives(bytes))
      _ = try? Safetensors(bytes)
    }
  }
}

extension Generator where Value == String {
  /// An entry of a header, most of them wrong.
  fileprivate static func entry(names: [String], extremes: [String]) -> Generator {
    Generator { source throws(Discarded) in
      func text(_ all: [String]) throws(Discarded) -> String {
        try Generator.element(of: all).value(from: source)
      }
      func list() throws(Discarded) -> String {
        let count = try Generator<Int>.integer(in: 0...3).value(from: source)
        var parts: [String] = []
        for _ in 0..<count { parts.append(try text(extremes)) }
        return "[\(parts.joined(separator: ","))]"
      }
      let name = try text(names).unicodeScalars.map {
        $0.value < 32 ? "\\u00\(String($0.value, radix: 16))" : String($0)
      }.joined()
      let type = try text(["F32", "F64", "U8", "I64", "BOOL", "F8_E4M3", "none"])
      return
        #""\#(name)":{"dtype":"\#(type)","shape":\#(try list()),"data_offsets":\#(try list())}"#
    }
  }
}
