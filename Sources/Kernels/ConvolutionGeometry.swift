/// Where a square kernel meets an image: the extents, and how the kernel steps over it.
public struct ConvolutionGeometry: Hashable, Sendable {
  /// Rows of the image.
  public var height: Int
  /// Columns of the image.
  public var width: Int
  /// K: the kernel is K×K.
  public var kernel: Int
  /// By how many input pixels the kernel moves from one output pixel to the next.
  public var stride: Int
  /// Zeros added above and on the left.
  public var padding: Int
  /// Zeros added below and on the right.
  public var paddingBehind: Int

  /// The geometry of a K×K kernel on an image of the given extents.
  ///
  /// - Parameter paddingBehind: zeros below and on the right; nil for as many as above and on the left.
  public init(
    height: Int, width: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
    paddingBehind: Int? = nil
  ) {
    self.height = height
    self.width = width
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.paddingBehind = paddingBehind ?? padding
  }

  /// ⌊(height + padding + paddingBehind − kernel) / stride⌋ + 1; 0 where the kernel is larger than the padded image.
  public var outputHeight: Int { extent(height) }
  /// ⌊(width + padding + paddingBehind − kernel) / stride⌋ + 1; 0 where the kernel is larger than the padded image.
  public var outputWidth: Int { extent(width) }

  private func extent(_ n: Int) -> Int {
    let padded = n + padding + paddingBehind
    return padded < kernel ? 0 : (padded - kernel) / stride + 1
  }
}
