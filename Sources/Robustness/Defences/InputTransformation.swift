import Classification
import Statistics

/// A random change of one image: the inference-time defences with which Pang, Xu and Zhu, ICLR
/// 2020, compare mixup inference, and relatives of them.
///
/// All but `bitDepth` are affine in the image, and work on real numbers: nothing is rounded to 8 bits in
/// between, as passing through an image library would. Sides are in pixels; without them they are from
/// three quarters of the image's shorter side to all of it. Noise is on the pixel scale. An amount of 0
/// changes nothing, nor does a square of the whole side of a square image.
public enum InputTransformation: Sendable, Hashable, Codable {
  /// x + N(0, σ²) for every value on its own, without clipping, so that it may leave [0, 1].
  ///
  /// σ is on the pixel scale, half the number on the ±1 scale: 0.05 in the paper's code is 0.025
  /// here.
  case gaussianNoise(standardDeviation: Float)
  /// x + U[−r, r) for every value on its own, without clipping; r on the pixel scale.
  case uniformNoise(radius: Float)
  /// Every pixel, in all its channels, black with probability `share`, independently; never at 0, always
  /// at 1.
  ///
  /// In the manner of Levine and Feizi, "Robustness Certificates for Sparse Adversarial Attacks by Randomized
  /// Ablation", AAAI 2020, who keep a fixed number of pixels, and train the network to see which are gone.
  case masking(share: Float)
  /// Rotated by U[−d, d) degrees about the middle, bilinear, with black corners.
  case rotation(degrees: Float)
  /// A random s×s square of the image, s uniform over the sides, at a random place on black.
  ///
  /// The paper's code has this for the defence of Xie et al., which is `resizeAndPad`.
  case cropAndPad(sides: ClosedRange<Int>?)
  /// The image resized to s×s, bilinear, s uniform over the sides, at a random place on black.
  ///
  /// Xie et al., "Mitigating Adversarial Effects Through Randomization", ICLR 2018, who pad to a
  /// size larger than the image; here the network takes one size, and the image shrinks.
  case resizeAndPad(sides: ClosedRange<Int>?)
  /// A random s×s square of the image, s uniform over the sides, resized to the image's size,
  /// bilinear.
  ///
  /// Guo et al., "Countering Adversarial Images using Input Transformations", ICLR 2018.
  case cropAndResize(sides: ClosedRange<Int>?)
  /// ⌊(2ᵇ−1)x⌋ / (2ᵇ−1), b bits a value; its gradient is taken to be that of x.
  case bitDepth(Int)

  /// Whether two draws may differ.
  public var isRandom: Bool {
    if case .bitDepth = self { false } else { true }
  }

  /// - Throws: `RandomizedInputError` if it makes no sense for images of that shape.
  func check(for shape: ImageShape) throws(RandomizedInputError) {
    switch self {
    case .gaussianNoise(let deviation):
      guard deviation >= 0, deviation.isFinite else { throw .standardDeviation(deviation) }
    case .uniformNoise(let radius):
      guard radius >= 0, radius.isFinite else { throw .radius(radius) }
    case .masking(let share):
      guard 0...1 ~= share else { throw .share(share) }
    case .rotation(let degrees):
      guard degrees >= 0, degrees <= 180 else { throw .degrees(degrees) }
    case .cropAndPad(let sides?), .resizeAndPad(let sides?), .cropAndResize(let sides?):
      let largest = min(shape.height, shape.width)
      guard sides.lowerBound >= 1, sides.upperBound <= largest else {
        throw .sides(sides, largest: largest)
      }
    case .cropAndPad(nil), .resizeAndPad(nil), .cropAndResize(nil): break
    case .bitDepth(let bits):
      guard 1...8 ~= bits else { throw .bits(bits) }
    }
  }

