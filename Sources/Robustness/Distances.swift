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
