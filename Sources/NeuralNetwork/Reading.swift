import Statistics

/// One property of a network that its state dict does not show, and how it is read.
///
/// Names and shapes of tensors tell layers and widths. They do not tell what has no tensors: activations,
/// poolings, strides, the scale of a pixel. One answer to every such question can be computed here. Where
/// published code with the same names and shapes computes another, only whoever made the file knows.
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
    case shortcutPadding = "shortcut-padding"
    case stemPooling = "stem-pooling"

    /// The answer that is computed for a network of this kind.
    package func taken(_ architecture: ResNet.Architecture) -> String {
      self == .blockOrder && architecture.block == .preActivation ? answers[1] : answers[0]
    }

    /// The answers that can be computed here for some network.
    fileprivate var computable: ArraySlice<String> { answers.prefix(self == .blockOrder ? 2 : 1) }

    /// The answers that can be computed here, then those of other networks, which cannot.
    package var answers: [String] {
      switch self {
      case .activation: ["relu", "leaky-relu", "silu"]
      case .blockOrder: ["post-activation", "pre-activation"]
      case .bottleneckStride: ["3x3", "1x1"]
      case .classOrder: ["dataset"]
      case .finalPooling: ["mean", "max"]
      case .normEpsilon: ["1e-5", "1e-3"]
      case .pixelRange: ["0-1", "0-255"]
      case .shortcutPadding: ["both-sides", "end"]
      case .stemPooling: ["none", "max"]
      }
    }

    /// What the computed answer means.
    fileprivate func meaning(_ answer: String) -> String {
      switch self {
      case .blockOrder where answer == "pre-activation":
        "normalisations and ReLU before their convolutions, and once more before the mean"
      case .activation: "ReLU behind every normalisation"
      case .blockOrder: "convolutions before their normalisations, ReLU after the sum"
      case .bottleneckStride: "a bottleneck halves the image in its 3×3 convolution"
      case .classOrder: "logit k is class k of the data set"
      case .finalPooling: "the mean over all pixels before the dense layer"
      case .normEpsilon: "batch normalisation adds 10⁻⁵ to a variance"
      case .pixelRange: "pixels are 0 to 1 before mean and deviation"
      case .shortcutPadding:
        "a shortcut without parameters has every second pixel and as many new channels on either side"
      case .stemPooling: "no max-pooling behind the first convolution"
      }
    }

    /// Whether a network of this kind answers the question at all.
    func concerns(_ architecture: ResNet.Architecture) -> Bool {
      switch self {
      case .bottleneckStride: architecture.block == .bottleneck && architecture.widths.count > 1
      case .shortcutPadding: architecture.shortcut == .parameterFree
      default: true
      }
    }
  }

  /// What an answer is taken from.
  package enum Evidence: Sendable, Hashable {
    /// The file is one of this package, which knows no other answer.
    case own
    case shapes
    case metadata
    case caller
    /// Nothing tells the answer, but all known code with these names and shapes computes the same one.
    case assumed
    /// Nothing tells the answer, and published code with these names and shapes computes another one.
    case ambiguous
  }

  package let question: Question
  /// How it is read.
  package let answer: String
  package let evidence: Evidence

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
        throw .uncomputable(name, text, question.answers[0])
      }
      answers[question] = answer
    }
    return answers
  }

  /// How the tensors of a network are read.
  ///
  /// - Parameters:
  ///   - naming: of the file; nil for a file of this package.
  ///   - metadata: what the file says.
  ///   - caller: what the caller says.
  /// - Throws: `ReadingError` if somebody reads it as what names and shapes rule out.
  package static func all(
    _ architecture: ResNet.Architecture, naming: StateNaming?, metadata: Answers, caller: Answers
  ) throws(ReadingError) -> [Reading] {
    var readings: [Reading] = []
    for question in Question.allCases where question.concerns(architecture) {
      let taken = question.taken(architecture)
      for said in [caller[question], metadata[question]].compactMap(\.self) where said != taken {
        throw .ruledOut(question.rawValue, said, taken)
      }
      let evidence: Evidence =
        if caller[question] != nil {
          .caller
        } else if metadata[question] != nil {
          .metadata
        } else if let naming {
          evidence(for: question, architecture, naming)
        } else {
          .own
        }
      readings.append(Reading(question: question, answer: taken, evidence: evidence))
    }
    return readings
  }

  private static func evidence(
    for question: Question, _ architecture: ResNet.Architecture, _ naming: StateNaming
  ) -> Evidence {
    switch question {
    case .blockOrder:
      // Where the width changes, a normalisation before its convolution has the block's input's width.
      Set(architecture.widths + [architecture.stemWidth ?? architecture.widths[0]]).count > 1
        ? .shapes : .ambiguous
    case .stemPooling:
      // github.com/huyvnphan/PyTorch_CIFAR10 keeps torchvision's pooling behind a 3×3 stem; others drop it.
      naming.style == .torchvision ? .ambiguous : .assumed
    case .shortcutPadding:
      // github.com/akamaster/pytorch_resnet_cifar10 pads on both sides, others behind.
      naming.style == .cifar ? .assumed : .ambiguous
    default: .assumed
    }
  }

  /// What the answer is and on what it rests, in one line.
  package var description: String {
    let grounds =
      switch evidence {
      case .own: "as in every file of this package"
      case .shapes: "as the shapes tell"
      case .metadata: "as the file's metadata say"
      case .caller: "as given"
      case .assumed: "assumed, names and shapes do not tell"
      case .ambiguous:
        "AMBIGUOUS: networks with these names and shapes are known that have "
          + question.answers.filter { $0 != answer }.joined(separator: " or ")
          + " instead; confirm with --reading \(question.rawValue)=\(answer)"
      }
    return "\(answer) (\(question.meaning(answer)); \(grounds))"
  }
}

/// What is wrong with a reading that the user or a file's metadata ask for.
package enum ReadingError: ExplainedError, Equatable {
  case question(String, [String])
  case unknown(String, String, [String])
  case uncomputable(String, String, String)
  case ruledOut(String, String, String)

  /// `.usage`: what was asked for is wrong.
  package var cause: ErrorCause { .usage }

  package var description: String {
    switch self {
    case .question(let name, let all):
      "there is no reading \(name.printable); there are \(all.joined(separator: ", "))"
    case .unknown(let name, let value, let all):
      "the reading \(name.printable) is not \(value.printable); it is one of "
        + all.joined(separator: ", ")
    case .ruledOut(let name, let value, let taken):
      """
      names and shapes of the tensors tell that \(name) is \(taken) and not \(value.printable); leave that reading \
      out
      """
    case .uncomputable(let name, let value, let taken):
      """
      a network whose \(name.printable) is \(value.printable) cannot be computed here, only \(taken); \
      it would be evaluated as another function
      """
    }
  }
}
