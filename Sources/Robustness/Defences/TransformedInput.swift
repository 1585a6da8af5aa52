import Classification

/// The mean prediction over random changes of the input as plans name it: one change, or several in turn.
public struct TransformedInput: Defence, Adjustable, Hashable {
  /// What is done.
  private enum Change: Hashable {
    case one(InputTransformation)
    case composition([TransformedInput])
  }

  private var change: Change
  /// N.
  private var sampleCount: Int

  private init(_ change: Change, sampleCount: Int) {
    self.change = change
    self.sampleCount = sampleCount
  }

  /// One change, and the mean over N draws of it; N counts as 1 if the change draws nothing.
  public init(_ transformation: InputTransformation, sampleCount: Int) {
    self.init(.one(transformation), sampleCount: transformation.isRandom ? sampleCount : 1)
  }

  /// Several changes in turn, and the mean over N draws of all.
  public init(inTurn transformations: [InputTransformation], sampleCount: Int) {
    self.init(
      .composition(
        transformations.map { TransformedInput($0, sampleCount: usualSampleCount) }),
      sampleCount: sampleCount)
  }

  /// Those that plans name, with their usual settings.
  package static var known: [TransformedInput] {
    InputTransformation.usual.map { TransformedInput($0, sampleCount: usualSampleCount) }
      + [TransformedInput(inTurn: [], sampleCount: usualSampleCount)]
  }

  /// What plans call the change: "gaussian", "composition".
  public var name: String {
    if case .one(let transformation) = change { transformation.name } else { "composition" }
  }

  /// How strong each change is, and N.
  public var parameters: [String: String] { settingTexts }

  /// With the sides of a square that are usual for the image, where none were said.
  public func resolved(for shape: ImageShape) -> TransformedInput {
    var copy = self
    switch change {
    case .one(let transformation):
      if transformation.isSquare {
        copy.sides = transformation.sides ?? InputTransformation.usualSides(of: shape)
      }
    case .composition(let parts): copy.change = .composition(parts.map { $0.resolved(for: shape) })
    }
    return copy
  }

  /// The mean over N draws of the change.
  public func defend(
    _ network: some DifferentiableClassifier, training: LabelledImages
  ) throws -> any DefendedClassifier {
    try RandomizedInput(network, transformations: transformations, sampleCount: sampleCount)
  }

  private var transformations: [InputTransformation] {
    switch change {
    case .one(let transformation): [transformation]
    case .composition(let parts): parts.flatMap(\.transformations)
    }
  }
}

// MARK: Settings

extension TransformedInput {
  package var settings: [Setting<TransformedInput>] {
    let draws = Setting.count("draws", \TransformedInput.sampleCount, of: "executions")
    switch change {
    case .one(.gaussianNoise), .one(.uniformNoise), .one(.rotation):
      return [Setting("strength", \.strength), draws]
    case .one(.masking):
      return [
        Setting(
          "share", \.share,
          problem: { 0...1 ~= $0 ? nil : "the share of black pixels is \($0); it is from 0 to 1" }),
        draws,
      ]
    case .one(.cropAndPad), .one(.resizeAndPad), .one(.cropAndResize):
      return [Setting("sides", \.sides), draws]
    case .one(.bitDepth):
      return [
        Setting("bits", \.bits, texts: { ["bits": "\($0), gradient straight through"] }),
        Setting(
          "draws", flags: [], \.sampleCount,
          problem: {
            $0 == 1
              ? nil : "the number of executions of bit-depth is \($0); it draws nothing, so 1"
          }),
      ]
    case .composition:
      return [
        Setting(
          "parts", flags: [], \.parts,
          texts: { parts in
            Dictionary(
              uniqueKeysWithValues: parts.list.enumerated().map { place, part in
                ("part \(place + 1)", part.title)
              })
          },
          problem: {
            $0.list.isEmpty
              ? "a composition needs parts, each of them a change of the input: \(Parts.names)"
              : $0.list.lazy.compactMap(\.problem).first
          }), draws,
      ]
    }
  }

  /// Name and settings, as the text of a part of a composition.
  private var title: String {
    let parameters = parameters.filter { $0.key != "draws" }.sorted { $0.key < $1.key }
    return ([name] + parameters.map { "\($0.key) \($0.value)" }).joined(separator: ", ")
  }

  /// The change; nil of a composition.
  private var one: InputTransformation? {
    if case .one(let transformation) = change { transformation } else { nil }
  }

  private var strength: Float? {
    get { one?.strength }
    set { if let newValue, let one { change = .one(one.with(strength: newValue)) } }
  }

  private var share: Float? {
    get { if case .masking(let share) = one { share } else { nil } }
    set { if let newValue { change = .one(.masking(share: newValue)) } }
  }

