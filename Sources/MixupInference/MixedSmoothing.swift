import Classification
import Robustness
import Statistics

/// Mixup inference with Gaussian noise behind the mixing, as a smoothed classifier: T(x) = λx + (1−λ)x_s +
/// N(0, σ²), without clipping.
///
/// A change δ of the image moves T(x) by λδ, so the noise is that of standard deviation σ/λ on the image. The
/// partners x_s depend on the label ŷ = argmax F(x) of the un-mixed image, in which an attacker has a part: their
/// law is one of L, one for every ŷ, and a certificate has to hold under all of them. It is a certificate of
/// argmax_k E[F_k(T(x))], mixup inference with infinitely many executions, and of no mean over N. Without
/// noise nothing is certified: partners are finitely many, and arbitrarily small changes can be enough.
///
/// The chapter Certificates of this module has the proof.
public struct MixedSmoothing: SmoothedClassifier {
  /// F.
  public let base: any DifferentiableClassifier
  /// The clean images to mix with.
  public let pool: SamplePool
  /// Whose images are mixed in.
  public let partner: PartnerLabel
  /// λ.
  public let lambda: MixingRatio
  /// σ, on the pixel scale, behind the mixing.
  public let noise: Double

  /// A smoothed classifier around `base`.
  ///
  /// - Throws: `CertificationError` unless λ is above 0 and σ is finite and above 0; `MixupInferenceError` if the
  ///   pool does not fit the base, or there is no other label to mix with.
  public init(
    _ base: any DifferentiableClassifier, pool: SamplePool, partner: PartnerLabel,
    lambda: MixingRatio, noise: Double
  ) throws {
    try CertificationError.check(noise: noise)
    guard lambda > 0 else { throw CertificationError.ratio }
    let mixing = Mixing(lambda: lambda, sampleCount: 1)
    /// The checks of pool and base are those of the defence.
    func check(_ base: some Classifier) throws {
      _ = try MixupInference(
        base, pool: pool,
        rule: partner == .predicted ? .predictedLabel(mixing) : .otherLabel(mixing))
    }
    try check(base)
    self.base = base
    self.pool = pool
    self.partner = partner
    self.lambda = lambda
    self.noise = noise
  }

  /// σ/λ.
  public var standardDeviation: Double { noise / lambda.doubleValue }
  /// λ.
  public var inputShare: Float { lambda.value }
  /// L, one law of the partners for every predicted label.
  public var lawCount: Int { base.classCount }

  /// ŷ = argmax F(x).
  public func laws(of images: Pixels, draws: Draws) throws -> [Int] {
    try base.predictions(of: images, draws: draws)
  }

  /// Writes one λx + (1−λ)x_s + N(0, σ²), x_s of the partners of the label `law`.
  public func draw(
    _ image: UnsafePointer<Float>, law: Int, from stream: inout RandomStream,
    into result: UnsafeMutablePointer<Float>
  ) {
    let width = base.imageShape.count
    let chosen = pool.draw(partner, predicted: law, from: &stream)
    pool.images.pixels.withImage(chosen.position) {
      mix(lambda.value, image, $0, into: result, count: width)
    }
    stream.standardNormals(width) { result[$0] += Float(noise * $1) }
  }
}
