/// A classifier around another. Unless it says otherwise, it has the images, classes, passes for a
/// decision and randomness of the other.
public protocol WrappingClassifier: Classifier {
  /// The classifier inside.
  var wrapped: any Classifier { get }
}

extension WrappingClassifier {
  /// The shape of the images that the classifier inside takes.
  public var imageShape: ImageShape { wrapped.imageShape }

  /// L, the number of classes.
  public var classCount: Int { wrapped.classCount }

  /// As many as the classifier inside.
  public var forwardPassesPerDecision: Int { wrapped.forwardPassesPerDecision }

  /// Whether the classifier inside is randomised.
  public var isRandomized: Bool { wrapped.isRandomized }
}
