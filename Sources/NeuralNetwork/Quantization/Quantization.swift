import Statistics

/// How a network computes in whole numbers: every activation x is a byte q with x = scale · (q − zero), weights are
/// signed bytes with a scale for every output channel: w / s with s = max|w| / 127 over a channel's weights behind the
/// folded normalisation, rounded as `balancedRounding` does.
///
/// A checkpoint that has one holds the network in Float32 as before: the bytes of weights follow from it, the scales of
/// activations were measured. So one file can be computed in either arithmetic, and what is close can be decided again.
public struct Quantization: Codable, Hashable, Sendable {
  /// Version of the rules above; others are not read.
  public var version = 1
  /// By which rule the scales were chosen, such as "least squares".
  public var method: CalibrationMethod
  /// Images on which activations were seen.
  public var imageCount: Int
  /// Of every activation that is bytes, in the order in which they are made.
  public var activations: [Activation]
  /// Where two logits of a decision lie closer than that, it is made again in Float32; nil if it was not measured.
  public var margin: Margin?

  /// The byte that stands for a number: ⌊x / scale⌉ + zero, at least 0 and at most 255.
  public struct Activation: Codable, Hashable, Sendable {
    /// The layer that makes it, as `profile` calls it.
    public var layer: String
    /// Above 0.
    public var scale: Float
    /// The byte that stands for 0.
    public var zero: Int
  }

  /// By how much the best logit was moved away from another one, at most. A label that is not that of Float32 was moved
  /// by more than it leads.
  public struct Margin: Codable, Hashable, Sendable {
    /// In units of logits.
    public var bound: Float
    /// Validation images on which it was measured. An image that is exchangeable with them is moved by more, which it
    /// must be to be labelled otherwise than by Float32 with a larger lead, with a probability of at most
    /// 1 / (images + 1).
    public var imageCount: Int

    /// A bound and on how many images it was found.
    public init(bound: Float, imageCount: Int) {
      self.bound = bound
      self.imageCount = imageCount
    }
  }

  /// What is impossible about the numbers; nil if nothing is.
  var problem: String? {
    if version != 1 { return "it is of version \(version), and 1 is read" }
    if imageCount < 1 { return "it was calibrated on \(imageCount) images" }
    for activation in activations {
      if !activation.scale.isNormal || activation.scale < 0 {
        return "the scale of \(activation.layer.printable) is \(activation.scale)"
      }
      if !(0...255 ~= activation.zero) {
        return "the zero of \(activation.layer.printable) is \(activation.zero)"
      }
    }
    if let margin, !margin.bound.isFinite || margin.bound < 0 || margin.imageCount < 1 {
      return "its margin is \(margin.bound) of \(margin.imageCount) images"
    }
    return nil
  }
}

/// How the range of an activation is chosen that 256 bytes stand for.
public enum CalibrationMethod: String, CaseIterable, Codable, Sendable {
  /// The range with the least squared error over all values that were seen: values beyond it are cut off, and those
  /// inside are rounded less.
  case leastSquares = "least-squares"
  /// All values that were seen.
  case largest
}

/// Why a network cannot be computed in whole numbers.
public enum QuantizationError: ExplainedError, Equatable {
  /// Operators without a form in whole numbers, with the layers that have them.
  case operators([String])
  /// The calibration is of another network, or impossible; the text says what.
  case calibration(String)
  case noImages
  /// The network was not calibrated.
  case missing
  case noMargin
  /// The plan is one for forward passes alone.
  case noWeights

  /// `.usage` where the option is wrong and not the file.
  public var cause: ErrorCause {
    switch self {
    case .operators, .calibration: .data
    case .noImages, .missing, .noMargin, .noWeights: .usage
    }
  }

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .operators(let names):
      """
      int8 has no form of \(names.map(\.printable).joined(separator: ", ")); evaluate the network in float32
      """
    case .calibration(let problem):
      "the file's calibration for int8 cannot be used: \(problem); make it anew with `quantize`"
    case .noImages: "0 images are given to calibrate on; give 1 or more"
    case .missing: "the model was not calibrated for int8; make a file that is with `quantize`"
    case .noMargin:
      """
      the file does not say below which margin decisions are made again, as it was calibrated without \
      validation images; make it anew with `quantize`
      """
    case .noWeights:
      "a plan for forward passes alone has no weights to round; compile the network again"
    }
  }
}
