import Classification
import Reporting
import Robustness

/// How far images of a file are from their originals, the data set's images at the file's indices, and
/// whether they can have been made of them.
struct ImageDistances: Sendable {
  /// max_i |δ_i| of every image.
  let linf: [Double]
  /// √Σ_i δ_i² of every image.
  let l2: [Double]
  private let images: Pixels
  private let originals: Pixels

  /// Distances image by image, of batches of one shape.
  init(_ images: Pixels, _ originals: Pixels) {
    self.images = images
    self.originals = originals
    (linf, l2) = images.tensor.distances(to: originals.tensor)
  }

  /// How many images are further from their originals than a budget and rounding allow.
  ///
  /// Float32 rounds x + δ near 1 by 2⁻²⁵, and attack libraries round twice; allowed are 2⁻²² of every value.
  /// Cutting to eight bits moves a value by less than 1/255.
  func countBeyond(_ budget: PerturbationBudget, isEightBit: Bool) -> Int {
    let rounding = 0x1p-22 + (isEightBit ? 1.0 / 255 : 0)
    let radius = budget.radius.doubleValue
    switch budget.norm {
    case .linf: return linf.count { $0 > radius + rounding }
    case .l2:
      let diagonal = Double(images.imageShape.count).squareRoot()
      return l2.count { $0 > radius + rounding * diagonal }
    }
  }

  /// What records say of the distances.
  func record(otherLabels: Int, training: Int, beyond: Int?) -> EvaluationRecord.Images.Comparison {
    EvaluationRecord.Images.Comparison(
      medianLinf: linf.median, largestLinf: linf.max() ?? 0, medianL2: l2.median,
      largestL2: l2.max() ?? 0, unchanged: linf.count { $0 == 0 }, beyond: beyond,
      otherLabels: otherLabels, training: training)
  }

  // MARK: Whether they belong together

  /// Why images cannot have been made of these originals.
  struct Problem {
    var description: String
    /// Whether it is known what was done to them.
    var isRecognised: Bool
  }

  /// Why the images cannot have been made of their originals; nil if they can. They can if most lie in the
  /// ball that the file claims. They also can if, in the median, they are less than half as far from their
  /// originals as from those of other images, if undoing none of the known mistakes halves the distance, and
  /// if most are not much nearer to the original of another image.
  func problem(claim: PerturbationBudget?) -> Problem? {
    let own = l2.median
    if let claim, 2 * countBeyond(claim, isEightBit: images.areEightBit) < images.count {
      return nil
    }
    guard own > 0 else { return nil }
    for (mistake, mended) in Mistake.allCases.lazy.compactMap({ mistake in
      mistake.undone(in: images).map { (mistake, $0) }
    }) where 2 * mended.distances(to: originals.tensor).l2.median < own {
      return Problem(description: "\(mistake.rawValue); \(mistake.advice)", isRecognised: true)
    }
    if let (place, other) = stranger(own: own) {
      return Problem(
        description:
          "image \(place) of the file resembles what the data set has at the index of image \(other): "
          + "the indices are not those of the images; write each image's own", isRecognised: true)
    }
    guard images.count > 1 else { return nil }
    let count = images.count
    let others = images.tensor.distances(
      of: 0..<count, to: (0..<count).map { ($0 + 1) % count }, in: originals.tensor
    ).l2.median
    guard 2 * own >= others else { return nil }
    return Problem(
      description:
        "the images are not the data set's at their indices: \(rounded(own)) apart in ℓ2 in the "
        + "median, other images \(rounded(others)); check how they were written, or, if so much was changed, "
        + "name norm and epsilon in the metadata", isRecognised: false)
  }

  /// Looks at up to about 30 images, evenly spread. If most of them are less than half as far from another
  /// image's original as from their own, the first such image and that other one; nil otherwise.
  private func stranger(own: Double) -> (image: Int, other: Int)? {
    let some = Array(stride(from: 0, to: images.count, by: max(1, images.count / 16)))
    let found = some.compactMap { place -> (image: Int, other: Int)? in
      let distances = images.tensor.distances(
        of: repeatElement(place, count: images.count), to: 0..<images.count, in: originals.tensor
      ).l2
      guard let nearest = distances.indices.min(by: { distances[$0] < distances[$1] }),
        2 * distances[nearest] < distances[place]
      else { return nil }
      return (place, nearest)
    }
    return 2 * found.count > some.count ? found.first : nil
  }

  private func rounded(_ value: Double) -> String { fixed(value, decimals: 2) }

  /// What tools do to images without a word, or people by mistake.
  enum Mistake: String, CaseIterable {
    case transposed = "rows and columns of the images are exchanged"
    case channelsLast = "the images' channels come last in memory, though the shape has them first"
    case columnMajor = "the images are written in column-major order, the last extent first"
    case opposite = "the images' channels are in the opposite order, such as blue first"
    case mirrored = "left and right of the images are exchanged"
    case upsideDown = "top and bottom of the images are exchanged"
    case negative = "the images are negatives, 1 − x"
    case dividedTwice = "the images are 255 times too dark"

    var advice: String {
      switch self {
      case .transposed, .channelsLast, .columnMajor:
        "make the array contiguous in the order [N, C, H, W] before it is written"
      case .opposite: "write red, green and blue in this order"
      case .mirrored, .upsideDown, .negative: "write the images as the data set has them"
      case .dividedTwice: "divide them by 255 once"
      }
    }

    /// The images with the mistake undone; nil where images of this shape cannot have it.
    func undone(in images: Pixels) -> Tensor? {
      let (count, shape) = (images.count, images.imageShape)
      /// The value at a place from the one at another.
      func moved(_ source: (_ n: Int, _ c: Int, _ h: Int, _ w: Int) -> Int) -> Tensor {
        var result = Tensor(uninitialized: images.tensor.shape)
        images.tensor.withUnsafePointer { values in
          result.withUnsafeMutablePointer { result in
            var place = 0
            for n in 0..<count {
              for c in 0..<shape.channels {
                for h in 0..<shape.height {
                  for w in 0..<shape.width {
                    result[place] = values[source(n, c, h, w)]
                    place += 1
                  }
                }
              }
            }
          }
        }
        return result
      }
      func place(_ n: Int, _ c: Int, _ h: Int, _ w: Int) -> Int {
        ((n * shape.channels + c) * shape.height + h) * shape.width + w
      }
      switch self {
      case .transposed:
        guard shape.height == shape.width else { return nil }
        return moved { n, c, h, w in place(n, c, w, h) }
      case .channelsLast:
        guard shape.channels > 1 else { return nil }
        return moved { n, c, h, w in
          ((n * shape.height + h) * shape.width + w) * shape.channels + c
        }
      case .columnMajor:
        return moved { n, c, h, w in
          n + count * (c + shape.channels * (h + shape.height * w))
        }
      case .opposite:
        guard shape.channels > 1 else { return nil }
        return moved { n, c, h, w in place(n, shape.channels - 1 - c, h, w) }
      case .mirrored: return moved { n, c, h, w in place(n, c, h, shape.width - 1 - w) }
      case .upsideDown: return moved { n, c, h, w in place(n, c, shape.height - 1 - h, w) }
      case .negative: return images.tensor.map { 1 - $0 }
      case .dividedTwice: return images.tensor.map { 255 * $0 }
      }
    }
  }
}

extension [Double] {
  /// The middle value, of two the upper; 0 of none.
  fileprivate var median: Double { isEmpty ? 0 : sorted()[count / 2] }
}
