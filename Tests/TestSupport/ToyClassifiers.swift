import Classification
import Foundation
import Statistics
import Synchronization

// MARK: Images

/// `count` images of uniformly random pixels within `range`, with labels 0, 1, …, L − 1, 0, ….
package func randomImages(
  _ count: Int, shape: ImageShape, classCount: Int, seed: UInt64,
  range: ClosedRange<Float> = 0...1, firstIndex: Int = 0
) throws -> LabelledImages {
  var stream = RandomStream(RandomKey(seed: seed, purpose: .test))
  let values = (0..<count * shape.count).map { _ in
    range.lowerBound + (range.upperBound - range.lowerBound) * stream.uniform()
  }
  return try LabelledImages(
    pixels: Pixels(
      Tensor(values, shape: [count, shape.channels, shape.height, shape.width])),
    labels: (0..<count).map { $0 % classCount }, classCount: classCount,
    indices: (0..<count).map { firstIndex + $0 })
}

/// 1×1 images of as many channels as each row has values.
package func images(_ rows: [[Float]]) throws -> Pixels {
  try Pixels(
    Tensor(rows.flatMap(\.self), shape: [rows.count, rows.first?.count ?? 0, 1, 1]))
}

// MARK: Smooth models

/// A model given image by image, with a hand-written product of a cotangent with its Jacobian.
package protocol ToyModel: DifferentiableClassifier {
  /// z(x).
  func logits(_ image: [Float]) -> [Float]
  /// Jᵀv, J = ∂z/∂x.
  func pullback(_ image: [Float], _ cotangent: [Float]) -> [Float]
}

extension ToyModel {
  package var forwardPassesPerDecision: Int { 1 }
  package var isRandomized: Bool { false }

  private func rows(of tensor: Tensor) -> [[Float]] {
    let values = tensor.values
    let width = tensor.rowCount
    return (0..<tensor.shape[0]).map { Array(values[$0 * width..<($0 + 1) * width]) }
  }

  package func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try check(images)
    return try Tensor(
      rows(of: images.tensor).flatMap(logits), shape: [images.count, classCount])
  }

  package func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    let logits = try logits(of: images, draws: draws)
    let cotangents = rows(of: try lossGradient(logits))
    let gradient = zip(rows(of: images.tensor), cotangents).flatMap(pullback)
    return (logits, try Tensor(gradient, shape: images.tensor.shape))
  }
}

/// z = s(Wx + b) with random normal W and b.
package struct LinearSoftmax: ToyModel {
  package let imageShape: ImageShape
  package let classCount: Int
  /// W, [L][D].
  package var weights: [[Float]]
  /// b, [L].
  package var bias: [Float]
  /// s.
  package var scale: Float

  package init(imageShape: ImageShape, classCount: Int, seed: UInt64, scale: Float = 1) {
    var stream = RandomStream(RandomKey(seed: seed, purpose: .test, step: 1))
    self.imageShape = imageShape
    self.classCount = classCount
    self.scale = scale
    weights = (0..<classCount).map { _ in
      (0..<imageShape.count).map { _ in Float(stream.standardNormal()) }
    }
    // Around the middle of the pixel range, so that every class has its share of predictions.
    bias = weights.map { -0.5 * $0.reduce(0, +) }
  }

  package func logits(_ image: [Float]) -> [Float] {
    zip(weights, bias).map { row, bias in
      scale * (zip(row, image).reduce(0) { $0 + $1.0 * $1.1 } + bias)
    }
  }

  package func pullback(_ image: [Float], _ cotangent: [Float]) -> [Float] {
    image.indices.map { place in
      scale * zip(weights, cotangent).reduce(0) { $0 + $1.0[place] * $1.1 }
    }
  }
}

