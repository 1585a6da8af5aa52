import Classification
import Foundation
import Statistics

/// A classifier F behind Gaussian noise, whose prediction for an image x is the class that F gives most often,
/// or with the largest mean probability, to random images T(x).
///
/// T(x) = a (x + s Z) + B, where Z is standard normal noise, one number for every value of the image, s the
/// `standardDeviation`, and B an independent random image. The law of B may differ by law, one of
/// `lawCount`, and x may have a part in the choice among them. Then for every law and class k the mean h_k(x) of
/// F_k(T(x)), a value in [0, 1], is a function that the noise has smoothed, and x ↦ Φ⁻¹(h_k(x)) changes by no
/// more than ‖δ‖₂/s when x does by δ: see `certifiedRadius(probability:standardDeviation:)`.
public protocol SmoothedClassifier: Sendable {
  /// F.
  var base: any DifferentiableClassifier { get }
  /// s, on the pixel scale.
  var standardDeviation: Double { get }
  /// a: what share of the image there is in T(x), and so of a gradient.
  var inputShare: Float { get }
  /// The number of laws that an attacker can choose among by changing the image.
  var lawCount: Int { get }
  /// The law that answers for every image, in 0..<lawCount.
  func laws(of images: Pixels, draws: Draws) throws -> [Int]
  /// Writes one T(x) under a law.
  func draw(
    _ image: UnsafePointer<Float>, law: Int, from stream: inout RandomStream,
    into result: UnsafeMutablePointer<Float>)
}

/// The noise of Cohen et al. alone: T(x) = x + N(0, σ²), without clipping.
public struct GaussianSmoothing: SmoothedClassifier {
  /// F.
  public let base: any DifferentiableClassifier
  /// σ, on the pixel scale.
  public let standardDeviation: Double

  /// F behind noise.
  ///
  /// - Throws: `CertificationError.noise` unless σ is finite and above 0.
  public init(
    _ base: any DifferentiableClassifier, standardDeviation: Double
  ) throws(CertificationError) {
    try CertificationError.check(noise: standardDeviation)
    self.base = base
    self.standardDeviation = standardDeviation
  }

  /// 1.
  public var inputShare: Float { 1 }
  /// 1: nothing depends on the image but the image.
  public var lawCount: Int { 1 }

  /// 0 for every image.
  public func laws(of images: Pixels, draws: Draws) throws -> [Int] {
    Array(repeating: 0, count: images.count)
  }

  /// Writes one x + N(0, σ²).
  public func draw(
    _ image: UnsafePointer<Float>, law: Int, from stream: inout RandomStream,
    into result: UnsafeMutablePointer<Float>
  ) {
    stream.standardNormals(base.imageShape.count) {
      result[$0] = image[$0] + Float(standardDeviation * $1)
    }
  }
}

/// s Φ⁻¹(p), the radius in ℓ2 within which a class keeps a mean of at least ½, where that mean is at least p at
/// the image and the noise has standard deviation s; negative below ½.
///
/// With p the exact mean no larger radius is true of every F: half-spaces reach it. Sources: Cohen,
/// Rosenfeld and Kolter, "Certified adversarial robustness via randomized smoothing", ICML 2019, for votes; Salman
/// et al., "Provably robust deep learning via adversarially trained smoothed classifiers", NeurIPS 2019, lemma
/// 2, for means of any function with values in [0, 1].
public func certifiedRadius(probability p: Double, standardDeviation: Double) -> Double {
  standardDeviation * standardNormalQuantile(p)
}

/// Φ(r/s), the mean that a class needs for a certified radius of r.
public func probabilityNeeded(radius: Double, standardDeviation: Double) -> Double {
  standardNormalCDF(radius / standardDeviation)
}

extension SmoothedClassifier {
  /// Draws of T: what `Certification` asks F of, and surrogates follow.
  ///
  /// - Parameters:
  ///   - rows: what image each is of, under which law, and the name of its random numbers.
  ///   - draws: those that F is given, but for the examples.
  func batch(
    of rows: [(image: UnsafePointer<Float>, law: Int, example: Int, key: RandomKey)], draws: Draws
  ) -> Executions.Batch {
    let shape = base.imageShape
    var images = Tensor(uninitialized: [rows.count, shape.channels, shape.height, shape.width])
    var draws = draws
    draws.examples = []
    images.withUnsafeMutablePointer { result in
      for (place, row) in rows.enumerated() {
        var stream = RandomStream(row.key)
        draw(row.image, law: row.law, from: &stream, into: result + place * shape.count)
        // A model that is random by itself sees every draw under an index of its own.
        draws.examples.append(
          base.isRandomized ? Int(truncatingIfNeeded: stream.next()) : row.example)
      }
    }
    return Executions.Batch(
      images: Pixels(beyondRange: images), draws: draws, inputs: rows.map(\.example))
  }
}

/// The mean of F over some draws of T as a model: what an attacker follows who knows a smoothed classifier.
public struct SmoothedSurrogate: WrappingClassifier, DifferentiableClassifier {
  /// What is followed.
  public let smoothed: any SmoothedClassifier
  /// Draws of an answer, and of a gradient.
  public let drawCount: Int
  /// The largest batch given to F, but for gradients of many images.
  private let imagesInFlight = 128

  /// The mean over `drawCount` draws, 1 at least.
  public init(_ smoothed: any SmoothedClassifier, drawCount: Int) {
    self.smoothed = smoothed
    self.drawCount = max(1, drawCount)
  }

  /// F.
  public var wrapped: any Classifier { smoothed.base }
  /// As many as draws.
  public var forwardPassesPerDecision: Int {
    drawCount * smoothed.base.forwardPassesPerDecision
  }
  /// Yes.
  public var isRandomized: Bool { true }

  /// The log of the mean probabilities, [N, L].
  public func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try smoothed.base.logAverages(of: executions(of: images, draws: draws))
  }

  /// The same, and the gradient a Σ_d ∂loss/∂T_d(x).
  public func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    let (averages, sums) = try smoothed.base.logAveragesAndGradient(
      of: executions(of: images, draws: draws), lossGradient: lossGradient)
    return (averages, sums.map { smoothed.inputShare * $0 })
  }

  private func executions(of images: Pixels, draws: Draws) throws -> Executions {
    try check(images, draws)
    let laws = try smoothed.laws(of: images, draws: draws)
    let width = imageShape.count
    return Executions(
      sizes: Array(repeating: drawCount, count: images.count), imagesInFlight: imagesInFlight
    ) { rows in
      images.tensor.withUnsafePointer { values in
        smoothed.batch(
          of: rows.map { row in
            let (position, draw) = row.quotientAndRemainder(dividingBy: drawCount)
            return (
              values + position * width, laws[position], draws.examples[position],
              draws.key(position: position, draw: draw)
            )
          }, draws: draws)
      }
    }
  }
}
