/// A classifier around another, which takes the same images into the same classes; passes for a decision
/// and randomness are the other's too, unless a wrapper says otherwise.
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

  /// Whether the classifier inside is.
  public var isRandomized: Bool { wrapped.isRandomized }
}
