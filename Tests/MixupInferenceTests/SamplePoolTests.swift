import Datasets
import MixupInference
import NeuralNetwork
import Statistics
import TestSupport
import Testing

@Suite("The pool of clean images")
struct SamplePoolTests {
  /// Classes of 1, 2, 3 and 34 images.
  static func unbalanced() throws -> SamplePool {
    let labels = [0, 1, 1, 2, 2, 2] + Array(repeating: 3, count: 34)
    let pixels = try images(labels.indices.map { [Float($0) / 64] })
    return try SamplePool(
      LabelledImages(
        pixels: pixels, labels: labels, classCount: 4, indices: labels.indices.map { 100 + $0 }))
  }

  private func key(_ draw: Int) -> RandomKey { RandomKey(seed: 2, purpose: .test, draw: draw) }

  @Test("an image drawn has the label drawn")
  func imagesHaveTheirLabel() throws {
    let pool = try Self.unbalanced()
    for draw in 0..<500 {
      for kind in PartnerLabel.allCases {
        let partner = pool.draw(kind, predicted: draw % 4, key: key(draw))
        #expect(pool.images.labels[partner.position] == partner.label)
        #expect((partner.label == draw % 4) == (kind == .predicted))
      }
    }
  }

  @Test("other labels are uniform, and images uniform within them, whatever the imbalance")
  func drawsAreUniform() throws {
    let pool = try Self.unbalanced()
    let count = 30_000
    for predicted in 0..<4 {
      var tally = [Int](repeating: 0, count: pool.images.count)
      for draw in 0..<count {
        tally[pool.draw(.other, predicted: predicted, key: key(draw)).position] += 1
      }
      for (position, hits) in tally.enumerated() {
        let label = pool.images.labels[position]
        let size = pool.images.labels.count { $0 == label }
        let expected = label == predicted ? 0 : 1 / Double(3 * size)
        // 40 cells × 4 labels: a false alarm in 10⁷.
        #expect(abs(Double(hits) / Double(count) - expected) <= bound(count: count))
      }
    }
  }

  @Test("with two classes the other label leaves no choice")
  func twoClassesLeaveNoChoice() throws {
    let pool = try SamplePool(
      LabelledImages(pixels: images([[0], [1]]), labels: [0, 1], classCount: 2))
    for draw in 0..<100 {
      #expect(pool.draw(.other, predicted: draw % 2, key: key(draw)).label == 1 - draw % 2)
    }
  }

  @Test("the pool tells which images of the file it holds")
  func keepsIndices() throws {
    #expect(try Self.unbalanced().indices == Array(100..<140))
  }

  @Test("an empty class is refused by name")
  func emptyClassIsRefused() throws {
    let pixels = try images([[0], [1]])
    #expect(throws: SamplePoolError.emptyClass(1, classCount: 3, images: 2)) {
      try SamplePool(LabelledImages(pixels: pixels, labels: [0, 2], classCount: 3))
    }
    #expect(throws: SamplePoolError.noClasses) {
      try SamplePool(
        LabelledImages(pixels: Pixels(Tensor(shape: [0, 1, 1, 1])), labels: [], classCount: 0))
    }
  }
}
