import CDigits
import Classification

extension Dataset {
  /// The UCI optical digits; see `Digits`.
  public static let digits = Dataset(
    name: "digits", imageShape: ImageShape(channels: 1, height: 8, width: 8),
    labelNames: (0...9).map(String.init), training: .tiny,
    reproduction: .mainTable,
    source: .atHand { (try Digits.training(), try Digits.test()) })
}

/// The UCI optical digits, embedded in the binary: 8×8 grey images of ten classes.
///
/// E. Alpaydin, C. Kaynak (1998), "Optical Recognition of Handwritten Digits", UCI Machine Learning
/// Repository, doi 10.24432/C50P49, CC BY 4.0. The writers of the test images wrote none of the
/// training images.
public enum Digits {
  /// The 3,823 images of the training file, with indices 0..<3823.
  public static func training() throws -> LabelledImages { try images(0..<trainingCount) }

  /// The 1,797 images of the test file, with indices 3823..<5620.
  public static func test() throws -> LabelledImages { try images(trainingCount..<recordCount) }

  private static let trainingCount = 3823
  private static let pixelCount = 64
  private static var recordCount: Int { Int(digits_byte_count()) / (pixelCount + 1) }

  private static func images(_ records: Range<Int>) throws -> LabelledImages {
    let bytes = digits_records()
    var pixels = [Float]()
    var labels = [Int]()
    pixels.reserveCapacity(records.count * pixelCount)
    for record in records {
      let start = record * (pixelCount + 1)
      for pixel in 0..<pixelCount { pixels.append(Float(bytes[start + pixel]) / 16) }
      labels.append(Int(bytes[start + pixelCount]))
    }
    return try LabelledImages(
      pixels: Pixels(Tensor(pixels, shape: [records.count, 1, 8, 8])), labels: labels,
      classCount: 10, indices: Array(records))
  }
}
