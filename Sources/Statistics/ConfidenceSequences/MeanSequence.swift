import Foundation

/// Draws from [0, 1], one after the other, and what they show of their mean μ beside given thresholds m, at
/// every number of draws together.
///
/// Against "μ ≤ m" a capital is bet on every draw x_i, a share c of it at stake:
///
///     M_n(m) = Σ_c w_c Π_i (1 − c + c x_i/m),    Σ_c w_c = 1.
///
/// If μ ≤ m no bet gains in the mean, so M_n(m) ever reaches 1/α with probability at most α (Ville's
/// inequality); and what refutes m refutes all below, since every factor falls as m rises. Bets against
/// "μ ≥ m" are bets on the draws 1 − x_i. The shares are 1, 0.98, 0.95, 0.9, 0.8, 0.65 and 2^(−j/2), j =
/// 2, …, 15, with equal weights: near the best share, which depends on the unknown law, there is one
/// that gains hardly less. For votes, which are draws of 0 and 1, `VoteSequence` mixes over all shares.
///
/// The draws need not be independent: it is enough that each has mean μ given those before. O(20) for each
/// draw and threshold. A product of 10⁵ factors is right to a part in 10¹⁰; above 10³⁰⁰ a capital grows no
/// more.
///
/// Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86,
/// 2024, section 4; bets of fixed shares are its "diversified Kelly" bets.
public struct MeanSequence: Sendable, Hashable, ThresholdEvidence {
  /// The thresholds that can be asked for.
  public let thresholds: [Double]
  /// n.
  public private(set) var count = 0
  /// Σ x_i.
  public private(set) var sum = 0.0
  /// Π of every share, for one threshold after the other.
  private var above: [Double]
  private var below: [Double]

  private static let shares: [Double] =
    [1, 0.98, 0.95, 0.9, 0.8, 0.65] + (2...15).map { pow(2, -Double($0) / 2) }

  /// No draw yet.
  ///
  /// - Precondition: the thresholds are inside (0, 1).
  public init(thresholds: [Double]) {
    precondition(thresholds.allSatisfy { $0 > 0 && $0 < 1 }, "a threshold is not inside (0, 1)")
    self.thresholds = thresholds
    above = Array(repeating: 1, count: thresholds.count * Self.shares.count)
    below = above
  }

  /// Takes the next draw.
  ///
  /// - Precondition: 0 ≤ x ≤ 1.
  public mutating func add(_ x: Double) {
    precondition(x >= 0 && x <= 1, "the draw \(x) is not in [0, 1]")
    count += 1
    sum += x
    for (row, m) in thresholds.enumerated() {
      for (column, c) in Self.shares.enumerated() {
        let place = row * Self.shares.count + column
        above[place] = min(above[place] * (1 - c + c * x / m), 1e300)
        below[place] = min(below[place] * (1 - c + c * (1 - x) / (1 - m)), 1e300)
      }
    }
  }

  /// log M_n(m) against μ ≤ m.
  ///
  /// - Precondition: m is one of the thresholds.
  public func logEvidence(above m: Double) -> Double { logMean(above, m) }

  /// log M_n(m) against μ ≥ m.
  ///
  /// - Precondition: m is one of the thresholds.
  public func logEvidence(below m: Double) -> Double { logMean(below, m) }

  /// log M_n(m) against μ ≤ m after n draws that are all 1, the most that n draws can show.
  package static func logEvidence(ofOnes n: Int, above m: Double) -> Double {
    // Shifted by the largest term, that of the share 1.
    let terms = shares.map { Double(n) * log(1 - $0 + $0 / m) }
    let largest = terms[0]
    return largest + log(terms.reduce(0) { $0 + exp($1 - largest) } / Double(shares.count))
  }

  private func logMean(_ capitals: [Double], _ m: Double) -> Double {
    guard let row = thresholds.firstIndex(of: m) else {
      preconditionFailure("no bets were made against \(m)")
    }
    let count = Self.shares.count
    return log(capitals[row * count..<(row + 1) * count].reduce(0, +) / Double(count))
  }
}
