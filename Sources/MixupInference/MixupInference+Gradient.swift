import Classification

extension MixupInference: DifferentiableClassifier where Base: DifferentiableClassifier {
  /// log F_MI [N, L] and the gradient λ Σ_k ∂loss/∂x̃_k [N, C, H, W] over the draws of every image.
  ///
  /// ŷ, the partners and the branch of `.combined` count as constants, which they are almost
  /// everywhere; only the branch taken is followed back. All mixed images are given to the base at
  /// once, since the loss needs all logits: keep the batch small.
  ///
  /// - Throws: `TensorError.shapeMismatch` if `lossGradient` returns another shape than it got, and
  ///   as `logits(of:draws:)`.
  public func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    let routes = try routing(of: images, draws: draws).routes
    guard !routes.isEmpty else {
      return (Tensor(shape: [0, classCount]), Tensor(shape: images.tensor.shape))
    }
    let sizes = routes.map(\.mixing.sampleCount)
    let (mixed, mixedDraws) = mixedBatch(of: images, routes: routes, draws: draws)
    var averages = Tensor(shape: [0, classCount])
    let mixedGradient = try base.checkedLogitsAndGradient(of: mixed, draws: mixedDraws) { logits in
      let logProbabilities = logSoftmax(rowsOf: logits)
      averages = logMeans(of: logProbabilities, sizes: sizes)
      let cotangent = try lossGradient(averages)
      guard cotangent.shape == averages.shape else {
        throw TensorError.shapeMismatch(expected: averages.shape, found: cotangent.shape)
      }
      return logMeansPullback(
        cotangent, averages: averages, logProbabilities: logProbabilities, sizes: sizes)
    }.gradient

    let width = imageShape.count
    var gradient = Tensor(shape: images.tensor.shape)
    gradient.withUnsafeMutablePointer { result in
      mixedGradient.withUnsafePointer { values in
        var row = values
        for (n, route) in routes.enumerated() {
          let sum = result + n * width
          for _ in 0..<route.mixing.sampleCount {
            for place in 0..<width { sum[place] += row[place] }
            row += width
          }
          for place in 0..<width { sum[place] *= route.mixing.ratio }
        }
      }
    }
    return (averages, gradient)
  }
}
