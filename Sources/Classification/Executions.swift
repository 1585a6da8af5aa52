/// The batch that a defence gives to its base, the classifier inside, to average the predictions: for
/// every input N images, the images of one input one after the other. N may differ from input to input.
package struct Executions {
  /// The images, [Σ N, C, H, W].
  package var images: Pixels
  /// The random streams that the base may use, one for every image.
  package var draws: Draws
  /// The index of every image's input in its data set, by which errors name it.
  package var inputs: [Int]
  /// N of every input.
  package var sizes: [Int]

  /// The images, and what is needed to average over them.
  package init(images: Pixels, draws: Draws, inputs: [Int], sizes: [Int]) {
    self.images = images
    self.draws = draws
    self.inputs = inputs
    self.sizes = sizes
  }

  /// For every input the sum of its images' gradients, Σ_k g_k, [inputs, C, H, W].
  ///
  /// - Parameters:
  ///   - gradients: g, one for every image, [Σ N, C, H, W].
  ///   - pulledBack: maps an image's row and its gradient to what is added for it; the gradient itself
  ///     unless given.
  package func sums(
    of gradients: Tensor,
    _ pulledBack: (_ row: Int, UnsafePointer<Float>) -> UnsafePointer<Float> = { $1 }
  ) -> Tensor {
    let width = gradients.rowCount
    var result = Tensor(shape: [sizes.count] + gradients.shape.dropFirst())
    result.withUnsafeMutablePointer { result in
      gradients.withUnsafePointer { gradients in
        var row = 0
        for (n, size) in sizes.enumerated() {
          let sum = result + n * width
          for _ in 0..<size {
            let values = pulledBack(row, gradients + row * width)
            for place in 0..<width { sum[place] += values[place] }
            row += 1
          }
        }
      }
    }
    return result
  }
}

extension Classifier {
  /// log F = log(1/N Σ_k softmax z(x_k)) of every input, [inputs, L], z(x) being the logits of this classifier.
  ///
  /// - Throws: as `checkedLogits`.
  package func logAverages(of executions: Executions) throws -> Tensor {
    let logits = try checkedLogits(
      of: executions.images, draws: executions.draws, naming: executions.inputs)
    return logMeans(of: logSoftmax(rowsOf: logits), sizes: executions.sizes)
  }

  /// The same without all images in memory at once: `executions` is called for some inputs at a time, as
  /// many as have `imagesInFlight` images together, but at least one.
  ///
  /// - Parameter sizes: N of every input.
  package func logAverages(
    sizes: [Int], imagesInFlight: Int, _ executions: (Range<Int>) throws -> Executions
  ) throws -> Tensor {
    var parts: [Tensor] = []
    var start = 0
    while start < sizes.count {
      var end = start + 1
      var images = sizes[start]
      while end < sizes.count, images + sizes[end] <= imagesInFlight {
        images += sizes[end]
        end += 1
      }
      parts.append(try logAverages(of: executions(start..<end)))
      start = end
    }
    return parts.isEmpty ? Tensor(shape: [0, classCount]) : try Tensor.concatenated(parts)
  }
}

extension DifferentiableClassifier {
  /// log F [inputs, L], and the gradient of Σ_n loss_n with respect to the images of all executions,
  /// [Σ N, C, H, W]. All are given to the model at once, since the loss needs all logits.
  ///
  /// - Parameter lossGradient: maps log F to ∂loss/∂log F, [inputs, L].
  /// - Throws: as `checkedLogitsAndGradient`.
  package func logAveragesAndGradient(
    of executions: Executions, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (averages: Tensor, gradient: Tensor) {
    guard executions.images.count > 0 else {
      return (Tensor(shape: [0, classCount]), executions.images.tensor)
    }
    var averages = Tensor(shape: [0, classCount])
    let gradient = try checkedLogitsAndGradient(
      of: executions.images, draws: executions.draws, naming: executions.inputs
    ) { logits in
      let logProbabilities = logSoftmax(rowsOf: logits)
      averages = logMeans(of: logProbabilities, sizes: executions.sizes)
      return logMeansPullback(
        try cotangent(of: averages, by: lossGradient), averages: averages,
        logProbabilities: logProbabilities, sizes: executions.sizes)
    }.gradient
    return (averages, gradient)
  }
}
