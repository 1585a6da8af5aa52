import KernelTables

/// What happens to a finished sum before it is stored: `out = activation(sum + addend)`.
public struct Epilogue {
  /// The function of v = sum + addend that is stored.
  public enum Activation {
    /// v.
    case identity
    /// 0 where v < 0, else v; so NaN stays visible.
    case relu
    /// v where the given array, laid out like the output, is positive, else 0: the gradient of a ReLU
    /// whose output was that array.
    case mask(UnsafePointer<Float>)

    /// The activation as `Finish` takes it.
    var parts: (mask: UnsafePointer<Float>?, relu: Bool) {
      switch self {
      case .identity: (nil, false)
      case .relu: (nil, true)
      case .mask(let mask): (mask, false)
      }
    }
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
  ///   - start: floats from the beginning of the output, the addend and the mask to the first value
  ///     that is computed.
  ///   - columns, stride: see the properties.
  init(
    _ epilogue: Epilogue, from start: Int, columns: Int, stride: Int,
    output: UnsafeMutablePointer<Float>
  ) {
    let (mask, relu) = epilogue.activation.parts
    self.init(
      columns: columns, stride: stride, addend: epilogue.addend.map { $0 + start },
      mask: mask.map { $0 + start }, relu: relu, output: output + start)
  }
}
