import Classification
import Foundation

/// A checkpoint's file and how it is read: which network it holds, what in the reading is certain and
/// what assumed, and a digest of its content that does not depend on the layout of the file.
package struct CheckpointFile: Sendable {
  /// Which network it is.
  package let architecture: ResNet.Architecture
  /// The network as names and shapes of the tensors tell it; nil for a file of this package, which says its architecture.
  package let recognized: RecognizedNetwork?
  /// The scaling of the network's input; nil if neither file nor caller says it.
  package let scaling: InputScaling?
  /// The properties of the network that names and shapes of tensors do not tell, and how each is read.
  package let readings: [Reading]
  /// The names of tensors that no layer needs: counters of training, parts that are never used, and the same network
  /// once more under other names.
  package let unneeded: [String]
  /// The names of F64 tensors with a value that Float32 cannot hold exactly, so that it is rounded.
  package let rounded: [String]
  /// How it computes in whole numbers, if it was calibrated.
  package let quantization: Quantization?
  /// Free text of the file.
  package let notes: [String: String]
  /// SHA-256 of the file's bytes. Files of equal content may have different ones.
  package let fileDigest: String
  /// The digest of the content; nil without a scaling, or where something is undecided. See
  /// `identity(of:in:settings:)`.
  package let identity: String?

  private let tensors: [String: Tensor]

  /// A file of settings that lies beside a network's.
  package struct Settings: Sendable {
    package var name: String
    package var content: Data

    package init(name: String, content: Data) {
      self.name = name
      self.content = content
    }
  }

  /// Reads a file's bytes. No network is built, and no memory is taken for one larger than the file.
  ///
  /// - Parameters:
  ///   - normalization: the scaling of the network's input, for a file that does not say it; of a file
  ///     that does, it must be the same.
  ///   - answers: how the caller reads what names and shapes leave open.
  ///   - settings: what lies beside the file, which counts where neither file nor caller says the scaling.
  ///   - extents: of the images, for a state dict, which does not show them.
  /// - Throws: as `Checkpoint.init` does, but not for lack of a scaling.
  package init(
    _ data: Data, normalization: Normalization? = nil, answers: Reading.Answers = [:],
    settings: Settings? = nil, extents: (height: Int, width: Int) = (32, 32)
  ) throws {
    try self.init(
      data, header: SafetensorsHeader(data), normalization: normalization, answers: answers,
      settings: settings, extents: extents)
  }

  /// Reads a file whose header has been read already.
  package init(
    _ data: Data, header: SafetensorsHeader, normalization: Normalization?,
    answers: Reading.Answers, settings: Settings? = nil,
    extents: (height: Int, width: Int) = (32, 32)
  ) throws {
    fileDigest = sha256(data)
    var notes = header.metadata
    let described: ResNet.Architecture? = try Self.decode("architecture", from: &notes)
    let own: Normalization? = try Self.decode("normalization", from: &notes)
    let said: [String: String] = try Self.decode("readings", from: &notes) ?? [:]
    quantization = try Self.decode("quantization", from: &notes)
    if let problem = quantization?.problem { throw QuantizationError.calibration(problem) }
    self.notes = notes

    // Tensors in the file that are not the network's.
    let pairs = InputScaling.pairs(in: header.entries)
    let scalingNames = Set(pairs.flatMap { [$0.mean.name, $0.deviation.name] })
    var unneeded = Set(header.entries.filter(StateNaming.isCounter).map(\.name))
    var recognized: RecognizedNetwork?
    if described == nil {
      let shapes = Dictionary(
        header.entries.filter { !unneeded.contains($0.name) && !scalingNames.contains($0.name) }
          .map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
      let network = try RecognizedNetwork(shapes, height: extents.height, width: extents.width)
      unneeded.formUnion(
        shapes.keys.filter { name in
          network.family.unused.contains { name.hasPrefix(network.naming.prefix + $0) }
        })
      unneeded.formUnion(Self.copies(of: network, in: header.entries, data))
      recognized = network
    }
    self.recognized = recognized
    self.unneeded = header.entries.map(\.name).filter(unneeded.contains)
    let others = scalingNames.union(unneeded)
    let entries = header.entries.filter { !others.contains($0.name) }

    guard var architecture = described ?? recognized?.architecture else {
      throw CheckpointError.impossibleNetwork
    }
    guard architecture.isValid, own?.isValid != false else {
      throw CheckpointError.impossibleNetwork
    }

    let channels = architecture.imageShape.channels
    var scalings = own.map { [InputScaling($0, from: .metadata)] } ?? []
    for (mean, deviation) in pairs {
      scalings.append(
        try InputScaling(mean: mean, deviation: deviation, channels: channels, in: data))
    }
    if let normalization { scalings.append(InputScaling(normalization, from: .caller)) }
    for scaling in scalings where scaling.normalization.mean.count != channels {
      throw CheckpointError.channels(scaling.normalization.mean.count, of: channels)
    }
    scaling =
      try InputScaling.agreed(scalings)
      ?? settings.flatMap {
        try InputScaling(settings: $0.content, named: $0.name, channels: channels)
      }
    let readings = try Reading.all(
      architecture, recognized: recognized, metadata: try Reading.answers(said), caller: answers)
    for reading in readings {
      if let answer = reading.answer {
        _ = architecture.details.set(reading.question.rawValue, to: answer)
      }
    }
    self.readings = readings
    self.architecture = architecture

    let values = entries.reduce(0) { $0 + $1.count }
    let needed = architecture.leastParameterCount
    guard needed <= values else {
      throw CheckpointError.tooFewValues(needed: needed, found: values)
    }
    (tensors, rounded) = try Self.tensors(
      entries, in: data, for: architecture, naming: recognized?.naming ?? .own(architecture.block))
    guard let scaling, readings.allSatisfy({ $0.answer != nil }) else {
      identity = nil
      return
    }
    identity = Self.identity(
      of: header.entries.filter { !scalingNames.contains($0.name) }, in: data,
      settings: Self.settings(
        architecture, scaling: scaling.normalization, readings: readings))
  }

  /// The checkpoint that the file holds.
  ///
  /// - Parameter option: the command's option that gives a reading, for messages.
  /// - Throws: `CheckpointError.undecided` and `.noNormalization`.
  package func checkpoint(option: String = "--reading") throws(CheckpointError) -> Checkpoint {
    let open = readings.filter { $0.answer == nil }
    guard open.isEmpty else {
      throw .undecided(
        open.map { "\($0.question.rawValue) is \($0.description(option: option))" })
    }
    guard let scaling else { throw .noNormalization }
    return Checkpoint(
      architecture: architecture, normalization: scaling.normalization, notes: notes,
      tensors: tensors, quantization: quantization)
  }

  /// What records tell of the file beside its identity.
  package struct Origin: Codable, Hashable, Sendable {
    /// SHA-256 of the file's bytes. Files of equal content may have different ones.
    package var digest: String
    /// Readings that the tensors do not decide and nobody confirmed: "stem-pooling=none".
    package var doubts: [String]

    package init(digest: String, doubts: [String] = []) {
      self.digest = digest
      self.doubts = doubts
    }
  }

  /// What records tell of the file.
  package var origin: Origin {
    Origin(
      digest: fileDigest,
      doubts: readings.filter { $0.evidence == .ambiguous }
        .map { "\($0.question.rawValue)=\($0.answer ?? "")" })
  }

  /// A line for every reading that the tensors do not decide although networks with these names and
  /// shapes are known to differ in it: whoever uses the network may be using another function.
  ///
  /// - Parameter option: the command's option that gives a reading.
  package func warnings(option: String = "--reading") -> [String] {
    readings.filter { $0.evidence == .ambiguous }.map {
      "\($0.question.rawValue) is read as \($0.description(option: option))"
    }
  }

  // MARK: Parts of reading

  /// The value that the metadata have under a name, which is taken out of them; nil if there is none.
  private static func decode<Value: Decodable>(
    _ name: String, from metadata: inout [String: String]
  ) throws(CheckpointError) -> Value? {
    guard let text = metadata.removeValue(forKey: name) else { return nil }
    do { return try JSONDecoder().decode(Value.self, from: Data(text.utf8)) } catch {
      throw .unreadable(name)
    }
  }

  /// The names of tensors that hold a network a second time: all of it, under another prefix, with the same bytes.
  /// Toolkits for robust training keep it within the attacker too.
  private static func copies(
    of network: RecognizedNetwork, in entries: [SafetensorsHeader.Entry], _ data: Data
  ) -> [String] {
    let byName = Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let tensors = network.architecture.stateTensors
    return StateNaming.prefixes(in: Set(byName.keys)).dropFirst().flatMap { prefix, _ in
      var other = network.naming
      guard other.densePrefix == other.prefix else { return [String]() }
      (other.prefix, other.densePrefix) = (prefix, prefix)
      let isCopy = tensors.allSatisfy { tensor in
        guard let first = byName[tensor.path(network.naming)],
          let second = byName[tensor.path(other)]
        else { return false }
        return first.type == second.type && first.shape == second.shape
          && data.withUnsafeBytes { file in
            UnsafeRawBufferPointer(rebasing: file[first.bytes])
              .elementsEqual(UnsafeRawBufferPointer(rebasing: file[second.bytes]))
          }
      }
      return isCopy ? tensors.map { $0.path(other) } : []
    }
  }

  /// The network's tensors under this package's names, and the names in the file of those of which a
  /// value is rounded.
  private static func tensors(
    _ entries: [SafetensorsHeader.Entry], in data: Data, for architecture: ResNet.Architecture,
    naming: StateNaming
  ) throws -> (tensors: [String: Tensor], rounded: [String]) {
    let shapes = architecture.stateShapes(naming)
    var tensors: [String: Tensor] = [:]
    var problems: [String] = []
    var read: [SafetensorsHeader.Entry] = []
    for entry in entries {
      guard shapes[entry.name] != nil else {
        // Whatever it holds, no layer takes it.
        tensors[entry.name] = Tensor(shape: [0])
        continue
      }
      do {
        tensors[entry.name] = try entry.tensor(in: data)
        read.append(entry)
      } catch {
        problems.append("\(error)")
        tensors[entry.name] = Tensor(shape: shapes[entry.name] ?? [])
      }
    }
    problems += StateError.problems(of: tensors, for: shapes)
    guard problems.isEmpty else { throw StateError(problems: problems) }
    let ownNaming = StateNaming.own(architecture.block)
    var own: [String: Tensor] = [:]
    for tensor in architecture.stateTensors {
      own[tensor.path(ownNaming)] = tensors[tensor.path(naming)]
    }
    return (own, read.filter { $0.isRounded(in: data) }.map(\.name))
  }
}

// MARK: Identity

extension CheckpointFile {
  /// A digest that names the content of a checkpoint's file, version 1.
  ///
  /// Two files that compute the same function from the same tensors have the same identity, whatever the
  /// order of their headers, their padding, their notes on training, and whoever says how the input is
  /// scaled: metadata, tensors beside the network or options. Anything else that differs gives another.
  ///
  /// It is the SHA-256, in hexadecimal, of these bytes, in which a number is 64 bits, little-endian, and
  /// text (UTF-8) and bytes are their length as a number, then themselves:
  ///
  ///     text    "mixup-inference checkpoint"
  ///     number  1, the version
  ///     number  of settings; of each, in the order of the names' bytes:
  ///       text    name
  ///       text    value
  ///     number  of tensors; of each, in the order of the names' bytes:
  ///       text    name, as in the file
  ///       text    type, as in the file: "F32"
  ///       number  of extents, then each of them
  ///       bytes   values, as in the file
  ///
  /// Tensors are all those of the file, counters included, but for the two that hold the scaling. Settings
  /// are `architecture.` block, blocks, channels (of an image), class-count, shortcut, stem-kernel and
  /// widths, stem-width of pre-activation networks and of others where it is not that of the first stage, and of
  /// biases, expansion, last-normalization, lopsided, projection-kernel and second-stride those that are not false, 1,
  /// true, false, 1 and false; `reading.` and every question that concerns the network, but for a shortcut that is
  /// activated; `scaling.mean` and `scaling.standard-deviation`. Whole numbers are decimal, those of `scaling` the bits
  /// of Float32 in eight hexadecimal digits; several have commas between. −0 counts as 0. Height and width of an image
  /// are no settings, as the tensors do not depend on them.
  static func identity(
    of entries: [SafetensorsHeader.Entry], in data: Data, settings: [String: String]
  ) -> String {
    var digest = CanonicalDigest(domain: "mixup-inference checkpoint", version: 1)
    digest.add(settings.count)
    for (name, value) in settings.sorted(by: { precedes($0.key, $1.key) }) {
      digest.add(name)
      digest.add(value)
    }
    digest.add(entries.count)
    data.withUnsafeBytes { file in
      for entry in entries.sorted(by: { precedes($0.name, $1.name) }) {
        digest.add(entry.name)
        digest.add(entry.type.rawValue)
        digest.add(entry.shape.count)
        for extent in entry.shape { digest.add(extent) }
        digest.add(UnsafeRawBufferPointer(rebasing: file[entry.bytes]))
      }
    }
    return digest.finish()
  }

  /// Everything besides the tensors that decides what the network computes, as text by name.
  private static func settings(
    _ architecture: ResNet.Architecture, scaling: Normalization, readings: [Reading]
  ) -> [String: String] {
    func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ",") }
    func bits(_ numbers: [Float]) -> String {
      numbers.map { number in
        let digits = String((number == 0 ? 0 : number).bitPattern, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
      }.joined(separator: ",")
    }
    var settings = [
      "architecture.block": architecture.block.rawValue,
      "architecture.blocks": list(architecture.blocks),
      "architecture.channels": "\(architecture.imageShape.channels)",
      "architecture.class-count": "\(architecture.classCount)",
      "architecture.shortcut": architecture.shortcut.rawValue,
      "architecture.stem-kernel": "\(architecture.stemKernel)",
      "architecture.widths": list(architecture.widths),
      "scaling.mean": bits(scaling.mean),
      "scaling.standard-deviation": bits(scaling.standardDeviation),
    ]
    if let width = architecture.stemWidth { settings["architecture.stem-width"] = "\(width)" }
    let questions = Set(Reading.Question.allCases.map(\.rawValue))
    for (name, value) in architecture.details.settings where !questions.contains(name) {
      settings["architecture.\(name)"] = value
    }
    for reading in readings {
      guard let answer = reading.answer, !reading.question.isUsual(answer) else { continue }
      settings["reading.\(reading.question.rawValue)"] = answer
    }
    return settings
  }

  /// Whether a name comes first in the order of UTF-8's bytes, which every language has.
  private static func precedes(_ a: String, _ b: String) -> Bool {
    a.utf8.lexicographicallyPrecedes(b.utf8)
  }
}
