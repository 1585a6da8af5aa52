import Classification
import Foundation
import Robustness
import Statistics
import TestSupport
import Testing

@Suite("Losses of attacks")
struct AttackLossTests {
  private let labels = [0, 3, 2, 4, 1, 0]
  private let targets = [1, 0, 4, 2, 3, 4]

  /// Logits of which no two are near each other, so that no order changes with a small step.
  private func apart() throws -> Tensor {
    var stream = RandomStream(RandomKey(seed: 4, purpose: .test))
    let values = (0..<6).flatMap { _ in
      stream.permutation(of: 5).map { [-2, -0.9, 0.1, 1.3, 2.2][$0] + stream.uniform() / 4 }
    }
    return try Tensor(values, shape: [6, 5])
  }

  private func logits(_ seed: UInt64 = 1, scale: Float = 2) throws -> Tensor {
    var stream = RandomStream(RandomKey(seed: seed, purpose: .test))
    return try Tensor(
      (0..<30).map { _ in scale * Float(stream.standardNormal()) }, shape: [6, 5])
  }

  // Central differences of step 2⁻⁷ of a loss with third derivatives of about 1 are within 2⁻¹⁴; z ± h is
  // exact to 2⁻²² or so in Float, which the values in Double amplify by 1/2h = 2⁶.
  @Test("have the gradient that differences show", arguments: AttackLoss.allCases, [false, true])
  func gradient(_ loss: AttackLoss, _ isTargeted: Bool) throws {
    let targets = isTargeted ? self.targets : nil
    let logits = try apart()
    let gradient = loss.gradient(of: logits, labels: labels, targets: targets)
    for place in 0..<30 {
      func values(_ change: Float) throws -> [Double] {
        var moved = logits.values
        moved[place] += change
        return loss.values(of: try Tensor(moved, shape: [6, 5]), labels: labels, targets: targets)
      }
      let (up, down) = (try values(0x1p-7), try values(-0x1p-7))
      for n in 0..<6 {
        let slope = (up[n] - down[n]) / 0x1p-6
        #expect(abs(slope - (n == place / 5 ? Double(gradient[place]) : 0)) <= 1e-3)
      }
    }
  }

  @Test("do not change with a shift of the logits", arguments: AttackLoss.allCases, [false, true])
  func shift(_ loss: AttackLoss, _ isTargeted: Bool) throws {
    let targets = isTargeted ? self.targets : nil
    let logits = try logits()
    let shifted = logits.map { $0 + 3 }
    // One rounding of z + 3 below 16: 2⁻²¹ in each of a few logits.
    for (a, b) in zip(
      loss.values(of: logits, labels: labels, targets: targets),
      loss.values(of: shifted, labels: labels, targets: targets))
    {
      #expect(abs(a - b) <= 1e-5)
    }
  }

  @Test(
    "DLR does not change with the scale of the logits; its gradient changes inversely",
    arguments: [false, true])
  func scale(_ isTargeted: Bool) throws {
    let targets = isTargeted ? self.targets : nil
    let logits = try logits()
    let loss = AttackLoss.logitsRatio
    let scaled = logits.map { $0 * 8 }
    // 10⁻¹² in the denominator is all that differs.
    for (a, b) in zip(
      loss.values(of: logits, labels: labels, targets: targets),
      loss.values(of: scaled, labels: labels, targets: targets))
    {
      #expect(abs(a - b) <= 1e-9 * max(1, abs(a)))
    }
    let (a, b) = (
      loss.gradient(of: logits, labels: labels, targets: targets),
      loss.gradient(of: scaled, labels: labels, targets: targets)
    )
    for place in 0..<30 { #expect(abs(a[place] - 8 * b[place]) <= 1e-5) }
  }

  @Test(
    "of a margin are positive exactly where the prediction is wrong; the log odds are not negative there"
  )
  func signs() throws {
    for seed in 1...20 {
      let logits = try logits(UInt64(seed))
      let isWrong = zip(try argmax(rowsOf: logits), labels).map(!=)
      for loss in [AttackLoss.margin, .logitsRatio, .probabilityMargin] {
        let values = loss.values(of: logits, labels: labels)
        #expect(values.map { $0 > 0 } == isWrong, "\(loss)")
      }
      // p_y < 1/2 if there is anything as probable, and log odds are a function of the cross-entropy.
      let (odds, entropy) = (
        AttackLoss.logOdds.values(of: logits, labels: labels),
        AttackLoss.crossEntropy.values(of: logits, labels: labels)
      )
      for n in 0..<6 {
        #expect(!isWrong[n] || odds[n] >= 0)
        #expect(abs(entropy[n] - log1p(exp(odds[n]))) <= 1e-9 * max(1, entropy[n]))
      }
    }
  }

  /// Five classes, of which two are impossible.
  private func impossible() throws -> Tensor {
    try Tensor([1, 2, -.infinity, -.infinity, 0], shape: [1, 5])
  }

  @Test("take logits of −∞, a class of probability 0", arguments: AttackLoss.allCases)
  func impossibleClasses(_ loss: AttackLoss) throws {
    #expect(loss.values(of: try impossible(), labels: [0])[0].isFinite)
  }

  // A ratio to a logit of −∞ is none.
  @Test(
    "have a gradient that is 0 in logits of −∞, but for the ratio of logits",
    arguments: AttackLoss.allCases.filter { $0 != .logitsRatio })
  func impossibleClassesHaveNoGradient(_ loss: AttackLoss) throws {
    let gradient = loss.gradient(of: try impossible(), labels: [0])
    #expect(gradient.values.allSatisfy { $0.isFinite })
    #expect(gradient[2] == 0 && gradient[3] == 0)
  }
}
