import Statistics

/// Images with their true classes and their places in the data set that they come from.
public struct LabelledImages: Sendable {
  /// The images, [N, C, H, W].
  public let pixels: Pixels
  /// The true class of every image, in 0..<classCount.
  public let labels: [Int]
  /// Where each image stands in its file of origin. The index names the random numbers of the image, so
  /// two images with the same index would share theirs.
  public let indices: [Int]
  /// L, the number of classes.
  public let classCount: Int

  /// Checked labelled images; indices count from 0 unless given.
  ///
  /// - Throws: `LabelledImagesError` unless every image has one label in 0..<classCount and an index of its own.
  public init(
    pixels: Pixels, labels: [Int], classCount: Int, indices: [Int]? = nil
  ) throws(LabelledImagesError) {
    guard labels.count == pixels.count else {
      throw .labelCount(labels: labels.count, images: pixels.count)
    }
    if let indices, indices.count != pixels.count {
      throw .indexCount(indices: indices.count, images: pixels.count)
    }
    if let bad = labels.firstIndex(where: { $0 < 0 || $0 >= classCount }) {
      throw .label(labels[bad], image: bad, classCount: classCount)
    }
    self.pixels = pixels
    self.labels = labels
    self.classCount = classCount
    self.indices = indices ?? Array(0..<labels.count)
    try checkIndices()
  }

  /// - Throws: `LabelledImagesError.repeatedIndex` if two images have one index.
  package func checkIndices() throws(LabelledImagesError) {
    var places: [Int: Int] = [:]
    for (place, index) in indices.enumerated() {
      if let first = places.updateValue(place, forKey: index) {
        throw .repeatedIndex(index, images: first, place)
      }
    }
  }

  /// The number of images.
  public var count: Int { labels.count }

  /// The images at the given positions, in that order, with pixels as values.
  public subscript(positions: some Collection<Int>) -> LabelledImages {
    LabelledImages(
      pixels: pixels[positions], labels: positions.map { labels[$0] },
      indices: positions.map { indices[$0] }, classCount: classCount)
  }

  /// The same, kept as these are: for sets of many images, see `Pixels.kept`.
  package func kept(_ positions: [Int]) -> LabelledImages {
    LabelledImages(
      pixels: pixels.kept(positions), labels: positions.map { labels[$0] },
      indices: positions.map { indices[$0] }, classCount: classCount)
  }

  private init(pixels: Pixels, labels: [Int], indices: [Int], classCount: Int) {
    self.pixels = pixels
    self.labels = labels
    self.indices = indices
    self.classCount = classCount
  }
}

/// Why images and labels do not belong together.
public enum LabelledImagesError: ExplainedError, Equatable {
  case labelCount(labels: Int, images: Int)
  case indexCount(indices: Int, images: Int)
  case label(Int, image: Int, classCount: Int)
  case repeatedIndex(Int, images: Int, Int)

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .labelCount(let labels, let images):
      "\(labels) labels for \(images) images; every image needs one"
    case .indexCount(let indices, let images):
      "\(indices) indices for \(images) images; every image needs one of its own, or leave them out"
    case .label(let label, let image, let classCount):
      "image \(image) has label \(label); labels are 0 to \(classCount - 1)"
    case .repeatedIndex(let index, let first, let second):
      """
      images \(first) and \(second) both have index \(index), which names an image's random numbers; \
      give every image an index of its own
      """
    }
  }
}
