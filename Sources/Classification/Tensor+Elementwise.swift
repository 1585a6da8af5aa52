extension Tensor {
  /// A tensor of one dimension.
  package init(vector: [Float]) {
    self.init(uninitialized: [vector.count])
    withUnsafeMutablePointer { $0.update(from: vector, count: vector.count) }
  }

  /// The tensor with `transform` applied to every value.
  // Inlined by force: called through a closure, an addition takes five times as long.
  @inlinable @inline(__always)
  package func map(_ transform: (Float) -> Float) -> Tensor {
    var result = Tensor(uninitialized: shape)
    result.withUnsafeMutablePointer { result in
      withUnsafePointer { values in
        for position in 0..<count { result[position] = transform(values[position]) }
      }
    }
    return result
  }
}

/// combine(aᵢ, bᵢ) for every element i.
///
/// - Precondition: both tensors have the same shape.
@inlinable @inline(__always)
package func zip(_ a: Tensor, _ b: Tensor, _ combine: (Float, Float) -> Float) -> Tensor {
  precondition(a.shape == b.shape)
  let count = a.count
  var result = Tensor(uninitialized: a.shape)
  result.withUnsafeMutablePointer { result in
    withPointers(a, b, b) { a, b, _ in
      for position in 0..<count { result[position] = combine(a[position], b[position]) }
    }
  }
  return result
}

/// The pointers of three tensors at once.
@inlinable @inline(__always)
package func withPointers<R>(
  _ a: Tensor, _ b: Tensor, _ c: Tensor,
  _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>) -> R
) -> R {
  a.withUnsafePointer { a in b.withUnsafePointer { b in c.withUnsafePointer { c in body(a, b, c) } }
  }
}
