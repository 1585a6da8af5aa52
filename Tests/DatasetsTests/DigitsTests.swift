import Classification
import Datasets
import MixupInference
import TestSupport
import Testing

@Suite("The embedded digits")
struct DigitsTests {
  /// What the two text files of the data set hold, summed up by a line of Python each: with `px` the
  /// pixels of all lines in order, sum(px) and sum((i + 1) * v for i, v in enumerate(px)), and the
  /// second for the labels. The weighted sums notice an exchange of any two different neighbours.
  struct Sums: Sendable {
    var images: Int
    var pixels: Int
    var weightedPixels: Int
    var weightedLabels: Int
    /// Images of each class, as the data set's own description counts them.
    var perClass: [Int]
  }
  static let training = Sums(
    images: 3823, pixels: 1_204_758, weightedPixels: 147_358_810_015, weightedLabels: 32_834_620,
    perClass: [376, 389, 380, 389, 387, 376, 377, 387, 380, 382])
  static let test = Sums(
    images: 1797, pixels: 561_718, weightedPixels: 32_232_145_379, weightedLabels: 7_272_861,
    perClass: [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])

  private func files() throws -> [(images: LabelledImages, expected: Sums)] {
    [(try Digits.training(), Self.training), (try Digits.test(), Self.test)]
  }

  @Test("are those of the two original files, value by value and in their order")
  func areTheOriginals() throws {
    for (images, expected) in try files() {
      #expect(images.count == expected.images && images.classCount == 10)
      #expect(images.pixels.imageShape == ImageShape(channels: 1, height: 8, width: 8))
      let levels = images.pixels.tensor.values.map { Int($0 * 16) }
      #expect(levels.reduce(0, +) == expected.pixels)
      #expect(weighted(levels) == expected.weightedPixels)
      #expect(weighted(images.labels) == expected.weightedLabels)
      #expect((0..<10).map { label in images.labels.count { $0 == label } } == expected.perClass)
    }
  }

  @Test("have pixels on the seventeen levels k/16, and both ends occur")
  func levels() throws {
    for (images, _) in try files() {
      let values = Set(images.pixels.tensor.values)
      #expect(values == Set((0...16).map { Float($0) / 16 }))
    }
  }

  @Test("are numbered through both files")
  func indices() throws {
    #expect(try Digits.training().indices == Array(0..<3823))
    #expect(try Digits.test().indices == Array(3823..<5620))
  }

  private func weighted(_ values: [Int]) -> Int {
    values.enumerated().reduce(0) { $0 + ($1.offset + 1) * $1.element }
  }
}

@Suite("The split into training, validation and test images")
struct DatasetSplitTests {
  private func digits(_ validationCount: Int = 500, seed: UInt64 = 1) throws -> DatasetSplit {
    try Dataset.digits.load(validationCount: validationCount, seed: seed)
  }

  // No image occurs twice in the data set, so disjoint by content is not too much to ask.
  @Test("shares no image between its parts, by index and by content", arguments: [1, 2, 77])
  func isDisjoint(_ seed: UInt64) throws {
    let split = try digits(seed: seed)
    let parts = [split.training, split.validation, split.test]
    #expect(parts.map(\.count) == [3323, 500, 1797])
    #expect(Set(parts.flatMap(\.indices)) == Set(0..<5620))
    #expect(Set(parts.flatMap(contents)).count == 5620)
  }

  @Test("keeps label and pixels of every image")
  func keepsImages() throws {
    let (split, file) = (try digits(), try Digits.training())
    for part in [split.training, split.validation] {
      #expect(part.labels == part.indices.map { file.labels[$0] })
      #expect(part.pixels == file.pixels[part.indices])
      #expect(part.indices == part.indices.sorted())
    }
  }

  @Test("lets mixing partners come from the training images only")
  func poolIsInsideTraining() throws {
    let split = try digits()
    let pool = try SamplePool(split.training)
    #expect(Set(pool.indices).isSubset(of: split.training.indices))
    #expect(Set(pool.indices).isDisjoint(with: split.validation.indices + split.test.indices))
  }

  @Test("takes a smaller validation set from a larger one")
  func isNested() throws {
    var smaller = Set<Int>()
    for count in [0, 1, 10, 500, 3822] {
      let validation = try digits(count).validation
      #expect(validation.count == count)
      #expect(smaller.isSubset(of: validation.indices))
      smaller = Set(validation.indices)
    }
  }

  @Test("is the same for a seed and another for another seed")
  func isDeterministic() throws {
    #expect(try digits().validation.indices == digits().validation.indices)
    #expect(try digits().validation.indices != digits(seed: 2).validation.indices)
  }

  // A hypergeometric count of 500 out of 3823 has a variance below 500·p(1−p), so by Hoeffding's
  // bound, which holds without replacement too, a class is off by `bound` once in 10⁹ seeds.
  @Test("takes validation images from all classes alike")
  func isRepresentative() throws {
    let validation = try digits().validation
    for label in 0..<10 {
      let share = Double(validation.labels.count { $0 == label }) / 500
      let expected = Double(DigitsTests.training.perClass[label]) / 3823
      #expect(abs(share - expected) <= bound(count: 500))
    }
  }

  @Test("must leave images to train on", arguments: [-1, 3823, 10_000])
  func refusesCounts(_ count: Int) {
    #expect(throws: DatasetError.validationCount(count, images: 3823)) { try digits(count) }
  }

  private func contents(_ images: LabelledImages) -> [[Float]] {
    (0..<images.count).map { images.pixels[[$0]].tensor.values }
  }
}
