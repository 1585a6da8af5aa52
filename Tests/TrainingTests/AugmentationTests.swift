import Classification
import Foundation
import Statistics
import TestSupport
import Testing
import Training

@Suite("Augmentation")
struct AugmentationTests {
  private static let shape = ImageShape(channels: 3, height: 5, width: 4)

  /// Images whose pixels are all different and none black.
  private func distinct(_ count: Int) throws -> LabelledImages {
    let total = count * Self.shape.count
    let values = (0..<total).map { Float($0 + 1) / Float(total + 1) }
    return try LabelledImages(
      pixels: Pixels(Tensor(values, shape: [count, 3, 5, 4])),
      labels: Array(repeating: 0, count: count), classCount: 2,
      indices: (0..<count).map { 100 + 7 * $0 })
  }

  /// Pixel (row, column) of a channel; black outside.
  private func pixel(_ image: Tensor, _ channel: Int, _ row: Int, _ column: Int) -> Float {
    0..<5 ~= row && 0..<4 ~= column ? image[(channel * 5 + row) * 4 + column] : 0
  }

  /// Mirrored or not, and the corner of the window, of every way to crop with one pixel of padding.
  private static let ways = [false, true].flatMap { mirrored in
    (-1...1).flatMap { top in (-1...1).map { left in (mirrored, top, left) } }
  }

  /// The way in which `result` was made from `image`; nil if in none.
  private func way(_ image: Tensor, to result: Tensor) -> Int? {
    Self.ways.firstIndex { mirrored, top, left in
      (0..<3).allSatisfy { channel in
        (0..<5).allSatisfy { row in
          (0..<4).allSatisfy { column in
            let source = column + left
            return pixel(result, channel, row, column)
              == pixel(image, channel, row + top, mirrored ? 3 - source : source)
          }
        }
      }
    }
  }

  @Test("an image is mirrored or not and shifted, black coming in; all eighteen ways equally often")
  func law() throws {
    let images = try distinct(1800)
    let result = try Augmentation.flipAndCrop(padding: 1).augmented(images, seed: 3, epoch: 2)
    #expect(result.labels == images.labels && result.indices == images.indices)
    var counts = [Int](repeating: 0, count: Self.ways.count)
    for n in 0..<images.count {
      let found = way(images.pixels[[n]].tensor, to: result.pixels[[n]].tensor)
      counts[try #require(found)] += 1
    }
    // 100 expected with a standard deviation of 9.7; six of them leave one false alarm in 10⁷ seeds.
    #expect(counts.allSatisfy { abs($0 - 100) < 59 }, "\(counts)")
  }

  @Test("what happens to an image depends on seed, epoch and index, not on the batch")
  func keyed() throws {
    let images = try distinct(40)
    let augmentation = Augmentation.flipAndCrop(padding: 2)
    let whole = try augmentation.augmented(images, seed: 3, epoch: 2).pixels
    let order = Array((0..<40).reversed())
    #expect(try augmentation.augmented(images[order], seed: 3, epoch: 2).pixels == whole[order])
    #expect(try augmentation.augmented(images, seed: 3, epoch: 1).pixels != whole)
    #expect(try augmentation.augmented(images, seed: 4, epoch: 2).pixels != whole)
  }

  @Test("a padding as large as the image may leave nothing of it, and stays in bounds")
  func wide() throws {
    let images = try distinct(300)
    let result = try Augmentation.flipAndCrop(padding: 5).augmented(images, seed: 1, epoch: 0)
    let sums = (0..<300).map { result.pixels[[$0]].tensor.values.reduce(0, +) }
    #expect(sums.contains(0) && sums.contains { $0 > 0 })
  }
}
