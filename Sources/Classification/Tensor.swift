import Statistics

/// A dense Float32 array of any rank: row-major, on 64-byte-aligned storage, with value semantics.
///
/// Images are [N, C, H, W] (batch, channel, row, column) at every public boundary, as in PyTorch.
/// Inside a network activations are [N, H, W, C]: channels are then the SIMD lanes of every kernel.
public struct Tensor: Sendable {
  /// The extent of every dimension, outermost first.
  public private(set) var shape: [Int]
  @usableFromInline var storage: AlignedBuffer

  /// The number of elements.
  public var count: Int { storage.count }

  /// A tensor whose contents are undefined: the caller writes them before anyone reads them.
  @usableFromInline
  package init(uninitialized shape: [Int]) {
    self.shape = shape
    storage = AlignedBuffer(uninitialized: shape.reduce(1, *))
  }

  /// A tensor with the same value everywhere.
  public init(repeating value: Float = 0, shape: [Int]) {
    self.init(uninitialized: shape)
    storage.pointer.update(repeating: value, count: count)
  }

  /// A tensor with the given values in row-major order.
  ///
  /// - Throws: `TensorError.countMismatch` unless there are as many values as `shape` has places.
  public init(_ values: some Collection<Float>, shape: [Int]) throws(TensorError) {
    guard shape.allSatisfy({ $0 >= 0 }), values.count == shape.reduce(1, *) else {
      throw .countMismatch(values: values.count, shape: shape)
    }
    self.init(uninitialized: shape)
    _ = UnsafeMutableBufferPointer(start: storage.pointer, count: count).update(
      fromContentsOf: values)
  }

  /// The values in row-major order.
  public var values: [Float] {
    Array(UnsafeBufferPointer(start: storage.pointer, count: count))
  }

  /// The element at a row-major position.
  public subscript(position: Int) -> Float {
    get {
      precondition(position >= 0 && position < count, "position \(position) outside \(count)")
      return storage.pointer[position]
    }
    set {
      precondition(position >= 0 && position < count, "position \(position) outside \(count)")
      makeUnique()
      storage.pointer[position] = newValue
    }
  }

  /// The same values under another shape.
  ///
  /// - Throws: `TensorError.countMismatch` unless both shapes have as many places.
  public func reshaped(to newShape: [Int]) throws(TensorError) -> Tensor {
    guard newShape.allSatisfy({ $0 >= 0 }), newShape.reduce(1, *) == count else {
      throw .countMismatch(values: count, shape: newShape)
    }
    var result = self
    result.shape = newShape
    return result
  }

  /// The same values under a shape that is known to have as many places.
  package init(reshaping tensor: Tensor, to newShape: [Int]) {
    precondition(newShape.reduce(1, *) == tensor.count)
    self = tensor
    shape = newShape
  }

  /// Reads the values in place.
  @inlinable
  public func withUnsafePointer<R, E: Error>(
    _ body: (UnsafePointer<Float>) throws(E) -> R
  ) throws(E) -> R {
    try body(UnsafePointer(storage.pointer))
  }

  /// Writes the values in place.
  @inlinable
  public mutating func withUnsafeMutablePointer<R, E: Error>(
    _ body: (UnsafeMutablePointer<Float>) throws(E) -> R
  ) throws(E) -> R {
    makeUnique()
    return try body(storage.pointer)
  }

  @usableFromInline
  mutating func makeUnique() {
    if !isKnownUniquelyReferenced(&storage) { storage = storage.copy() }
  }
}

extension Tensor: Equatable {
  /// Same shape and equal values (so NaN differs from itself and −0 equals 0).
  public static func == (a: Tensor, b: Tensor) -> Bool {
    a.shape == b.shape
      && (0..<a.count).allSatisfy { a.storage.pointer[$0] == b.storage.pointer[$0] }
  }
}

// MARK: Rows along the first dimension

extension Tensor {
  /// The number of elements of one entry of the first dimension; 0 if that dimension is 0 or there is
  /// none.
  public var rowCount: Int { shape.first.map { $0 == 0 ? 0 : count / $0 } ?? 0 }

  /// The entries of the first dimension at the given indices, in that order. O(result).
  public func rows(_ indices: some Collection<Int>) -> Tensor {
    let width = shape.dropFirst().reduce(1, *)
    var result = Tensor(uninitialized: [indices.count] + shape.dropFirst())
    result.withUnsafeMutablePointer { destination in
      for (place, index) in indices.enumerated() {
        precondition(index >= 0 && index < shape[0], "row \(index) outside \(shape[0])")
        (destination + place * width).update(from: storage.pointer + index * width, count: width)
      }
    }
    return result
  }

  /// Tensors one after the other along the first dimension.
  ///
  /// - Throws: `TensorError.shapeMismatch` unless all other dimensions are equal.
  public static func concatenated(_ parts: [Tensor]) throws(TensorError) -> Tensor {
    guard let first = parts.first else { return Tensor(shape: [0]) }
    for part in parts where part.shape.dropFirst() != first.shape.dropFirst() {
      throw .shapeMismatch(expected: first.shape, found: part.shape)
    }
    var result = Tensor(
      uninitialized: [parts.reduce(0) { $0 + $1.shape[0] }] + first.shape.dropFirst())
    result.withUnsafeMutablePointer { destination in
      var place = destination
      for part in parts {
        place.update(from: part.storage.pointer, count: part.count)
        place += part.count
      }
    }
    return result
  }
}

/// What can be wrong with the shape of a tensor.
public enum TensorError: ExplainedError, Equatable {
  case countMismatch(values: Int, shape: [Int])
  case shapeMismatch(expected: [Int], found: [Int])

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .countMismatch(let values, let shape):
      "\(values) values do not fill a tensor of shape \(shape)"
    case .shapeMismatch(let expected, let found):
      "expected a tensor of shape \(expected), found \(found)"
    }
  }
}
