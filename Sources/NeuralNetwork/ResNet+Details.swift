import Classification

extension ResNet.Architecture {
  /// In what published residual networks of the same layers and widths differ. Without changes it is what `ResNet`
  /// trains and what files of version 1 describe.
  public struct Details: Hashable, Sendable {
    /// What follows a normalisation.
    public enum Activation: String, CaseIterable, Sendable {
      /// max(x, 0).
      case relu
      /// x / (1 + e⁻ˣ), also called swish.
      case silu
      /// x, and x / 10 below 0.
      case leaky = "leaky-0.1"
    }

    /// What batch normalisation adds to a variance.
    public enum NormEpsilon: String, CaseIterable, Sendable {
      /// 10⁻⁵, PyTorch's.
      case small = "1e-5"
      /// 10⁻³.
      case large = "1e-3"

      var value: Float { self == .small ? 1e-5 : 1e-3 }
    }

    /// What is behind the first convolution, its normalisation and activation.
    public enum StemPooling: String, CaseIterable, Sendable {
      /// Nothing.
      case none
      /// The maximum over 3×3 pixels, of every second pixel, with one pixel of padding.
      case max
    }

    /// Where the channels are zero that a shortcut without parameters adds.
    public enum ShortcutPadding: String, CaseIterable, Sendable {
      /// Half of them in front, half of them behind.
      case bothSides = "both-sides"
      /// All of them behind.
      case end
    }

    /// Which convolution of a bottleneck has the stride.
    public enum BottleneckStride: String, CaseIterable, Sendable {
      /// That in the middle.
      case middle = "3x3"
      /// The first.
      case first = "1x1"
    }

    /// What the projection in the shortcut of a pre-activation block is given.
    public enum ProjectionSource: String, CaseIterable, Sendable {
      /// What the first convolution is given: the input behind the block's first normalisation and activation.
      case activated
      /// The block's input.
      case raw
      /// `activated` in the first stage, `raw` in later ones.
      case rawLater = "raw-later"
      /// `activated` in the first stage. In later ones the input, which the first convolution of such a block is given
      /// too: its first normalisation is not used.
      case bothRawLater = "both-raw-later"

      /// Whether the projection of a stage is given the block's input.
      func isRaw(stage: Int) -> Bool { self == .raw || self != .activated && stage > 0 }
    }

    /// What follows every normalisation but those before a sum.
    public var activation = Activation.relu
    /// What batch normalisation adds to a variance.
    public var normEpsilon = NormEpsilon.small
    /// What is behind the first convolution.
    public var stemPooling = StemPooling.none
    /// Where a shortcut without parameters adds channels.
    public var shortcutPadding = ShortcutPadding.bothSides
    /// Which convolution of a bottleneck has the stride.
    public var bottleneckStride = BottleneckStride.middle
    /// What the projections of pre-activation blocks are given.
    public var projectionSource = ProjectionSource.activated
    /// By how much the last convolution of a bottleneck widens: the blocks of a stage have `widths` times that many
    /// channels.
    public var expansion = 1
    /// Whether convolutions have biases.
    public var hasBiases = false
    /// Whether the stride of a block of two convolutions is in the second.
    public var stridesSecond = false
    /// K of a projection.
    public var projectionKernel = 1
    /// Whether a pre-activation network has a normalisation and an activation behind its last block.
    public var hasLastNormalization = true
    /// Whether 3×3 convolutions of stride 2 pad below and right alone, as TensorFlow's "same" does.
    public var isLopsided = false

    /// Those of a network that `ResNet` trains.
    public init() {}

    // MARK: As text

    /// The names and values, as text, of what differs from a network without details.
    var settings: [String: String] {
      let usual = Details()
      return Dictionary(
        uniqueKeysWithValues: Self.fields.filter { $0.get(self) != $0.get(usual) }
          .map { ($0.name, $0.get(self)) })
    }

    /// The value under a name, as text; nil if there is no such name.
    func value(_ name: String) -> String? { Self.fields.first { $0.name == name }?.get(self) }

