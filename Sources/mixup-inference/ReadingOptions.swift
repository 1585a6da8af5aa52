import ArgumentParser
import NeuralNetwork

/// How a checkpoint is read where its file does not say.
struct ReadingOptions: ParsableArguments {
  @Option(
    help: """
      Means of the network's input scaling, r,g,b, where pixels are 0 to 1; for a file that does not \
      say them.
      """)
  var mean: String?

  @Option(help: "Standard deviations of the network's input scaling, r,g,b, as --mean.")
  var std: String?

  @Option(
    name: .customLong("reading"),
    help: """
      A property of the network that names and shapes of its tensors leave open, such as \
      stem-pooling=none or shortcut=raw; `inspect` lists them. May be repeated.
      """)
  var readings: [String] = []

  /// Whether none of them is given.
  var isEmpty: Bool { mean == nil && std == nil && readings.isEmpty }

  func reading() throws -> CheckpointReading {
    try CheckpointReading(mean: mean, std: std, readings: readings, prefix: "--")
  }
}

/// What the command line says about a checkpoint's file.
struct CheckpointReading {
  var normalization: Normalization?
  var answers: Reading.Answers = [:]
  /// The option that gives an answer.
  var option = "--reading"
  /// Advice for a file and a command line that both do not say how the network's input is scaled.
  var advice = "write it into the file with --mean and --std of fixtures/convert_checkpoint.py"

  /// A command line that says nothing about the file.
  init() {}

  /// - Parameter prefix: what the options begin with: "--" or "--other-".
  /// - Throws: `Failure`, `NormalizationError` and `ReadingError` for what makes no sense.
  init(mean: String?, std: String?, readings: [String], prefix: String) throws {
    advice = "give \(prefix)mean and \(prefix)std"
    option = "\(prefix)reading"
    if mean != nil || std != nil {
      guard let mean, let std else {
        throw Failure.usage("\(prefix)mean and \(prefix)std belong together; give both or neither")
      }
      let scaling = try Normalization(
        mean: Self.numbers(mean, "\(prefix)mean"),
        standardDeviation: Self.numbers(std, "\(prefix)std"))
      if let problem = scaling.implausibility {
        throw Failure.usage("\(prefix)mean and \(prefix)std: \(problem)")
      }
      normalization = scaling
    }
    answers = try Reading.answers(
      readings.map { text in
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
          throw Failure.usage("\(prefix)reading is \(text); give such as stem-pooling=none")
        }
        return (key: String(parts[0]), value: String(parts[1]))
      })
  }

  private static func numbers(_ text: String, _ option: String) throws -> [Float] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let number = Float($0) else {
        throw Failure.usage("\(option) is \(text); give numbers with commas between them")
      }
      return number
    }
  }
}
