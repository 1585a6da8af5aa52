import Foundation

/// Votes, one after the other, and what they show of the probability p of a vote "yes": bounds for p that
/// hold at every number of votes together, so that one may stop whenever one likes.
///
/// Against "p ≤ m" a capital of 1 is bet. The share c of it that is at stake is lost with every "no" and
/// multiplied by 1/m with every "yes":
///
///     M_n(m) = ∫ (1 − c + c/m)^k (1 − c)^(n−k) dW(c),    k "yes" of n,    W = Beta(1, ½).
///
/// If p ≤ m no bet gains in the mean, so M_n(m) is a nonnegative supermartingale that starts at 1, and ever
/// reaches 1/α with probability at most α (Ville's inequality). Every factor falls as m rises, so what
/// refutes m refutes all below: with probability 1 − α none of the m ≥ p, of which there are as many as one
/// likes, is refuted at any n. So `lowerBound` may be asked for at every n and compared with every level.
///
/// With θ = m + (1 − m)c the integrand is the likelihood ratio of θ against m: this is Robbins' beta-binomial
/// mixture with its prior on [m, 1] alone. W has its mass near 1, for votes that are nearly unanimous.
/// Bets against "p ≥ m" are bets on the votes "no".
///
/// The votes need not be independent: it is enough that each is "yes" with probability p given those before.
/// Sources: Robbins, "Statistical methods related to the law of the iterated logarithm", Annals of
/// Mathematical Statistics 41, 1970; Waudby-Smith and Ramdas, JRSS B 86, 2024, for the bets.
public struct VoteSequence: Sendable, Hashable, ThresholdEvidence {
  /// n.
  public private(set) var trials = 0
  /// k.
  public private(set) var successes = 0

  /// No vote yet.
  public init() {}

  /// The sequence after k of n votes "yes", whose order does not matter.
  ///
  /// - Precondition: 0 ≤ k ≤ n.
  public init(_ votes: Proportion) {
    (trials, successes) = (votes.trials, votes.successes)
  }

  /// Takes the next vote.
  public mutating func add(_ isYes: Bool) {
    trials += 1
    if isYes { successes += 1 }
  }

  /// log M_n(m) against p ≤ m. 0 < m < 1.
  public func logEvidence(above m: Double) -> Double {
    logEvidence(Double(successes), Double(trials - successes), beyond: m, complement: 1 - m)
  }

  /// log M_n against p ≥ m. 0 < m < 1.
  public func logEvidence(below m: Double) -> Double {
    logEvidence(Double(trials - successes), Double(successes), beyond: 1 - m, complement: m)
  }

  /// The largest m for which p ≤ m is refuted at level α; 0 if none is. With probability 1 − α no such bound
  /// of any n is above p.
  ///
  /// - Precondition: 0 < α < 1.
  public func lowerBound(level alpha: Double) -> Double {
    precondition(alpha > 0 && alpha < 1, "level \(alpha) is not inside (0, 1)")
    let needed = -log(alpha)
    var (low, high) = (0.0, 1.0)
    while true {
      let middle = low + (high - low) / 2
      guard low < middle, middle < high else { return low }
      if logEvidence(above: middle) >= needed { low = middle } else { high = middle }
    }
  }

  /// The smallest m for which p ≥ m is refuted at level α; 1 if none is.
  ///
  /// - Precondition: 0 < α < 1.
  public func upperBound(level alpha: Double) -> Double {
    // By the share of "no", as 1 − m would round to 1.
    1
      - VoteSequence(Proportion(successes: trials - successes, trials: trials))
      .lowerBound(level: alpha)
  }

  /// Both bounds, each at half of 1 − confidence: with probability `confidence` the interval holds p at every
  /// n.
  ///
  /// - Precondition: 0 < confidence < 1.
  public func interval(confidence: Double = 0.95) -> Interval {
    let level = (1 - confidence) / 2
    return Interval(lower: lowerBound(level: level), upper: upperBound(level: level))
  }

  /// log of b B(k+1, f+b) I_{1−m}(f+b, k+1) / (m^k (1−m)^(f+b)), the integral in closed form, b = ½.
  private func logEvidence(
    _ k: Double, _ f: Double, beyond m: Double, complement: Double
  ) -> Double {
    precondition(m > 0 && complement > 0, "the probability \(m) is not inside (0, 1)")
    // Either may have been rounded to 1.
    let (logM, logComplement) =
      m <= complement ? (log(m), log1p(-m)) : (log1p(-complement), log(complement))
    let b = 0.5
    let (first, second) = (f + b, k + 1)
    if complement <= (first + 1) / (first + second + 2) {
      // The powers of I and those of the denominator cancel, so that nothing underflows.
      return log(b / first) + logM + log(incompleteBetaFraction(complement, first, second))
    }
    let logBeta = lgamma(first) + lgamma(second) - lgamma(first + second)
    return log(b) + logBeta + log(incompleteBeta(complement, first, second)) - k * logM
      - first * logComplement
  }
}
