/// A classifier whose answers about an image, on whatever draws, begin with the same computation: mixup
/// inference first predicts the image as it is.
package protocol SharingClassifier: Classifier {
  /// What the answers about an image have in common, one row for every image, [N, …], and the same whatever
  /// the rest of the batch; nil if they have nothing in common.
  ///
  /// - Parameter examples: the indices by which errors name the images.
  func commonPart(of images: Pixels, naming examples: [Int]) throws -> Tensor?

  /// `logits(of:draws:)`, to the bit, for images whose common part is known.
  func logits(of images: Pixels, commonPart: Tensor, draws: Draws) throws -> Tensor
}

/// A classifier that shares the first computation with its gradients too.
package protocol SharingGradients: SharingClassifier, DifferentiableClassifier {
  /// `logitsAndGradient(of:draws:lossGradient:)`, to the bit, for images whose common part is known.
  func logitsAndGradient(
    of images: Pixels, commonPart: Tensor, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor)
}

/// Images about which one classifier is asked again and again, each time on other draws. What does not
/// depend on the draws is computed once for every image that is asked about.
package struct RepeatedQuestion {
  /// The images.
  package private(set) var images: Pixels
  private let classifier: any Classifier
  /// The common part of every image, as far as it is known.
  private var commonParts: Tensor?
  private var isKnown: [Bool]

  /// A question about these images.
  package init(_ classifier: any Classifier, about images: Pixels) {
    self.classifier = classifier
    self.images = images
    isKnown = Array(repeating: false, count: images.count)
  }

  /// `checkedLogits` of the images at some positions, [positions, L].
  ///
  /// - Parameters:
  ///   - positions: all if nil.
  ///   - draws: one stream for every position.
  package mutating func logits(at positions: [Int]? = nil, draws: Draws) throws -> Tensor {
    let asked = positions.map { images[$0] } ?? images
    guard let common = try commonPart(at: positions, naming: draws.examples) else {
      return try classifier.checkedLogits(of: asked, draws: draws)
    }
    return try Informed(base: common.classifier, commonPart: common.rows)
      .checkedLogits(of: asked, draws: draws)
  }

  /// `checkedLogitsAndGradient` of all images.
  package mutating func logitsAndGradient(
    through model: any DifferentiableClassifier, draws: Draws,
    lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    guard let sharing = model as? any SharingGradients,
      let common = try commonPart(at: nil, naming: draws.examples)
    else {
      return try model.checkedLogitsAndGradient(
        of: images, draws: draws, lossGradient: lossGradient)
    }
    return try InformedGradients(base: sharing, commonPart: common.rows)
      .checkedLogitsAndGradient(of: images, draws: draws, lossGradient: lossGradient)
  }

  /// The most probable class of every image; the lowest index among equals.
  package mutating func predictions(draws: Draws) throws -> [Int] {
    try argmax(rowsOf: logits(draws: draws))
  }

  /// Puts images of another question of the same classifier in the place of some of these.
  package mutating func replace(
    _ positions: [Int], with places: [Int], of other: RepeatedQuestion
  ) {
    images = images.replacing(positions, with: places, of: other.images)
    for (n, place) in zip(positions, places) { isKnown[n] = other.isKnown[place] }
    guard let parts = other.commonParts else { return }
    let own = commonParts ?? Tensor(shape: [images.count] + parts.shape.dropFirst())
    commonParts = own.replacing(positions, with: places, of: parts)
  }

  /// The common parts of the images at some positions; nil if the classifier has none.
  private mutating func commonPart(
    at positions: [Int]?, naming examples: [Int]
  ) throws -> (classifier: any SharingClassifier, rows: Tensor)? {
    guard let sharing = classifier as? any SharingClassifier, images.count > 0 else { return nil }
    let positions = positions ?? Array(isKnown.indices)
    let missing = positions.indices.filter { !isKnown[positions[$0]] }
    if !missing.isEmpty {
      let places = missing.map { positions[$0] }
      let found = try sharing.commonPart(
        of: images[places],
        naming: missing.map { examples.indices.contains($0) ? examples[$0] : $0 })
      guard let found else { return nil }
      let own = commonParts ?? Tensor(shape: [images.count] + found.shape.dropFirst())
      commonParts = own.replacing(places, with: Array(places.indices), of: found)
      for place in places { isKnown[place] = true }
    }
    return commonParts.map { (sharing, $0.rows(positions)) }
  }
}

/// A classifier that is asked about images of which it knows the common part.
private struct Informed: WrappingClassifier {
  let base: any SharingClassifier
  let commonPart: Tensor

  var wrapped: any Classifier { base }

  func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try base.logits(of: images, commonPart: commonPart, draws: draws)
  }
}

/// The same with gradients.
private struct InformedGradients: WrappingClassifier, DifferentiableClassifier {
  let base: any SharingGradients
  let commonPart: Tensor

  var wrapped: any Classifier { base }

  func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try base.logits(of: images, commonPart: commonPart, draws: draws)
  }

  func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    try base.logitsAndGradient(
      of: images, commonPart: commonPart, draws: draws, lossGradient: lossGradient)
  }
}

extension Pixels {
  /// The same images with those at `positions` taken from the given places of another batch.
  package func replacing(_ positions: [Int], with places: [Int], of other: Pixels) -> Pixels {
    Pixels(unchecked: tensor.replacing(positions, with: places, of: other.tensor))
  }
}

extension Tensor {
  /// The same rows but those at `positions`, which are taken from the given places of another tensor.
  package func replacing(_ positions: [Int], with places: [Int], of other: Tensor) -> Tensor {
    guard !positions.isEmpty else { return self }
    let width = rowCount
    var result = self
    result.withUnsafeMutablePointer { values in
      other.withUnsafePointer { source in
        for (n, place) in zip(positions, places) {
          (values + n * width).update(from: source + place * width, count: width)
        }
      }
    }
    return result
  }
}
