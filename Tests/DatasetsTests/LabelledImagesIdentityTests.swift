import Classification
import Datasets
import TestSupport
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
    #expect(try images().identities() == ["eb51dfbc34c451f417a94a50c65bd194"])
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

  @Test(
    "Images are the same wherever they stand, and others if shape, class, classes or a bit differ")
  func identities() throws {
    let images = try randomImages(
      6, shape: ImageShape(channels: 1, height: 2, width: 3), classCount: 3, seed: 1)
    func changed(
      shape: [Int]? = nil, labels: [Int]? = nil, classCount: Int = 3, indices: [Int]? = nil,
      _ change: (inout Tensor) -> Void = { _ in }
    ) throws -> LabelledImages {
      var tensor = images.pixels.tensor
      if let shape { tensor = try Tensor(tensor.values, shape: shape) }
      change(&tensor)
      return try LabelledImages(
        pixels: Pixels(tensor), labels: labels ?? images.labels, classCount: classCount,
        indices: indices)
    }
    let own = images.identities()
    #expect(own.count == 6 && Set(own).count == 6 && own.allSatisfy { $0.count == 32 })
    #expect(images[[4, 2]].identities() == [own[4], own[2]])
    #expect(try changed(indices: Array(10..<16)).identities() == own)
    for other in [
      try changed(shape: [6, 1, 3, 2]), try changed(shape: [6, 3, 2, 1]),
      try changed(labels: images.labels.map { ($0 + 1) % 3 }), try changed(classCount: 4),
    ] {
      #expect(Set(other.identities()).isDisjoint(with: own))
    }
    let nudged = try changed { tensor in
      tensor.withUnsafeMutablePointer { $0[2 * 6 + 5] = $0[2 * 6 + 5].nextDown }
    }
    #expect(zip(nudged.identities(), own).map(==) == [true, true, false, true, true, true])

    #expect(try changed().identity == images.identity)
    for other in [nudged, try changed(indices: Array(1..<7)), images[[1, 0, 2, 3, 4, 5]]] {
      #expect(other.identity != images.identity)
    }
  }
}