/// z = V tanh(Wx + b), smooth everywhere, in Float and in Double.
package struct TanhMLP: ToyModel {
  package let imageShape: ImageShape
  package let classCount: Int
  let first: [[Float]]
  let bias: [Float]
  let second: [[Float]]

  package init(
    imageShape: ImageShape, classCount: Int, hidden: Int = 12, seed: UInt64, scale: Float = 2
  ) {
    var stream = RandomStream(RandomKey(seed: seed, purpose: .test, step: 2))
    let width = imageShape.count
    self.imageShape = imageShape
    self.classCount = classCount
    first = (0..<hidden).map { _ in
      (0..<width).map { _ in scale * Float(stream.standardNormal()) / Float(width).squareRoot() }
    }
    bias = first.map { -0.5 * $0.reduce(0, +) }
    second = (0..<classCount).map { _ in (0..<hidden).map { _ in Float(stream.standardNormal()) } }
  }

  /// The model of given parameters: W [H, D], b [H] and V [L, H].
  package init(imageShape: ImageShape, first: Tensor, bias: Tensor, second: Tensor) {
    func rows(_ tensor: Tensor) -> [[Float]] {
      (0..<tensor.shape[0]).map { tensor.rows([$0]).values }
    }
    self.imageShape = imageShape
    classCount = second.shape[0]
    self.first = rows(first)
    self.bias = bias.values
    self.second = rows(second)
  }

  private func hidden<Real: BinaryFloatingPoint>(
    _ image: [Real], _ tanh: (Real) -> Real
  ) -> [Real] {
    zip(first, bias).map { row, bias in
      tanh(zip(row, image).reduce(Real(bias)) { $0 + Real($1.0) * $1.1 })
    }
  }

  package func logits(_ image: [Float]) -> [Float] {
    let hidden = hidden(image) { tanh($0) }
    return second.map { zip($0, hidden).reduce(0) { $0 + $1.0 * $1.1 } }
  }

  /// The same model in Double, for finite differences.
  package func logits(_ image: [Double]) -> [Double] {
    let hidden = hidden(image) { tanh($0) }
    return second.map { zip($0, hidden).reduce(0) { $0 + Double($1.0) * $1.1 } }
  }

  package func pullback(_ image: [Float], _ cotangent: [Float]) -> [Float] {
    let inner = hidden(image) { tanh($0) }.enumerated().map { unit, value in
      (1 - value * value) * zip(second, cotangent).reduce(0) { $0 + $1.0[unit] * $1.1 }
    }
    return image.indices.map { place in
      zip(first, inner).reduce(0) { $0 + $1.0[place] * $1.1 }
    }
  }
}

// MARK: The paper's ideal model

/// F = H + G on images whose first L values are shares of the classes: H_k(x) = x_k, affine and
/// certain on one-hot images. A further value is the attack's trigger: where it is above 0.9 the
/// prediction is the class `triggered` (G moves everything there), below it G is 0.
package struct IdealModel: Classifier {
  package let imageShape: ImageShape
  package let classCount: Int
  package let triggered: Int
  package var forwardPassesPerDecision: Int { 1 }
  package var isRandomized: Bool { false }

  package init(classCount: Int, triggered: Int = 0) {
    self.classCount = classCount
    self.triggered = triggered
    imageShape = ImageShape(channels: classCount + 1, height: 1, width: 1)
  }

  /// A clean one-hot image, with the trigger if wanted.
  package func image(of label: Int, trigger: Bool = false) -> [Float] {
    (0..<classCount).map { $0 == label ? 1 : 0 } + [trigger ? 1 : 0]
  }

  /// One clean image of every class.
  package func pool() throws -> LabelledImages {
    try LabelledImages(
      pixels: images((0..<classCount).map { image(of: $0) }), labels: Array(0..<classCount),
      classCount: classCount)
  }

  package func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    let width = classCount + 1
    let values = images.tensor.values
    return try Tensor(
      (0..<images.count).flatMap { n in
        (0..<classCount).map { k in
          let share: Float =
            values[n * width + classCount] > 0.9
            ? (k == triggered ? 1 : 0) : values[n * width + k]
          return log(share)
        }
      }, shape: [images.count, classCount])
  }
}

// MARK: Spy

/// What a classifier was asked.
package final class CallLog: Sendable {
  /// One call.
  package struct Call: Sendable {
    package var images: Pixels
    package var draws: Draws
    package var wantsGradient: Bool
  }

  private let log = Mutex<[Call]>([])

  package init() {}

  /// The calls so far.
  package var calls: [Call] { log.withLock(\.self) }

  /// The keys of the calls, with draw 0 for all draws.
  package var keys: Set<RandomKey> {
    Set(
      calls.flatMap { call in
        (0..<call.images.count).map { call.draws.key(position: $0, draw: 0) }
      })
  }

  func note(_ call: Call) { log.withLock { $0.append(call) } }
}

/// A classifier that notes what it is asked and otherwise does as its base.
package struct Spy<Base: Classifier>: WrappingClassifier {
  package let base: Base
  package let log: CallLog

  package init(_ base: Base, log: CallLog = CallLog()) {
    self.base = base
    self.log = log
  }

  package var wrapped: any Classifier { base }

  package func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    log.note(.init(images: images, draws: draws, wantsGradient: false))
    return try base.logits(of: images, draws: draws)
  }
}

extension Spy: DifferentiableClassifier where Base: DifferentiableClassifier {
  package func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    log.note(.init(images: images, draws: draws, wantsGradient: true))
    return try base.logitsAndGradient(of: images, draws: draws, lossGradient: lossGradient)
  }
}

// MARK: Bounds with a stated rate of false alarms

/// t with P(|mean − E| ≥ t) ≤ 10⁻⁹ for the mean of `count` independent numbers in an interval of
/// this width (Hoeffding); the same t bounds the distance of an empirical distribution function
/// from the true one for width 1 (Dvoretzky–Kiefer–Wolfowitz–Massart).
package func bound(count: Int, width: Double = 1) -> Double {
  width * (log(2e9) / (2 * Double(count))).squareRoot()
}
