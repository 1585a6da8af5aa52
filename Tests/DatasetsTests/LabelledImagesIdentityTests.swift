import Datasets
import NeuralNetwork
import Testing

@Suite("What names images, whatever their file")
struct LabelledImagesIdentityTests {
  private func images(
    _ values: [Float] = [0.25, 1], shape: [Int] = [1, 1, 1, 2], label: Int = 2, index: Int = 5,
    classCount: Int = 3
  ) throws -> LabelledImages {
    try LabelledImages(
      pixels: Pixels(Tensor(values, shape: shape)), labels: [label], classCount: classCount,
      indices: [index])
  }

  // The bytes of the definition, put together and hashed by Python's struct and hashlib.
  @Test("What names them is the digest of its definition")
  func golden() throws {
    #expect(
      try images().identity == "ab8b545cc45a6a0696a4cf0935cac7de0a20c010c08e3367566430ac4bbc5479")
  }

  @Test("Whatever differs, pixels, extents, label, index or classes, has another name")
  func differences() throws {
    let all = [
      try images(), try images([0.25, 0.5]), try images([1, 0.25]),
      try images(shape: [1, 1, 2, 1]), try images(shape: [1, 2, 1, 1]), try images(label: 1),
      try images(index: 4), try images(index: -5), try images(label: 2, classCount: 4),
    ]
    #expect(Set(all.map(\.identity)).count == all.count)
  }
}
