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
    #expect(try images().identities == ["eb51dfbc34c451f417a94a50c65bd194"])
    #expect(
      try images().identity == "5f165f740457fe62ef69e732044f088e0fe37b620548d2e3c42058b7d1196266")
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