  private var sides: ClosedRange<Int>? {
    get { one?.sides }
    set { if let newValue, let one { change = .one(one.with(sides: newValue)) } }
  }

  private var bits: Int? {
    get { if case .bitDepth(let bits) = one { bits } else { nil } }
    set { if let newValue { change = .one(.bitDepth(newValue)) } }
  }

  private var parts: Parts {
    get { if case .composition(let parts) = change { Parts(parts) } else { Parts([]) } }
    set { change = .composition(newValue.list) }
  }

  /// The parts of a composition, as plans write them.
  private struct Parts: SettingValue {
    var list: [TransformedInput]

    /// What a part may be called.
    static let names = InputTransformation.usual.map(\.name).joined(separator: ", ")

    init(_ list: [TransformedInput]) { self.list = list }

    init(flag: String, text: String, norm: PerturbationBudget.Norm) throws {
      throw SettingError("--\(flag) cannot be given here; write a plan")
    }

    init(from decoder: any Decoder) throws {
      var parts = try decoder.unkeyedContainer()
      list = []
      while !parts.isAtEnd {
        let fields = try parts.nestedContainer(keyedBy: SettingKey.self)
        let name = try fields.decode(String.self, forKey: SettingKey("name"))
        guard var part = TransformedInput.known.first(where: { $0.name == name }), part.one != nil
        else {
          throw SettingError("\(name) is no part of a composition; it takes \(Self.names)")
        }
        let known = Set(["name"] + part.settingNames)
        if let odd = fields.allKeys.map(\.stringValue).filter({ !known.contains($0) }).min() {
          throw SettingError(
            "\"\(odd)\" means nothing in a part of name \(name); it takes "
              + part.settingNames.joined(separator: ", "))
        }
        try part.take(from: fields)
        list.append(part)
      }
    }

    func encode(to encoder: any Encoder) throws {
      var parts = encoder.unkeyedContainer()
      for part in list {
        var fields = parts.nestedContainer(keyedBy: SettingKey.self)
        try fields.encode(part.name, forKey: SettingKey("name"))
        try part.write(to: &fields)
      }
    }
  }
}

extension InputTransformation {
  /// One of each kind, as strong as is usual.
  fileprivate static let usual: [InputTransformation] = [
    .gaussianNoise(standardDeviation: 0.05), .uniformNoise(radius: 0.1), .rotation(degrees: 20),
    .masking(share: 0.25),
    .cropAndPad(sides: nil), .resizeAndPad(sides: nil), .cropAndResize(sides: nil), .bitDepth(4),
  ]

  fileprivate var name: String {
    switch self {
    case .gaussianNoise: "gaussian"
    case .uniformNoise: "uniform"
    case .rotation: "rotation"
    case .masking: "masking"
    case .cropAndPad: "crop-pad"
    case .resizeAndPad: "resize-pad"
    case .cropAndResize: "crop-resize"
    case .bitDepth: "bit-depth"
    }
  }

  /// σ of Gaussian noise and r of uniform noise, on the pixel scale; degrees of a rotation.
  fileprivate var strength: Float? {
    switch self {
    case .gaussianNoise(let strength), .uniformNoise(let strength), .rotation(let strength):
      strength
    default: nil
    }
  }

  fileprivate func with(strength: Float) -> InputTransformation {
    switch self {
    case .gaussianNoise: .gaussianNoise(standardDeviation: strength)
    case .uniformNoise: .uniformNoise(radius: strength)
    case .rotation: .rotation(degrees: strength)
    default: self
    }
  }

  /// Whether it draws a random square, and so has sides.
  fileprivate var isSquare: Bool {
    switch self {
    case .cropAndPad, .resizeAndPad, .cropAndResize: true
    default: false
    }
  }

  /// The least and the largest side of a random square, in pixels.
  fileprivate var sides: ClosedRange<Int>? {
    switch self {
    case .cropAndPad(let sides), .resizeAndPad(let sides), .cropAndResize(let sides): sides
    default: nil
    }
  }

  fileprivate func with(sides: ClosedRange<Int>) -> InputTransformation {
    switch self {
    case .cropAndPad: .cropAndPad(sides: sides)
    case .resizeAndPad: .resizeAndPad(sides: sides)
    case .cropAndResize: .cropAndResize(sides: sides)
    default: self
    }
  }
}

extension RandomizedInput: DefendedClassifier where Base: DifferentiableClassifier {
  /// The mean over that many draws.
  public func simulated(sampleCount: Int) throws -> any DifferentiableClassifier {
    try RandomizedInput(
      base, transformations: transformations, sampleCount: isRandomized ? sampleCount : 1)
  }
}
