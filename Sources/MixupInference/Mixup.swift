import Classification
import Statistics

/// mix(λ, a, b) = λa + (1−λ)b.
///
/// Exact at λ = 0 and λ = 1 for finite values, symmetric under (λ, a, b) → (1−λ, b, a) where 1−λ is
/// exact, and never outside [0, 1] for values and λ in [0, 1]: rounding is monotone and the two
/// rounded weights add up to at most 1. Two products and a sum, each rounded: a fused product would
/// lose the symmetry, and is a library call on processors without the instruction.
@inlinable
public func mix(_ lambda: Float, _ a: Float, _ b: Float) -> Float {
  lambda * a + (1 - lambda) * b
}

/// mix(λ, a, b) for `count` values.
@inline(__always)
func mix(
  _ lambda: Float, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
  into result: UnsafeMutablePointer<Float>, count: Int
) {
  for place in 0..<count { result[place] = mix(lambda, a[place], b[place]) }
}

/// Mixup training pairs: x̃ = λx_i + (1−λ)x_j, ỹ = λy_i + (1−λ)y_j with λ ~ Beta(α, α).
///
/// Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018; equation (1) of Pang, Xu
/// and Zhu, ICLR 2020. Zhang's code takes one λ for a batch and one permutation, Pang's one λ for
/// every sample and two permutations.
public struct Mixup: Sendable, Hashable {
  /// How often λ is drawn.
  public enum LambdaDrawing: String, Sendable, Codable, CaseIterable {
    case perSample, perBatch
  }

  /// Who is mixed with whom; a sample meets itself once a batch on average, either way.
  public enum Pairing: String, Sendable, Codable, CaseIterable {
    /// Sample i with sample π(i).
    case onePermutation
    /// Sample π₁(i) with sample π₂(i).
    case twoPermutations
  }

  /// α of λ ~ Beta(α, α): 1 is uniform, 0 turns mixup off.
  public let alpha: Double
  /// How often λ is drawn.
  public let lambda: LambdaDrawing
  /// Who is mixed with whom.
  public let pairing: Pairing

  /// The settings; by default those of the original code but for one λ for every sample.
  ///
  /// - Throws: `MixupError.alpha` unless α is finite and not negative.
  public init(
    alpha: Double = 1, lambda: LambdaDrawing = .perSample, pairing: Pairing = .onePermutation
  ) throws(MixupError) {
    guard alpha >= 0, alpha.isFinite else { throw .alpha(alpha) }
    self.alpha = alpha
    self.lambda = lambda
    self.pairing = pairing
  }

  /// The mixed inputs [N, …] and soft targets [N, L] of a batch; the inputs themselves with one-hot
  /// targets if α = 0.
  ///
  /// - Parameters:
  ///   - inputs: N samples of any shape, [N, …].
  ///   - key: names the random numbers: purpose `.mixup`, and a step or a draw of its own for every
  ///     batch that is mixed independently.
  /// - Throws: `MixupError` unless every sample has a label in 0..<classCount.
  public func mixed(
    _ inputs: Tensor, labels: [Int], classCount: Int, key: RandomKey
  ) throws(MixupError) -> MixedBatch {
    guard inputs.shape.first == labels.count else {
      throw .labelCount(labels: labels.count, samples: inputs.shape.first ?? 0)
    }
    if let bad = labels.firstIndex(where: { $0 < 0 || $0 >= classCount }) {
      throw .label(labels[bad], sample: bad, classCount: classCount)
    }
    let pairs = pairs(count: labels.count, key: key)
    var targets = Tensor(shape: [labels.count, max(classCount, 0)])
    targets.withUnsafeMutablePointer { values in
      for (row, pair) in pairs.enumerated() {
        let (first, second) = (labels[pair.first], labels[pair.second])
        values[row * classCount + first] = first == second ? 1 : pair.lambda
        if first != second { values[row * classCount + second] = 1 - pair.lambda }
      }
    }
    guard alpha > 0 else { return MixedBatch(inputs: inputs, targets: targets) }

    let width = inputs.rowCount
    var mixed = Tensor(uninitialized: inputs.shape)
    mixed.withUnsafeMutablePointer { result in
      inputs.withUnsafePointer { source in
        for (row, pair) in pairs.enumerated() {
          mix(
            pair.lambda, source + pair.first * width, source + pair.second * width,
            into: result + row * width, count: width)
        }
      }
    }
    return MixedBatch(inputs: mixed, targets: targets)
  }

  /// λ and the two partners of one mixed sample.
  package struct Pair: Sendable, Equatable {
    package var lambda: Float
    package var first: Int
    package var second: Int
  }

  /// The pairs of a batch; every sample with itself if α = 0.
  package func pairs(count: Int, key: RandomKey) -> [Pair] {
    guard alpha > 0, count > 0 else {
      return (0..<count).map { Pair(lambda: 1, first: $0, second: $0) }
    }
    var stream = RandomStream(key)
    let shared = lambda == .perBatch ? Float(stream.beta(alpha, alpha)) : nil
    let lambdas = (0..<count).map { _ in shared ?? Float(stream.beta(alpha, alpha)) }
    let first = pairing == .twoPermutations ? stream.permutation(of: count) : Array(0..<count)
    let second = stream.permutation(of: count)
    return (0..<count).map { Pair(lambda: lambdas[$0], first: first[$0], second: second[$0]) }
  }
}

/// Samples to train on after mixup.
public struct MixedBatch: Sendable, Equatable {
  /// x̃, [N, …].
  public var inputs: Tensor
  /// ỹ, [N, L]: no negative entry, and every row adds up to 1.
  public var targets: Tensor

  /// Inputs [N, …] with their soft targets [N, L].
  public init(inputs: Tensor, targets: Tensor) {
    self.inputs = inputs
    self.targets = targets
  }
}

/// What can be wrong with mixup or its batch.
public enum MixupError: ExplainedError, Equatable {
  case alpha(Double)
  case labelCount(labels: Int, samples: Int)
  case label(Int, sample: Int, classCount: Int)

  /// `.usage` for α, `.data` for labels.
  public var cause: ErrorCause {
    switch self {
    case .alpha: .usage
    case .labelCount, .label: .data
    }
  }

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .alpha(let alpha):
      "mixup needs a finite α of at least 0 (0 turns it off), found \(alpha)"
    case .labelCount(let labels, let samples):
      "mixup got \(labels) labels for \(samples) samples; every sample needs one"
    case .label(let label, let sample, let classCount):
      "sample \(sample) has label \(label); labels are 0 to \(classCount - 1)"
    }
  }
}
