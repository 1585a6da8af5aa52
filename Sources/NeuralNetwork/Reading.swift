import Statistics

/// One property of a network that its state dict does not show, and how it is read.
///
/// Names and shapes of tensors tell layers and widths. They do not tell what has no tensors: activations,
/// poolings, strides, where a shortcut starts, the scale of a pixel. Where published code with the same names and
/// shapes computes different functions, only whoever made the file knows which of them it is for.
package struct Reading: Sendable, Hashable {
  /// Which property. The raw value is its name in options, metadata and the digest of a checkpoint.
  package enum Question: String, CaseIterable, Sendable {
    case activation
    case blockOrder = "block-order"
    case bottleneckStride = "bottleneck-stride"
    case classOrder = "class-order"
    case finalPooling = "final-pooling"
    case normEpsilon = "norm-epsilon"
    case pixelRange = "pixel-range"
    case shortcut
    case shortcutPadding = "shortcut-padding"
    case stemPooling = "stem-pooling"

    /// What is computed for a network as it is described.
    package func answer(_ architecture: ResNet.Architecture) -> String {
      switch self {
      case .blockOrder: architecture.block.isPreActivation ? "pre-activation" : "post-activation"
      default: architecture.details.value(rawValue) ?? answers[0]
      }
    }

    /// The answers that can be computed for networks with the layers of this one.
    package func choices(_ architecture: ResNet.Architecture) -> [String] {
      answers.filter { answer in
        if answer == self.answer(architecture) { return true }
        var other = architecture
        return other.details.set(rawValue, to: answer) && other.isValid
      }
    }

    /// All answers that are known: first what most networks do.
    package var answers: [String] {
      typealias Details = ResNet.Architecture.Details
      func all<Value: CaseIterable & RawRepresentable<String>>(_ type: Value.Type) -> [String] {
        type.allCases.map(\.rawValue)
      }
      return switch self {
      case .activation: all(Details.Activation.self)
      case .blockOrder: ["post-activation", "pre-activation"]
      case .bottleneckStride: all(Details.BottleneckStride.self)
      case .classOrder: ["dataset"]
      case .finalPooling: ["mean", "max"]
      case .normEpsilon: all(Details.NormEpsilon.self)
      case .pixelRange: ["0-1", "0-255"]
      case .shortcut: all(Details.ProjectionSource.self)
      case .shortcutPadding: all(Details.ShortcutPadding.self)
      case .stemPooling: all(Details.StemPooling.self)
      }
    }

    /// The answers that can be computed here for some network.
    fileprivate var computable: [String] {
      switch self {
      case .finalPooling, .pixelRange: Array(answers.prefix(1))
      default: answers
      }
    }

    /// What an answer means.
    fileprivate func meaning(_ answer: String) -> String {
      switch (self, answer) {
      case (.activation, _):
        switch ResNet.Architecture.Details.Activation(rawValue: answer) {
        case .relu, nil: "ReLU behind every normalisation"
        case .silu: "x / (1 + e⁻ˣ) behind every normalisation"
        case .leaky: "x behind every normalisation, and x / 10 below 0"
        }
      case (.blockOrder, "pre-activation"):
        "normalisations and activations before their convolutions"
      case (.blockOrder, _):
        "convolutions before their normalisations, an activation after the sum"
      case (.bottleneckStride, "1x1"): "a bottleneck halves the image in its first convolution"
      case (.bottleneckStride, _): "a bottleneck halves the image in its 3×3 convolution"
      case (.classOrder, _): "logit k is class k of the data set"
      case (.finalPooling, _): "the mean over all pixels before the dense layer"
      case (.normEpsilon, "1e-3"): "batch normalisation adds 10⁻³ to a variance"
      case (.normEpsilon, _): "batch normalisation adds 10⁻⁵ to a variance"
      case (.pixelRange, _): "pixels are 0 to 1 before mean and deviation"
      case (.shortcut, "raw"): "a projection is given the block's input"
      case (.shortcut, "raw-later"):
        "a projection is given the block's input, but for the first stage, where it is given that behind the first "
          + "activation"
      case (.shortcut, "both-raw-later"):
        "a projection and the first convolution are given the block's input, but for the first stage, where they are "
          + "given that behind the first activation"
      case (.shortcut, _):
        "a projection is given the block's input behind its first normalisation and activation"
      case (.shortcutPadding, "end"):
        "a shortcut without parameters has every second pixel and the new channels behind"
      case (.shortcutPadding, _):
        "a shortcut without parameters has every second pixel and as many new channels on either side"
      case (.stemPooling, "max"):
        "a 3×3 max-pooling of stride 2 behind the first convolution"
      case (.stemPooling, _): "no max-pooling behind the first convolution"
      }
    }

    /// Whether a network of this kind answers the question at all.
    func concerns(_ architecture: ResNet.Architecture) -> Bool {
      switch self {
      case .bottleneckStride:
        architecture.block.kernels.count == 3 && architecture.widths.count > 1
      case .shortcutPadding: architecture.shortcut == .parameterFree
      case .shortcut:
        architecture.block.isPreActivation
          && architecture.stateTensors.contains { tensor in
            if case .projection = tensor.place { true } else { false }
          }
      default: true
      }
    }

    /// Whether an answer has no part in a checkpoint's digest: what everything was that had one before there was the
    /// question.
    func isUsual(_ answer: String) -> Bool { self == .shortcut && answer == answers[0] }
  }

  /// What an answer is taken from.
  package enum Evidence: Sendable, Hashable {
    /// The file is one of this package, which says it.
    case own
    case shapes
    case metadata
    case caller
    /// Nothing tells the answer, but all known code with these names and shapes computes the same one.
    case assumed
    /// Nothing tells the answer, and published code with these names and shapes computes another one, which cannot be
    /// computed here.
    case ambiguous
    /// Nothing tells the answer, and published code with these names and shapes computes several that can be computed
    /// here.
    case undecided
  }

  package let question: Question
  /// How it is read; nil where that has to be chosen.
  package let answer: String?
  package let evidence: Evidence
  /// What can be computed here for this network.
  package let choices: [String]
  /// What published code with these names and shapes computes.
  package let published: [String]

  /// Answers by question: how a caller, or the metadata of a file, reads it.
  package typealias Answers = [Question: String]

  /// Answers in text, by name. Case does not matter.
  ///
  /// - Throws: `ReadingError` unless question and answer are known and the answer can be computed for some network.
  package static func answers(
    _ texts: some Sequence<(key: String, value: String)>
  ) throws(ReadingError) -> Answers {
    var answers: Answers = [:]
    for (name, text) in texts.sorted(by: { $0.key < $1.key }) {
      guard let question = Question(rawValue: name.lowercased()) else {
        throw .question(name, Question.allCases.map(\.rawValue))
      }
      let answer = text.lowercased()
      guard question.answers.contains(answer) else { throw .unknown(name, text, question.answers) }
      guard question.computable.contains(answer) else {
        throw .uncomputable(name, answer, question.computable)
      }
      if let other = answers[question], other != answer {
        throw .contradicted(question.rawValue, other, answer)
      }
      answers[question] = answer
    }
    return answers
  }

  /// How the tensors of a network are read.
  ///
  /// - Parameters:
  ///   - recognized: the network of a state dict; nil for a file of this package.
  ///   - metadata: what the file says.
  ///   - caller: what the caller says.
  /// - Throws: `ReadingError` if somebody reads it as what names and shapes rule out, or two differ.
  package static func all(
    _ architecture: ResNet.Architecture, recognized: RecognizedNetwork?, metadata: Answers,
    caller: Answers
  ) throws(ReadingError) -> [Reading] {
    var readings: [Reading] = []
    for question in Question.allCases where question.concerns(architecture) {
      let own = question.answer(architecture)
      let choices = recognized == nil ? [own] : question.choices(architecture)
      let published = recognized.map { question.published($0) } ?? [own]
      for said in [caller[question], metadata[question]].compactMap(\.self)
      where !choices.contains(said) {
        throw .ruledOut(question.rawValue, said, choices)
      }
      if let first = caller[question], let second = metadata[question], first != second {
        throw .contradicted(question.rawValue, first, second)
      }
      func reading(_ answer: String?, _ evidence: Evidence) -> Reading {
        Reading(
          question: question, answer: answer, evidence: evidence, choices: choices,
          published: published)
      }
      let possible = published.filter(choices.contains)
      if let said = caller[question] {
        readings.append(reading(said, .caller))
      } else if let said = metadata[question] {
        readings.append(reading(said, .metadata))
      } else if recognized == nil {
        readings.append(reading(own, .own))
      } else if question == .blockOrder {
        // Where the width changes, a normalisation before its convolution has the block's input's width.
        readings.append(reading(own, published.count == 1 ? .shapes : .ambiguous))
      } else if possible.count > 1 {
        readings.append(reading(nil, .undecided))
      } else if let only = possible.first {
        readings.append(reading(only, published.count == 1 ? .assumed : .ambiguous))
      } else {
        throw .uncomputable(question.rawValue, published[0], choices)
      }
    }
    return readings
  }

  /// What the answer is and on what it rests, in one line.
  ///
  /// - Parameter option: the command's option that gives an answer.
  package func description(option: String = "--reading") -> String {
    let name = question.rawValue
    guard let answer else {
      let all = published.filter(choices.contains)
        .map { "\(option) \(name)=\($0) (\(question.meaning($0)))" }
      return "UNDECIDED: networks with these names and shapes are known that have "
        + "\(published.joined(separator: " or ")); choose with \(all.joined(separator: " or "))"
    }
    let others = choices.filter { $0 != answer }
    let choice = others.isEmpty ? "" : "; can be \(others.joined(separator: ", ")) by \(option)"
    let grounds =
      switch evidence {
      case .own: "as the file says"
      case .shapes: "as the shapes tell"
      case .metadata: "as the file's metadata say"
      case .caller: "as given"
      case .assumed: "assumed, names and shapes do not tell" + choice
      case .ambiguous, .undecided:
        "AMBIGUOUS: networks with these names and shapes are known that have "
          + published.filter { $0 != answer }.joined(separator: " or ")
          + " instead; confirm with \(option) \(name)=\(answer)"
      }
    return "\(answer) (\(question.meaning(answer)); \(grounds))"
  }
}

