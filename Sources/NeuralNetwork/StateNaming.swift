/// A layer of a residual network, by its place. Stages, blocks and the convolutions of a block count from 0.
package enum LayerPlace: Hashable, Sendable {
  case stem
  /// Behind the first convolution of a post-activation network.
  case stemNormalization
  case convolution(stage: Int, block: Int, Int)
  /// That of the convolution of the same number: behind it, or in a pre-activation block before it.
  case normalization(stage: Int, block: Int, Int)
  case projection(stage: Int, block: Int)
  case projectionNormalization(stage: Int, block: Int)
  /// Behind the last block of a pre-activation network.
  case lastNormalization
  case dense

  /// Whether it is a normalisation.
  var isNormalization: Bool {
    switch self {
    case .stemNormalization, .normalization, .projectionNormalization, .lastNormalization: true
    case .stem, .convolution, .projection, .dense: false
    }
  }
}

/// What a state dict calls the layers of a residual network, word by word.
package struct StateNaming: Hashable, Sendable {
  /// A word of a name that counts, or one that does not: the last number in it, if there is one, is the first that
  /// it counts from. `layer1` stands for layer1, layer2, …, and `blocks.0.layer` for blocks.0.layer, blocks.1.layer, ….
  package struct Word: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// With the first number.
    package let description: String

    package init(stringLiteral text: String) { description = text }

    /// The word with a number, from 0.
    package func callAsFunction(_ number: Int) -> String {
      guard let end = description.lastIndex(where: \.isNumber) else { return description }
      let behind = description.index(after: end)
      let start = description[..<end].lastIndex { !$0.isNumber }
      let digits = (start.map(description.index(after:)) ?? description.startIndex)..<behind
      let first = Int(description[digits]) ?? 0
      return description[..<digits.lowerBound] + "\(first + number)" + description[behind...]
    }
  }

  /// What every name starts with: empty, or such as `module.`, which PyTorch's `DataParallel` puts
  /// there, `_orig_mod.` of `torch.compile`, or `1.` of a `Sequential` behind a scaling, or several of them.
  package var prefix = ""
  /// The same of the dense layer.
  package var densePrefix = ""
  package var stem = "conv1"
  /// The normalisation behind the first convolution, or that behind the last block.
  package var outerNormalization = "bn1"
  package var stage: Word = "layer1"
  package var convolution: Word = "conv1"
  package var normalization: Word = "bn1"
  package var projection = "downsample.0"
  package var dense = "fc_dense"

  /// The names that this package uses, which are those of the official code of Mixup Inference.
  package static let postActivation = StateNaming()
  /// The names that this package uses for pre-activation networks, which are those of TRADES but for the dense layer.
  package static let preActivation: StateNaming = {
    var naming = StateNaming()
    (naming.stage, naming.projection) = ("block1.layer", "convShortcut")
    return naming
  }()

  /// The names that this package uses for a network with such blocks.
  package static func own(_ block: ResNet.Architecture.Block) -> StateNaming {
    block.isPreActivation ? preActivation : postActivation
  }

  package init() {}

  /// The name of a layer, without a dot behind.
  package func name(_ place: LayerPlace) -> String {
    func inside(_ stage: Int, _ block: Int, _ rest: String) -> String {
      "\(prefix)\(self.stage(stage)).\(block).\(rest)"
    }
    return switch place {
    case .stem: prefix + stem
    case .stemNormalization, .lastNormalization: prefix + outerNormalization
    case .convolution(let stage, let block, let number): inside(stage, block, convolution(number))
    case .normalization(let stage, let block, let number):
      inside(stage, block, normalization(number))
    case .projection(let stage, let block): inside(stage, block, projection)
    case .projectionNormalization(let stage, let block):
      // Of a `Sequential` of two; nobody has another one.
      inside(
        stage, block,
        projection.hasSuffix(".0") ? projection.dropLast() + "1" : projection + ".norm")
    case .dense: densePrefix + dense
    }
  }

  // MARK: Finding

  // What public code calls each layer. Whatever is called otherwise besides is a tensor that nothing explains.
  private static let stems = ["conv1", "conv", "conv_1", "init_conv", "stem_conv", "conv_2d"]
  private static let outerNormalizations = ["bn1", "bn", "bn_1", "batchnorm"]
  // Of two that begin alike the one that counts from 0 comes first.
  private static let stages: [Word] = [
    "layer1", "layer_0", "layer_1", "stage1", "stage_1", "conv_1", "block1.layer", "blocks.0.layer",
    "layer.0.block",
  ]
  private static let convolutions: [Word] = ["conv1", "conv_0", "conv_1", "conv_2d_1"]
  private static let normalizations: [Word] = ["bn1", "batchnorm_0", "bn_1"]
  private static let projections = ["downsample.0", "shortcut.0", "convShortcut", "shortcut"]
  private static let denses = ["fc_dense", "fc", "linear", "logits", "classifier"]
  // A toolkit keeps the body of a network under one name and its dense layer under another.
  private static let (body, head) = ("backbone.", "head.")

  /// The names of a dense layer that are looked for, for messages.
  static var denseNames: String { denses.map { $0 + ".weight" }.joined(separator: ", ") }

  /// The prefixes under which there is a first convolution of a block, or else anything of a block, or else a dense
  /// layer, with the word for a stage: shortest first, and of equally long ones in alphabetical order, so that the order
  /// of `names` does not matter.
  package static func prefixes(in names: Set<String>) -> [(prefix: String, stage: Word?)] {
    // Of several words under one prefix the first in the list.
    var found: [String: Word?] = [:]
    func add(_ prefixes: Set<String>, _ stage: Word?) {
      for prefix in prefixes where found[prefix] == nil { found.updateValue(stage, forKey: prefix) }
    }
    /// What stands before a word at the end of names.
    func before(_ end: String) -> Set<String> {
      Set(
        names.filter { $0.hasSuffix(end) }.map { String($0.dropLast(end.count)) }
          .filter { $0.isEmpty || $0.hasSuffix(".") })
    }
    for stage in stages {
      for convolution in convolutions {
        add(before("\(stage(0)).0.\(convolution(0)).weight"), stage)
      }
    }
    for stage in found.isEmpty ? stages : [] {
      let start = stage(0) + ".0."
      let prefixes = names.compactMap { name in
        name.hasPrefix(start)
          ? "" : name.firstRange(of: "." + start).map { name[..<$0.lowerBound] + "." }
      }
      add(Set(prefixes), stage)
    }
    for dense in found.isEmpty ? denses : [] { add(before(dense + ".weight"), nil) }
    return found.map { (prefix: $0.key, stage: $0.value) }
      .sorted { ($0.prefix.utf8.count, $0.prefix) < ($1.prefix.utf8.count, $1.prefix) }
  }

  /// The naming that these names follow; nil if they hold neither blocks nor a dense layer.
  package init?(of names: some Collection<String>) {
    let names = Set(names)
    guard let (prefix, stage) = Self.prefixes(in: names).first else { return nil }
    self.prefix = prefix
    func first<Choice>(_ choices: [Choice], _ isThere: (Choice) -> Bool) -> Choice {
      choices.first(where: isThere) ?? choices[0]
    }
    self.stage = stage ?? "layer1"
    let block = "\(prefix)\(self.stage(0)).0."
    stem = first(Self.stems) { names.contains("\(prefix)\($0).weight") }
    outerNormalization = first(Self.outerNormalizations) {
      names.contains("\(prefix)\($0).weight") || names.contains("\(prefix)\($0).running_mean")
    }
    convolution = first(Self.convolutions) { names.contains("\(block)\($0(0)).weight") }
    normalization = first(Self.normalizations) { names.contains("\(block)\($0(0)).weight") }
    projection = first(Self.projections) { word in
      names.contains { $0.hasPrefix(prefix) && $0.hasSuffix(".\(word).weight") }
    }
    densePrefix = prefix
    dense = first(Self.denses) { names.contains("\(prefix)\($0).weight") }
    if !names.contains("\(name(.dense)).weight"), prefix.hasSuffix(Self.body) {
      let outside = prefix.dropLast(Self.body.count) + Self.head
      if let word = Self.denses.first(where: { names.contains("\(outside)\($0).weight") }) {
        (densePrefix, dense) = (String(outside), word)
      }
    }
  }

  /// The words by which one tells this naming from others.
  package var description: String {
    let inside = prefix.isEmpty ? "" : ", \(prefix.printable) in front"
    return
      "\(stage).0.\(convolution), \(projection), \(densePrefix == prefix ? dense : densePrefix + dense)\(inside)"
      .printable
  }

  /// Whether a tensor only counts what training did, which no layer needs: one whole number under one
  /// of the names that PyTorch's batch normalisation, averages of weights and optimisers give it.
  package static func isCounter(_ entry: SafetensorsHeader.Entry) -> Bool {
    guard entry.count == 1 else { return false }
    let name = entry.name.split(separator: ".").last.map(String.init) ?? ""
    // Some files hold this counter in the type of the weights rather than as a whole number.
    return name == "num_batches_tracked" || entry.type.isInteger && counters.contains(name)
  }

  private static let counters: Set<String> = [
    "n_averaged", "num_updates", "num_steps", "global_step", "step", "steps", "epoch", "epochs",
    "iteration", "iterations", "counter", "count",
  ]
}
