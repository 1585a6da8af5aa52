import Classification

/// The mean prediction over random changes of the input as plans name it: one change, or several in turn.
public struct TransformedInput: Defence, Adjustable, Hashable {
  /// What is done.
  enum Change: Hashable {
    case one(InputTransformation)
    /// A random square whose sides are from three quarters of the image's on.
    case square(Square)
    case composition([TransformedInput])
  }

  /// What is done with a random square.
  enum Square: String, CaseIterable {
    case cropAndPad = "crop-pad"
    case resizeAndPad = "resize-pad"
    case cropAndResize = "crop-resize"

    func transformation(_ sides: ClosedRange<Int>) -> InputTransformation {
      switch self {
      case .cropAndPad: .cropAndPad(sides: sides)
      case .resizeAndPad: .resizeAndPad(sides: sides)
      case .cropAndResize: .cropAndResize(sides: sides)
      }
    }
  }

  var change: Change
  /// N.
  var sampleCount: Int

  private init(_ change: Change, sampleCount: Int = usualSampleCount) {
    self.change = change
    self.sampleCount = sampleCount
  }

  /// One change, and the mean over N draws of it; one of a change that draws nothing.
  public init(_ transformation: InputTransformation, sampleCount: Int) {
    self.init(.one(transformation), sampleCount: transformation.isRandom ? sampleCount : 1)
  }

  /// Those that plans name, with their usual settings.
  package static var known: [TransformedInput] {
    [
      TransformedInput(
        .gaussianNoise(standardDeviation: 0.05), sampleCount: usualSampleCount),
      TransformedInput(.uniformNoise(radius: 0.1), sampleCount: usualSampleCount),
      TransformedInput(.rotation(degrees: 20), sampleCount: usualSampleCount),
    ] + Square.allCases.map { TransformedInput(.square($0)) } + [
      TransformedInput(.bitDepth(4), sampleCount: 1), TransformedInput(.composition([])),
    ]
  }

  /// What plans call the change: "gaussian", "composition".
  public var name: String {
    switch change {
    case .one(.gaussianNoise): "gaussian"
    case .one(.uniformNoise): "uniform"
    case .one(.rotation): "rotation"
    case .one(.cropAndPad): Square.cropAndPad.rawValue
    case .one(.resizeAndPad): Square.resizeAndPad.rawValue
    case .one(.cropAndResize): Square.cropAndResize.rawValue
    case .one(.bitDepth): "bit-depth"
    case .square(let square): square.rawValue
    case .composition: "composition"
    }
  }

  /// How strong each change is, and N.
  public var parameters: [String: String] { settingTexts }

  /// With a square from three quarters of the image's shorter side on, where none was said.
  public func resolved(for shape: ImageShape) -> TransformedInput {
    let side = min(shape.height, shape.width)
    var copy = self
    switch change {
    case .square(let square): copy.change = .one(square.transformation(side * 3 / 4...side))
    case .composition(let parts): copy.change = .composition(parts.map { $0.resolved(for: shape) })
    case .one: break
    }
    return copy
  }

  /// The mean over N draws of the change.
  public func defend(
    _ network: some DifferentiableClassifier, training: LabelledImages
  ) throws -> any DefendedClassifier {
    try RandomizedInput(
      network, transformations: resolved(for: network.imageShape).transformations,
      sampleCount: sampleCount)
  }

  private var transformations: [InputTransformation] {
    switch change {
    case .one(let transformation): [transformation]
    case .square: []
    case .composition(let parts): parts.flatMap(\.transformations)
    }
  }
}

// MARK: Settings

