import Classification
import Statistics

/// Of which classes the partners are, the clean images that are mixed into an input: the law p_s(y) of
/// their labels.
public enum PartnerLabel: String, Sendable, Codable, CaseIterable {
  /// MI-PL: always the predicted label ŷ.
  case predicted
  /// MI-OL: uniform over the labels other than ŷ.
  case other
}

/// How the N partners of one input depend on each other; every one of them has the law p_s.
public enum PartnerSampling: String, Sendable, Codable, CaseIterable {
  /// Not at all: Algorithm 1 of the paper.
  case independent
  /// MI-OL's labels come in rounds of all labels other than ŷ in random order, so that they are drawn
  /// equally often, give or take one. MI-PL, which has one label, is left as it is.
  case stratified
  /// As `stratified`, and no image comes twice. Where N is the number of all images of these labels,
  /// nothing is left to chance.
  case withoutReplacement
}

/// The clean images x_s from which mixing partners are drawn, by class.
///
/// Partners come label first, y_s ~ p_s(y), then uniformly among the images of that label, so an
/// imbalance of the pool does not reach the labels. The caller sees to it that the pool holds
/// training images only; `indices` lets a record show which ones.
public struct SamplePool: Sendable {
  /// The images with their true classes.
  public let images: LabelledImages
  /// The positions of every class in `images`.
  private let positions: [[Int]]

  /// The pool of these images.
  ///
  /// - Throws: `SamplePoolError` unless every class has an image.
  public init(_ images: LabelledImages) throws(SamplePoolError) {
    guard images.classCount > 0 else { throw .noClasses }
    var positions = [[Int]](repeating: [], count: images.classCount)
    for (position, label) in images.labels.enumerated() { positions[label].append(position) }
    if let empty = positions.firstIndex(where: \.isEmpty) {
      throw .emptyClass(empty, classCount: images.classCount, images: images.count)
    }
    self.images = images
    self.positions = positions
  }

  /// The place of every image of the pool in its file of origin.
  public var indices: [Int] { images.indices }

  /// L, the number of classes.
  public var classCount: Int { images.classCount }

  /// The number of images in the smallest class.
  package var leastClassSize: Int { positions.map(\.count).min() ?? 0 }

  /// A clean image drawn for mixing.
  package struct Partner: Sendable, Hashable {
    /// y_s.
    package var label: Int
    /// The position of x_s in `images`.
    package var position: Int
  }

  /// y_s ~ p_s(y) for an input that is predicted as `predicted`; `.other` needs two classes.
  package func drawLabel(
    _ kind: PartnerLabel, predicted: Int, from stream: inout RandomStream
  ) -> Int {
    switch kind {
    case .predicted: predicted
    // Counting from ŷ + 1 reaches every other label once, with nothing to reject.
    case .other: (predicted + 1 + stream.integer(below: classCount - 1)) % classCount
    }
  }

  /// `count` partners of one input. With the same keys, a larger count begins with the same partners.
  ///
  /// - Parameter key: the key of a draw by its number, if draws are independent; otherwise all random
  ///   numbers come from key(0).
  /// - Precondition: every class has the images that `PartnerSampling.classSizeNeeded` says.
  package func draw(
    _ count: Int, _ kind: PartnerLabel, predicted: Int, sampling: PartnerSampling,
    key: (Int) -> RandomKey
  ) -> [Partner] {
    guard sampling != .independent else {
      return (0..<count).map { draw(kind, predicted: predicted, key: key($0)) }
    }
    var stream = RandomStream(key(0))
    var round: [Int] = []
    var unused = positions
    return (0..<count).map { _ in
      if round.isEmpty {
        round = kind == .predicted ? [predicted] : (0..<classCount).filter { $0 != predicted }
      }
      let label = round.remove(at: stream.integer(below: round.count))
      let place = stream.integer(below: unused[label].count)
      guard sampling == .withoutReplacement else {
        return Partner(label: label, position: positions[label][place])
      }
      unused[label].swapAt(place, unused[label].count - 1)
      return Partner(label: label, position: unused[label].removeLast())
    }
  }

  /// One partner: a label y_s ~ p_s(y), then uniformly an image x_s of that label, from the random
  /// numbers of a key.
  package func draw(_ kind: PartnerLabel, predicted: Int, key: RandomKey) -> Partner {
    var stream = RandomStream(key)
    return draw(kind, predicted: predicted, from: &stream)
  }

  /// The same from the next random numbers of a stream.
  package func draw(
    _ kind: PartnerLabel, predicted: Int, from stream: inout RandomStream
  ) -> Partner {
    let label = drawLabel(kind, predicted: predicted, from: &stream)
    return Partner(
      label: label, position: positions[label][stream.integer(below: positions[label].count)])
  }
}

extension PartnerSampling {
  /// The images that every class must have for N draws: as many as can fall on one label, if none may
  /// come twice.
  package func classSizeNeeded(_ kind: PartnerLabel, sampleCount: Int, classCount: Int) -> Int {
    guard self == .withoutReplacement else { return 1 }
    let labels = kind == .predicted ? 1 : classCount - 1
    return (sampleCount + labels - 1) / labels
  }
}

/// Why images cannot serve as a pool.
public enum SamplePoolError: ExplainedError, Equatable {
  case noClasses
  case emptyClass(Int, classCount: Int, images: Int)

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .noClasses:
      "the sample pool has no classes; give it images of one class at least"
    case .emptyClass(let label, let classCount, let images):
      """
      the sample pool's \(images) images leave class \(label) of \(classCount) empty; \
      take more images
      """
    }
  }
}