    /// Changes the value under a name; false if there is no such name or value.
    mutating func set(_ name: String, to text: String) -> Bool {
      Self.fields.first { $0.name == name }?.set(&self, text) ?? false
    }

    private struct Field: Sendable {
      var name: String
      var get: @Sendable (Details) -> String
      var set: @Sendable (inout Details, String) -> Bool

      /// - Parameter read: the value that a text is for.
      init<Value: Sendable>(
        _ name: String, _ path: any WritableKeyPath<Details, Value> & Sendable,
        text: @escaping @Sendable (Value) -> String, read: @escaping @Sendable (String) -> Value?
      ) {
        self.name = name
        get = { text($0[keyPath: path]) }
        set = { details, new in
          guard let value = read(new), text(value) == new else { return false }
          details[keyPath: path] = value
          return true
        }
      }

      init<Value: RawRepresentable<String> & Sendable>(
        _ name: String, _ path: any WritableKeyPath<Details, Value> & Sendable
      ) {
        self.init(name, path, text: \.rawValue, read: { Value(rawValue: $0) })
      }

      init<Value: LosslessStringConvertible & Sendable>(
        _ name: String, _ path: any WritableKeyPath<Details, Value> & Sendable
      ) {
        self.init(name, path, text: \.description, read: { Value($0) })
      }
    }

    /// The names are those of readings, where there is one.
    private static let fields = [
      Field("activation", \.activation), Field("norm-epsilon", \.normEpsilon),
      Field("stem-pooling", \.stemPooling), Field("shortcut-padding", \.shortcutPadding),
      Field("bottleneck-stride", \.bottleneckStride), Field("shortcut", \.projectionSource),
      Field("expansion", \.expansion), Field("biases", \.hasBiases),
      Field("second-stride", \.stridesSecond), Field("projection-kernel", \.projectionKernel),
      Field("last-normalization", \.hasLastNormalization), Field("lopsided", \.isLopsided),
    ]
  }
}

extension ResNet.Architecture: Codable {
  private enum CodingKeys: String, CodingKey {
    case imageShape, classCount, stemKernel, stemWidth, widths, blocks, block, shortcut
    case version, kind, details
  }

  /// Version 1 has no details and no version. Where there are details, the block's name is under another key, so that
  /// what reads version 1 alone cannot take such a network for one without.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let version = try values.decodeIfPresent(Int.self, forKey: .version) ?? 1
    guard version == 1 || version == 2 else {
      throw DecodingError.dataCorruptedError(
        forKey: .version, in: values, debugDescription: "version \(version) is not known")
    }
    self.init(
      imageShape: try values.decode(ImageShape.self, forKey: .imageShape),
      classCount: try values.decode(Int.self, forKey: .classCount),
      stemKernel: try values.decode(Int.self, forKey: .stemKernel),
      stemWidth: try values.decodeIfPresent(Int.self, forKey: .stemWidth),
      widths: try values.decode([Int].self, forKey: .widths),
      blocks: try values.decode([Int].self, forKey: .blocks),
      block: try values.decode(Block.self, forKey: version == 1 ? .block : .kind),
      shortcut: try values.decode(Shortcut.self, forKey: .shortcut))
    guard version == 2 else { return }
    for (name, text) in try values.decode([String: String].self, forKey: .details) {
      guard details.set(name, to: text) else {
        throw DecodingError.dataCorruptedError(
          forKey: .details, in: values, debugDescription: "\(name) cannot be \(text)")
      }
    }
  }

  /// Version 1 where there are no details, whose bytes are those of earlier files.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(imageShape, forKey: .imageShape)
    try values.encode(classCount, forKey: .classCount)
    try values.encode(stemKernel, forKey: .stemKernel)
    try values.encodeIfPresent(stemWidth, forKey: .stemWidth)
    try values.encode(widths, forKey: .widths)
    try values.encode(blocks, forKey: .blocks)
    try values.encode(shortcut, forKey: .shortcut)
    let settings = details.settings
    try values.encode(block, forKey: settings.isEmpty ? .block : .kind)
    guard !settings.isEmpty else { return }
    try values.encode(2, forKey: .version)
    try values.encode(settings, forKey: .details)
  }
}
