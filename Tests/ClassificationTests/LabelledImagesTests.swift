import Classification
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
    #expect(throws: LabelledImagesError.labelCount(labels: 1, images: 2)) {
      try LabelledImages(pixels: pixels(2), labels: [0], classCount: 3)
    }
    for indices in [[0], [], [0, 1, 2]] {
      #expect(throws: LabelledImagesError.indexCount(indices: indices.count, images: 2)) {
        try LabelledImages(pixels: pixels(2), labels: [0, 1], classCount: 3, indices: indices)
      }
    }
    for label in [-1, 3] {
      #expect(throws: LabelledImagesError.label(label, image: 1, classCount: 3)) {
        try LabelledImages(pixels: pixels(2), labels: [0, label], classCount: 3)
      }
    }
  }

  @Test("have an index each; the first that stands twice is named with its images")
  func repeatedIndex() throws {
    let images = try randomImages(5, shape: Self.shape, classCount: 3, seed: 1)
    let error = #expect(throws: LabelledImagesError.repeatedIndex(8, images: 1, 3)) {
      try LabelledImages(
        pixels: images.pixels, labels: images.labels, classCount: 3, indices: [7, 8, 9, 8, 7])
    }
    #expect(error?.description.contains("images 1 and 3 both have index 8") == true)
    // Choosing an image twice gives its index twice.
    #expect(throws: LabelledImagesError.repeatedIndex(0, images: 0, 2)) {
      try images[[0, 1, 0]].checkIndices()
    }
  }

  @Test("Every error is one line that says what is wrong")
  func descriptions() {
    let errors: [LabelledImagesError] = [
      .labelCount(labels: 1, images: 2), .label(7, image: 3, classCount: 5),
      .indexCount(indices: 1, images: 2), .repeatedIndex(8, images: 1, 3),
    ]
    #expect(Set(errors.map(\.description)).count == errors.count)
    for error in errors {
      #expect(!error.description.contains("\n") && error.description.count > 20)
    }
  }
}
