import Classification

/// A classifier with the gradient of another that computes nearly the same function: the loss is that of its own logits,
/// and what the loss's gradient in them means for the pixels is asked of the other. Source: Athalye, Carlini and Wagner,
/// 2018, "backward pass differentiable approximation".
package struct StraightThrough: WrappingClassifier, DifferentiableClassifier {
  package let wrapped: any Classifier
  /// Nil: whoever asks for a gradient gets `ClassifierError.noGradient`.
  package let followed: (any DifferentiableClassifier)?

  package init(_ wrapped: any Classifier, following followed: (any DifferentiableClassifier)?) {
    self.wrapped = wrapped
    self.followed = followed
  }

  package func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try wrapped.logits(of: images, draws: draws)
  }

  package func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    guard let followed else { throw ClassifierError.noGradient }
    let logits = try wrapped.logits(of: images, draws: draws)
    let result = try followed.logitsAndGradient(of: images, draws: draws) { _ in
      try lossGradient(logits)
    }
    return (logits, result.gradient)
  }
}