  /// One draw for images of that shape; for settings that passed `check(for:)`.
  package func draw(for shape: ImageShape, from stream: inout RandomStream) -> DrawnTransformation {
    switch self {
    case .gaussianNoise(let deviation):
      return .shift((0..<shape.count).map { _ in deviation * Float(stream.standardNormal()) })
    case .uniformNoise(let radius):
      return .shift((0..<shape.count).map { _ in radius * (2 * stream.uniform() - 1) })
    case .masking(let share):
      let area = shape.height * shape.width
      let mask: [Float] = (0..<area).map { _ in stream.uniform() < share ? 0 : 1 }
      return .scaling((0..<shape.channels).flatMap { _ in mask })
    case .rotation(let degrees):
      let angle = Double(degrees) * (2 * stream.uniformDouble() - 1)
      return .resampling(.rotation(degrees: angle, shape: shape))
    case .cropAndPad(let sides):
      let side = drawSide(sides, of: shape, from: &stream)
      let part = drawSquare(side, in: shape, from: &stream)
      let window = drawSquare(side, in: shape, from: &stream)
      return .resampling(.stretch(part, over: window, shape: shape))
    case .resizeAndPad(let sides):
      let window = drawSquare(drawSide(sides, of: shape, from: &stream), in: shape, from: &stream)
      return .resampling(.stretch(PixelRectangle(shape), over: window, shape: shape))
    case .cropAndResize(let sides):
      let part = drawSquare(drawSide(sides, of: shape, from: &stream), in: shape, from: &stream)
      return .resampling(.stretch(part, over: PixelRectangle(shape), shape: shape))
    case .bitDepth(let bits):
      return .truncation(levels: Float((1 << bits) - 1))
    }
  }

  private func drawSide(
    _ sides: ClosedRange<Int>?, of shape: ImageShape, from stream: inout RandomStream
  ) -> Int {
    let sides = sides ?? Self.usualSides(of: shape)
    return sides.lowerBound + stream.integer(below: sides.count)
  }

  /// From three quarters of the image's shorter side to all of it.
  static func usualSides(of shape: ImageShape) -> ClosedRange<Int> {
    let side = min(shape.height, shape.width)
    return side * 3 / 4...side
  }

  /// A square of that side, uniform over its places in the image.
  private func drawSquare(
    _ side: Int, in shape: ImageShape, from stream: inout RandomStream
  ) -> PixelRectangle {
    let top = stream.integer(below: shape.height - side + 1)
    let left = stream.integer(below: shape.width - side + 1)
    return PixelRectangle(side: side, top: top, left: left)
  }
}

/// A transformation with nothing left to chance.
package enum DrawnTransformation: Sendable {
  /// x + c, c of [C, H, W].
  case shift([Float])
  /// x ∘ m, m of [C, H, W].
  case scaling([Float])
  /// T x.
  case resampling(Resampling)
  /// ⌊levels · x⌋ / levels.
  case truncation(levels: Float)

  /// The image [C, H, W], transformed; the memories do not overlap.
  package func apply(
    _ image: UnsafePointer<Float>, to result: UnsafeMutablePointer<Float>, count: Int
  ) {
    switch self {
    case .shift(let shift):
      shift.withUnsafeBufferPointer { shift in
        for place in 0..<count { result[place] = image[place] + shift[place] }
      }
    case .scaling(let factors): scale(image, by: factors, to: result)
    case .resampling(let resampling): resampling.apply(image, to: result)
    case .truncation(let levels):
      for place in 0..<count { result[place] = (levels * image[place]).rounded(.down) / levels }
    }
  }

  /// The gradient with respect to the image from that with respect to the result, both [C, H, W];
  /// the memories do not overlap.
  package func pullback(
    _ gradient: UnsafePointer<Float>, to result: UnsafeMutablePointer<Float>, count: Int
  ) {
    switch self {
    case .shift, .truncation: result.update(from: gradient, count: count)
    case .scaling(let factors): scale(gradient, by: factors, to: result)
    case .resampling(let resampling): resampling.pullback(gradient, to: result)
    }
  }

  private func scale(
    _ values: UnsafePointer<Float>, by factors: [Float], to result: UnsafeMutablePointer<Float>
  ) {
    for (place, factor) in factors.enumerated() { result[place] = factor * values[place] }
  }
}
