/// How a randomised classifier did on examples that it saw several times, each time with fresh random
/// draws. The answers to one example are not independent trials as different examples are, so intervals
/// are made over examples.
public struct RepeatedOutcomes: Sendable, Hashable, Codable {
  /// How one example came out.
  public struct Example: Sendable, Hashable, Codable {
    /// The number of draws on which the prediction was right.
    public var correct: Int
    /// Whether the true class was predicted more often than any other.
    public var isMajorityCorrect: Bool

    /// An example's outcome.
    public init(correct: Int, isMajorityCorrect: Bool) {
      self.correct = correct
      self.isMajorityCorrect = isMajorityCorrect
    }

    /// The outcome of predictions for one example. Where another class is predicted as often as the true
    /// one, the majority is not correct.
    public init(predictions: [Int], label: Int) {
      var votes: [Int: Int] = [:]
      for prediction in predictions { votes[prediction, default: 0] += 1 }
      let correct = votes.removeValue(forKey: label) ?? 0
      self.init(correct: correct, isMajorityCorrect: correct > votes.values.max() ?? 0)
    }
  }

  /// R, the number of draws for every example.
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

  /// The share of examples whose true class was predicted most often.
  public var majority: Proportion { Proportion(examples.lazy.map(\.isMajorityCorrect)) }

  /// The share of examples that were right on every draw: one wrong answer counts the example as wrong.
  public var always: Proportion { Proportion(examples.lazy.map { $0.correct == draws }) }

  /// p̂, the mean over examples of the share of draws that were right: the accuracy of one prediction,
  /// without the luck of one draw. NaN without examples.
  public var mean: Double {
    Double(examples.reduce(0) { $0 + $1.correct }) / Double(draws * examples.count)
  }

  /// An interval for the expected accuracy over examples and draws: Wilson's interval at p̂, with n* =
  /// p̂(1 − p̂)/(s²/n) in place of the number of trials: the number of independent trials that would give
  /// p̂ its variance s²/n. n is the number of examples, s² the variance of the examples' shares of right
  /// draws; n* is kept between n and the number nR of all draws.
  ///
  /// s² is computed with two examples more, one right on every draw and one wrong on every draw. Near
  /// accuracies of 0 and 1 the observed shares are nearly all equal, and s² alone would make the interval
  /// too short.
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
