import Classification

extension PerturbationBudget.Norm {
  /// ‖v‖.
  package func length(_ v: [Double]) -> Double {
    switch self {
    case .linf: v.reduce(0) { max($0, abs($1)) }
    case .l2: v.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
  }

  /// The dual norm, max { w·v : ‖v‖ ≤ 1 }.
  package func dualLength(_ w: [Double]) -> Double {
    switch self {
    case .linf: w.reduce(0) { $0 + abs($1) }
    case .l2: length(w)
    }
  }

  /// ‖a − b‖ of the rows of two tensors of one shape, pair by pair.
  package func distances(of a: Tensor, from b: Tensor) -> [Double] {
    let (linf, l2) = a.distances(to: b)
    return self == .linf ? linf : l2
  }
}

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
