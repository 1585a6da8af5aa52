import Classification
import Statistics

/// The map from pixels to a network's own scale: (pixel − mean) / standard deviation, per channel.
public struct Normalization: Codable, Hashable, Sendable {
  /// Subtracted from the pixel, per channel.
  public let mean: [Float]
  /// What the difference is divided by, per channel.
  public let standardDeviation: [Float]

  /// Checked values, one pair per channel.
  ///
  /// - Throws: `NormalizationError` unless all are finite, as many means as deviations are given,
  ///   and the deviations positive.
  public init(mean: [Float], standardDeviation: [Float]) throws(NormalizationError) {
    self.mean = mean
    self.standardDeviation = standardDeviation
    guard isValid else {
      throw NormalizationError(mean: mean, standardDeviation: standardDeviation)
    }
  }

  var isValid: Bool {
    mean.count == standardDeviation.count && !mean.isEmpty
      && (mean + standardDeviation).allSatisfy(\.isFinite)
      && standardDeviation.allSatisfy { $0 > 0 }
  }

  private init(unchecked mean: Float, _ standardDeviation: Float, channels: Int) {
    self.mean = Array(repeating: mean, count: channels)
    self.standardDeviation = Array(repeating: standardDeviation, count: channels)
  }

  /// [0, 1] → [−1, 1]: the scale of the paper's official code.
  public static func plusMinusOne(channels: Int) -> Normalization {
    Normalization(unchecked: 0.5, 0.5, channels: channels)
  }

  /// Pixels [N, C, H, W] → activations [N, H, W, C] on the network's scale.
  package func activations(_ pixels: Tensor) -> Tensor {
    let images = pixels.shape[0]
    var result = Tensor(
      uninitialized: [images, pixels.shape[2], pixels.shape[3], pixels.shape[1]])
    result.withUnsafeMutablePointer { result in
      pixels.withUnsafePointer {
        write($0, images: images, pixels: pixels.shape[2] * pixels.shape[3], to: result)
      }
    }
    return result
  }

  /// As `activations`, on raw memory; `pixels` is H·W.
  func write(
    _ source: UnsafePointer<Float>, images: Int, pixels: Int, to target: UnsafeMutablePointer<Float>
  ) {
    let channels = mean.count
    for channel in 0..<channels {
      let (mean, scale) = (mean[channel], 1 / standardDeviation[channel])
      for image in 0..<images {
        let plane = source + (image * channels + channel) * pixels
        let base = target + image * pixels * channels + channel
        for pixel in 0..<pixels { base[pixel * channels] = (plane[pixel] - mean) * scale }
      }
    }
  }

  /// The chain rule backwards: the gradient [N, H, W, C] with respect to activations → [N, C, H, W] with
  /// respect to pixels.
  func writeGradient(
    _ source: UnsafePointer<Float>, images: Int, pixels: Int, to target: UnsafeMutablePointer<Float>
  ) {
    let channels = mean.count
    for channel in 0..<channels {
      let scale = 1 / standardDeviation[channel]
      for image in 0..<images {
        let plane = target + (image * channels + channel) * pixels
        let base = source + image * pixels * channels + channel
        for pixel in 0..<pixels { plane[pixel] = base[pixel * channels] * scale }
      }
    }
  }
}

/// Means and deviations that are no normalisation.
public struct NormalizationError: ExplainedError, Equatable {
  /// Subtracted from the pixel, per channel.
  public var mean: [Float]
  /// What the difference is divided by, per channel.
  public var standardDeviation: [Float]

  /// `.usage`: what was asked for is wrong.
  public var cause: ErrorCause { .usage }

  /// What is wrong and what to do, in one line.
  public var description: String {
    "mean \(mean) and standard deviation \(standardDeviation) are no normalisation; "
      + "give one finite number of each per channel, deviations above zero"
  }
}