extension Reading.Question {
  /// What published code with the names and shapes of a network computes.
  fileprivate func published(_ network: RecognizedNetwork) -> [String] {
    if let answers = network.family.answers[self] { return answers }
    let (architecture, naming) = (network.architecture, network.naming)
    switch self {
    case .blockOrder:
      let own = answer(architecture)
      let widths = Set(architecture.widths + [architecture.stemWidth ?? architecture.widths[0]])
      return widths.count > 1 ? [own] : [own] + answers.filter { $0 != own }
    case .stemPooling:
      // github.com/huyvnphan/PyTorch_CIFAR10 keeps torchvision's pooling behind a 3×3 stem; others drop it.
      let isTorchvision = naming.dense == "fc" && naming.projection == "downsample.0"
      return isTorchvision && !architecture.block.isPreActivation ? answers : [answers[0]]
    case .shortcutPadding:
      // github.com/akamaster/pytorch_resnet_cifar10 pads on both sides, others behind.
      return naming.dense == "linear" ? [answers[0]] : answers
    default: return [answers[0]]
    }
  }
}

/// What is wrong with a reading that the user or a file's metadata ask for.
package enum ReadingError: ExplainedError, Equatable {
  case question(String, [String])
  case unknown(String, String, [String])
  case uncomputable(String, String, [String])
  case ruledOut(String, String, [String])
  case contradicted(String, String, String)

  /// `.usage`: what was asked for is wrong.
  package var cause: ErrorCause { .usage }

  package var description: String {
    func list(_ texts: [String]) -> String { texts.joined(separator: " or ") }
    switch self {
    case .question(let name, let all):
      return "there is no reading \(name.printable); there are \(all.joined(separator: ", "))"
    case .unknown(let name, let value, let all):
      return "the reading \(name.printable) is not \(value.printable); it is one of "
        + all.joined(separator: ", ")
    case .ruledOut(let name, let value, let choices):
      return """
        names and shapes of the tensors, or what the file says of itself, tell that \(name) is \(list(choices)) and not \(value.printable); leave that \
        reading out
        """
    case .uncomputable(let name, let value, let choices):
      return """
        a network whose \(name.printable) is \(value.printable) cannot be computed here, only \(list(choices)); \
        it would be evaluated as another function
        """
    case .contradicted(let name, let one, let other):
      return """
        \(name) is read as \(one.printable) and as \(other.printable), by the file's metadata and by what was given, \
        or twice; give one alone
        """
    }
  }
}
