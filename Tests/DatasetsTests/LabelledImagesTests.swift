import Datasets
import NeuralNetwork
import TestSupport
import Testing

@Suite("Labelled images")
struct LabelledImagesTests {
  private static let shape = ImageShape(channels: 1, height: 2, width: 3)

  private func pixels(_ count: Int) throws -> Pixels {
    try Pixels(Tensor(shape: [count, 1, 1, 1]))
  }

  @Test("are numbered from 0 unless told otherwise, and a selection keeps its numbers")
  func indices() throws {
    let images = try LabelledImages(pixels: pixels(4), labels: [0, 1, 2, 0], classCount: 3)
    #expect(images.indices == [0, 1, 2, 3])
    let chosen = images[[3, 1, 1]]
    #expect(chosen.indices == [3, 1, 1] && chosen.labels == [0, 1, 1] && chosen.classCount == 3)
    #expect(chosen[[2, 0]].indices == [1, 3])
  }

  @Test("need one label in range and one index for every image")
  func refusesLabels() throws {
    #expect(throws: DatasetError.labelCount(labels: 1, images: 2)) {
      try LabelledImages(pixels: pixels(2), labels: [0], classCount: 3)
    }
    #expect(throws: DatasetError.labelCount(labels: 2, images: 2)) {
      try LabelledImages(pixels: pixels(2), labels: [0, 1], classCount: 3, indices: [0])
    }
    for label in [-1, 3] {
      #expect(throws: DatasetError.label(label, image: 1, classCount: 3)) {
        try LabelledImages(pixels: pixels(2), labels: [0, label], classCount: 3)
      }
    }
  }

  @Test("have an index each; the first that stands twice is named with its images")
  func repeatedIndex() throws {
    let images = try randomImages(5, shape: Self.shape, classCount: 3, seed: 1)
    let error = #expect(throws: DatasetError.repeatedIndex(8, images: 1, 3)) {
      try LabelledImages(
        pixels: images.pixels, labels: images.labels, classCount: 3, indices: [7, 8, 9, 8, 7])
    }
    #expect(error?.description.contains("images 1 and 3 both have index 8") == true)
    // Choosing an image twice gives its index twice.
    #expect(throws: DatasetError.repeatedIndex(0, images: 0, 2)) {
      try images[[0, 1, 0]].checkIndices()
    }
  }

  @Test("are the same wherever they stand, and others if shape, class, classes or a bit differ")
  func identities() throws {
    let images = try randomImages(6, shape: Self.shape, classCount: 3, seed: 1)
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
    let own = images.identities
    #expect(own.count == 6 && Set(own).count == 6 && own.allSatisfy { $0.count == 32 })
    #expect(images[[4, 2]].identities == [own[4], own[2]])
    #expect(try changed(indices: Array(10..<16)).identities == own)
    for other in [
      try changed(shape: [6, 1, 3, 2]), try changed(shape: [6, 3, 2, 1]),
      try changed(labels: images.labels.map { ($0 + 1) % 3 }), try changed(classCount: 4),
    ] {
      #expect(Set(other.identities).isDisjoint(with: own))
    }
    let nudged = try changed { tensor in
      tensor.withUnsafeMutablePointer { $0[2 * 6 + 5] = $0[2 * 6 + 5].nextDown }
    }
    #expect(zip(nudged.identities, own).map(==) == [true, true, false, true, true, true])

    #expect(try changed().identity == images.identity)
    for other in [nudged, try changed(indices: Array(1..<7)), images[[1, 0, 2, 3, 4, 5]]] {
      #expect(other.identity != images.identity)
    }
  }
}
