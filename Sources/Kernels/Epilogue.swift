import KernelTables

/// What happens to a finished sum before it is stored: `out = activation(sum + addend)`.
public struct Epilogue {
  /// The function of v = sum + addend that is stored.
  public enum Activation {
    /// v.
    case identity
    /// 0 where v < 0, else v; so NaN stays visible. Which results are positive is written as signs, where that is
    /// asked for.
    case relu(signs: UnsafeMutablePointer<UInt8>?)
    /// v where the given sign is set, else 0: the gradient of a ReLU that wrote these signs.
    case mask(UnsafePointer<UInt8>)

    /// 0 where v < 0, else v.
    public static var relu: Activation { .relu(signs: nil) }
  }

  /// Added to the sum; laid out like the output, and allowed to be the output itself.
  public var addend: UnsafePointer<Float>?
  /// The function of sum + addend that is stored.
  public var activation: Activation

  /// An epilogue; unless told otherwise one that stores the sum as it is.
  public init(addend: UnsafePointer<Float>? = nil, activation: Activation = .identity) {
    self.addend = addend
    self.activation = activation
  }
}

extension Finish {
  /// An epilogue as the kernels take it.
  ///
  /// - Parameters:
  ///   - row, column: the first that are computed; the column is a multiple of 16.
  ///   - columns, stride: see the properties.
  init(
    _ epilogue: Epilogue, row: Int = 0, column: Int, columns: Int, stride: Int,
    output: UnsafeMutablePointer<Float>
  ) {
    let (start, sign) = (row * stride + column, row * Signs.stride(stride) + column / 8)
    let addend = epilogue.addend.map { $0 + start }
    switch epilogue.activation {
    case .identity:
      self.init(columns: columns, stride: stride, addend: addend, output: output + start)
    case .relu(let signs):
      self.init(
        columns: columns, stride: stride, addend: addend, relu: true,
        signs: signs.map { $0 + sign }, output: output + start)
    case .mask(let mask):
      self.init(
        columns: columns, stride: stride, addend: addend, mask: mask + sign,
        output: output + start)
    }
  }
}