extension TransformedInput {
  package var settings: [Setting<TransformedInput>] {
    let draws = Setting.count("draws", \TransformedInput.sampleCount, of: "executions")
    return switch change {
    case .one(.gaussianNoise), .one(.uniformNoise), .one(.rotation):
      [Setting("strength", \.strength), draws]
    case .one(.bitDepth):
      [
        Setting("bits", \.bits, texts: { ["bits": "\($0), gradient straight through"] }),
        Setting(
          "draws", flags: [], \.sampleCount,
          problem: {
            $0 == 1
              ? nil : "the number of executions of bit-depth is \($0); it draws nothing, so 1"
          }),
      ]
    case .one, .square: [Setting("sides", \.sides), draws]
    case .composition:
      [
        Setting(
          "parts", flags: [], \.parts,
          texts: { parts in
            Dictionary(
              uniqueKeysWithValues: parts.list.enumerated().map { place, part in
                ("part \(place + 1)", part.title)
              })
          },
          problem: {
            $0.list.isEmpty ? Parts.problem : $0.list.lazy.compactMap(\.problem).first
          }), draws,
      ]
    }
  }

  /// As a part of a composition is called.
  private var title: String {
    ([name]
      + parameters.filter { $0.key != "draws" }.sorted { $0.key < $1.key }
      .map { "\($0.key) \($0.value)" }).joined(separator: ", ")
  }

  /// σ of Gaussian noise and r of uniform noise, on the pixel scale; degrees of a rotation.
  private var strength: Float? {
    get {
      switch change {
      case .one(.gaussianNoise(let strength)), .one(.uniformNoise(let strength)),
        .one(.rotation(let strength)):
        strength
      default: nil
      }
    }
    set {
      guard let newValue else { return }
      switch change {
      case .one(.gaussianNoise): change = .one(.gaussianNoise(standardDeviation: newValue))
      case .one(.uniformNoise): change = .one(.uniformNoise(radius: newValue))
      case .one(.rotation): change = .one(.rotation(degrees: newValue))
      default: break
      }
    }
  }

  /// The least and the largest side of a random square, in pixels.
  private var sides: ClosedRange<Int>? {
    get {
      switch change {
      case .one(.cropAndPad(let sides)), .one(.resizeAndPad(let sides)),
        .one(.cropAndResize(let sides)):
        sides
      default: nil
      }
    }
    set {
      if let newValue, let square = Square(rawValue: name) {
        change = .one(square.transformation(newValue))
      }
    }
  }

  /// Bits of a value.
  private var bits: Int? {
    get {
      if case .one(.bitDepth(let bits)) = change { bits } else { nil }
    }
    set {
      if let newValue { change = .one(.bitDepth(newValue)) }
    }
  }

  /// What is done in turn.
  private var parts: Parts {
    get {
      if case .composition(let parts) = change { Parts(list: parts) } else { Parts(list: []) }
    }
    set { change = .composition(newValue.list) }
  }
}

extension TransformedInput {
  /// The parts of a composition, as plans write them.
  private struct Parts: SettingValue {
    var list: [TransformedInput]

    static let problem = "a composition needs parts, each of them a change of the input"

    init(list: [TransformedInput]) { self.list = list }

    init(flag: String, text: String, norm: PerturbationBudget.Norm) throws {
      throw SettingError("--\(flag) cannot be given here; write a plan")
    }

    init(from decoder: any Decoder) throws {
      var parts = try decoder.unkeyedContainer()
      list = []
      while !parts.isAtEnd {
        let fields = try parts.nestedContainer(keyedBy: SettingKey.self)
        let name = try fields.decode(String.self, forKey: SettingKey("name"))
        guard var part = TransformedInput.known.first(where: { $0.name == name }),
          part.change != .composition([])
        else { throw SettingError(Self.problem) }
        let known = Set(["name"] + part.settings.map(\.name))
        if let odd = fields.allKeys.map(\.stringValue).filter({ !known.contains($0) }).min() {
          throw SettingError("\"\(odd)\" means nothing in a part of name \(name)")
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

  /// Several changes in turn, and the mean over N draws of all.
  public init(inTurn transformations: [InputTransformation], sampleCount: Int) {
    self.init(
      .composition(
        transformations.map { TransformedInput($0, sampleCount: usualSampleCount) }),
      sampleCount: sampleCount)
  }
}

extension RandomizedInput: DefendedClassifier where Base: DifferentiableClassifier {
  /// The mean over that many draws.
  public func simulated(sampleCount: Int) throws -> any DifferentiableClassifier {
    try RandomizedInput(
      base, transformations: transformations, sampleCount: isRandomized ? sampleCount : 1)
  }
}
