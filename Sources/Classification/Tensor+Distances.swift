extension Tensor {
  /// ℓ∞ and ℓ2 distances of the rows of two tensors of one shape.
  package func distances(to other: Tensor) -> (linf: [Double], l2: [Double]) {
    distances(of: 0..<shape[0], to: 0..<shape[0], in: other)
  }

  /// The distances of some rows from as many of another tensor, pair by pair.
  package func distances(
    of rows: some Sequence<Int>, to others: some Sequence<Int>, in other: Tensor
  ) -> (linf: [Double], l2: [Double]) {
    let width = rowCount
    var (linf, l2): ([Double], [Double]) = ([], [])
    withUnsafePointer { a in
      other.withUnsafePointer { b in
        for (row, another) in zip(rows, others) {
          var (largest, sum) = (0.0, 0.0)
          for place in 0..<width {
            let difference = Double(a[row * width + place]) - Double(b[another * width + place])
            largest = max(largest, abs(difference))
            sum += difference * difference
          }
          linf.append(largest)
          l2.append(sum.squareRoot())
        }
      }
    }
    return (linf, l2)
  }
}
