import Classification

extension MixupInference: DifferentiableClassifier where Base: DifferentiableClassifier {
  /// log F_MI [N, L] and the gradient λ Σ_k ∂loss/∂x̃_k [N, C, H, W] over the draws of every image.
  ///
  /// ŷ, the partners and the branch of `.combined` count as constants, which they are almost
  /// everywhere; only the branch taken is followed back. All mixed images are given to the base at
  /// once, since the loss needs all logits, unless N is more than may be in flight: keep the batch small.
  ///
  /// - Throws: `TensorError.shapeMismatch` if `lossGradient` returns another shape than it got, and
  ///   as `logits(of:draws:)`.
  public func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    let routes = try routing(of: images, draws: draws).routes
    return try logitsAndGradient(of: images, routes, draws: draws, lossGradient: lossGradient)
  }

  private func logitsAndGradient(
    of images: Pixels, _ routes: [Route], draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    var (averages, gradient) = try base.logAveragesAndGradient(
      of: executions(of: images, routes: routes, draws: draws), lossGradient: lossGradient)
    let width = imageShape.count
    gradient.withUnsafeMutablePointer { result in
      for (n, route) in routes.enumerated() {
        for place in n * width..<(n + 1) * width { result[place] *= route.mixing.lambda.value }
      }
    }
    return (averages, gradient)
  }
}

extension MixupInference: SharingGradients where Base: DifferentiableClassifier {
  /// `logitsAndGradient(of:draws:lossGradient:)` without predicting the un-mixed images again.
  package func logitsAndGradient(
    of images: Pixels, commonPart: Tensor, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    try check(images, draws)
    spare(images.count)
    let routes = try routing(of: images, cleanLogits: commonPart, draws: draws).routes
    return try logitsAndGradient(of: images, routes, draws: draws, lossGradient: lossGradient)
  }
}
