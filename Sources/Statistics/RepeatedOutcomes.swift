/// How a randomised classifier did on examples that it saw several times, on draws of its own each
/// time. Draws of one example are not independent examples: intervals count examples.
public struct RepeatedOutcomes: Sendable, Hashable, Codable {
  /// How one example came out.
  public struct Example: Sendable, Hashable, Codable {
    /// Draws on which the prediction was right.
    public var correct: Int
    /// Whether the true class was predicted more often than any other.
    public var isMajorityCorrect: Bool

    /// An example's outcome.
    public init(correct: Int, isMajorityCorrect: Bool) {
      self.correct = correct
      self.isMajorityCorrect = isMajorityCorrect
    }

    /// The outcome of predictions. A class that is predicted as often as the true one takes the
    /// majority from it.
    public init(predictions: [Int], label: Int) {
      var votes: [Int: Int] = [:]
      for prediction in predictions { votes[prediction, default: 0] += 1 }
      let correct = votes.removeValue(forKey: label) ?? 0
      self.init(correct: correct, isMajorityCorrect: correct > votes.values.max() ?? 0)
    }
  }

  /// R, the draws of every example.
  public let draws: Int
  /// Every example.
  public let examples: [Example]

  /// Outcomes on R ≥ 1 draws each.
  ///
  /// - Precondition: no example was right on fewer than 0 or more than R draws.
  public init(draws: Int, examples: [Example]) {
    precondition(
      draws >= 1 && examples.allSatisfy { 0...draws ~= $0.correct }, "there are \(draws) draws")
    self.draws = draws
    self.examples = examples
  }

  /// Examples whose true class was predicted most often.
  public var majority: Proportion { Proportion(examples.lazy.map(\.isMajorityCorrect)) }

  /// Examples that were right on every draw: broken once is broken.
  public var always: Proportion { Proportion(examples.lazy.map { $0.correct == draws }) }

  /// p̂, the mean over examples of the share of draws that were right: the accuracy of one prediction,
  /// without the luck of one draw. NaN without examples.
  public var mean: Double {
    Double(examples.reduce(0) { $0 + $1.correct }) / Double(draws * examples.count)
  }

  /// An interval for the expected accuracy over examples and draws: Wilson's, at the number of
  /// independent trials that would give the mean's variance, n* = p̂(1 − p̂)/(s²/n), where s² is the
  /// variance of the examples' shares; between the number of examples and that of all draws. Two examples
  /// more count for s², one right on every draw and one wrong on every: near 0 and 1 few shares say
  /// anything about it, and what was not seen is then taken to differ between examples.
  ///
  /// It contains the mean. An approximation: at 95% it covers the expected accuracy in 0.973 of the runs in the
  /// mean and 0.923 at least, sampled for six Beta laws of the examples' shares, 5, 20 and 100 examples and 2
  /// and 20 draws (`CoverageTests`). Source: the effective sample size of Korn and Graubard, 1998, in Wilson's
  /// interval, as Franco et al., "Comparative study of confidence intervals for proportions in complex
  /// sample surveys", 2019, recommend.
  ///
  /// - Precondition: 0 < confidence < 1.
  public func meanInterval(confidence: Double = 0.95) -> Interval {
    guard !examples.isEmpty else { return Interval(lower: 0, upper: 1) }
    let (n, mean) = (Double(examples.count), mean)
    let sum = examples.reduce(0.0) { sum, example in
      let distance = Double(example.correct) / Double(draws) - mean
      return sum + distance * distance
    }
    let variance = (sum + mean * mean + (1 - mean) * (1 - mean)) / ((n + 1) * n)
    let most = n * Double(draws)
    let size = variance > 0 ? min(max(mean * (1 - mean) / variance, n), most) : n
    return wilsonInterval(mean, trials: size, confidence: confidence)
  }
}
