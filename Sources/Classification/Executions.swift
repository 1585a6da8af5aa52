/// The images that a defence gives to its base, the classifier inside, to average the predictions: for
/// every input N images, the images of one input one after the other, each a row. N may differ from input
/// to input.
///
/// Rows are made when they are needed, a few at a time, so that the memory for them does not grow with N.
package struct Executions {
  /// Some of the rows.
  package struct Batch {
    /// The images.
    package var images: Pixels
    /// The random streams that the base may use, one for every image.
    package var draws: Draws
    /// The index of every image's input in its data set, by which errors name it.
    package var inputs: [Int]
    /// Writes what the gradient of a row, counted within the batch, adds to that of its input; the gradient
    /// itself if nil.
    package var pullBack:
      ((_ row: Int, UnsafePointer<Float>, _ result: UnsafeMutablePointer<Float>) -> Void)?

    /// Images, and what the base has to know of them.
    package init(
      images: Pixels, draws: Draws, inputs: [Int],
      pullBack: ((Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void)? = nil
    ) {
      self.images = images
      self.draws = draws
      self.inputs = inputs
      self.pullBack = pullBack
    }
  }

  /// N of every input.
  package var sizes: [Int]
  /// The most rows that are given to the base at once.
  package var imagesInFlight: Int
  /// Makes a range of rows; the same whenever it is asked, and whatever the range.
  package var batch: (Range<Int>) -> Batch

  /// The rows that `batch` makes.
  package init(
    sizes: [Int], imagesInFlight: Int, batch: @escaping (Range<Int>) -> Batch
  ) {
    self.sizes = sizes
    self.imagesInFlight = imagesInFlight
    self.batch = batch
  }

  /// All rows at once.
  package var all: Batch { batch(0..<rowCount) }

  /// Σ N.
  private var rowCount: Int { sizes.reduce(0, +) }

  /// All rows in as few parts as may be in flight, all of about the same size.
  fileprivate var parts: [Range<Int>] {
    let rows = rowCount
    let count = (rows + max(imagesInFlight, 1) - 1) / max(imagesInFlight, 1)
    return (0..<count).map { rows * $0 / count..<rows * ($0 + 1) / count }
  }

  /// The parts for gradients: one, unless a single input has more rows than may be in flight, as taking
  /// rows apart costs another forward pass.
  fileprivate var gradientParts: [Range<Int>] {
    sizes.allSatisfy { $0 <= imagesInFlight } ? [0..<rowCount] : parts
  }

  /// The input of every row.
  fileprivate var inputOfRow: [Int] {
    sizes.enumerated().flatMap { repeatElement($0.offset, count: $0.element) }
  }
}

extension Classifier {
  /// log F = log(1/N Σ_k softmax z(x_k)) of every input, [inputs, L], z(x) being the logits of this classifier.
  ///
  /// - Throws: as `checkedLogits`.
  package func logAverages(of executions: Executions) throws -> Tensor {
    guard !executions.sizes.isEmpty else { return Tensor(shape: [0, classCount]) }
    return logMeans(of: try logProbabilities(of: executions), sizes: executions.sizes)
  }

  /// log softmax z(x_k) of every row.
  fileprivate func logProbabilities(of executions: Executions) throws -> Tensor {
    try .concatenated(
      executions.parts.map { rows in
        let batch = executions.batch(rows)
        return logSoftmax(
          rowsOf: try checkedLogits(of: batch.images, draws: batch.draws, naming: batch.inputs))
      })
  }
}

extension DifferentiableClassifier {
  /// log F, [inputs, L], and for every input the gradient of Σ_n loss_n pulled back and added up over its
  /// rows, [inputs, C, H, W].
  ///
  /// The loss needs all logits before any gradient. All rows are therefore given to the model at once, or, if
  /// one input alone has more than may be in flight, in parts and twice: for the logits, and then again for
  /// the gradients. The result is the same to the bit.
  ///
  /// - Parameter lossGradient: maps log F to ∂loss/∂log F, [inputs, L].
  /// - Throws: as `checkedLogitsAndGradient`.
  package func logAveragesAndGradient(
    of executions: Executions, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (averages: Tensor, gradient: Tensor) {
    let sizes = executions.sizes
    var sums = Tensor(
      shape: [sizes.count, imageShape.channels, imageShape.height, imageShape.width])
    guard !sizes.isEmpty else { return (Tensor(shape: [0, classCount]), sums) }
    var averages = Tensor(shape: [0, classCount])
    func cotangents(_ logProbabilities: Tensor) throws -> Tensor {
      averages = logMeans(of: logProbabilities, sizes: sizes)
      return logMeansPullback(
        try cotangent(of: averages, by: lossGradient), averages: averages,
        logProbabilities: logProbabilities, sizes: sizes)
    }
    let parts = executions.gradientParts
    let known = parts.count > 1 ? try cotangents(logProbabilities(of: executions)) : nil
    let inputs = executions.inputOfRow
    for rows in parts {
      let batch = executions.batch(rows)
      let gradient = try checkedLogitsAndGradient(
        of: batch.images, draws: batch.draws, naming: batch.inputs
      ) { logits in try known?.rows(rows) ?? cotangents(logSoftmax(rowsOf: logits)) }.gradient
      add(gradient, of: batch, to: &sums, inputs: inputs[rows])
    }
    return (averages, sums)
  }

  /// Adds what rows contribute to the gradients of their inputs, row by row.
  private func add(
    _ gradients: Tensor, of batch: Executions.Batch, to sums: inout Tensor, inputs: ArraySlice<Int>
  ) {
    let width = imageShape.count
    sums.withUnsafeMutablePointer { sums in
      gradients.withUnsafePointer { gradients in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { scratch in
          for (row, input) in inputs.enumerated() {
            let (sum, gradient) = (sums + input * width, gradients + row * width)
            var values = gradient
            if let pullBack = batch.pullBack, let scratch = scratch.baseAddress {
              pullBack(row, gradient, scratch)
              values = UnsafePointer(scratch)
            }
            for place in 0..<width { sum[place] += values[place] }
          }
        }
      }
    }
  }
}
