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
  /// Zeros added on every side.
  public var padding: Int

  /// The geometry of a K×K kernel on an image of the given extents.
  public init(height: Int, width: Int, kernel: Int, stride: Int = 1, padding: Int = 0) {
    self.height = height
    self.width = width
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
  }

  /// ⌊(height + 2·padding − kernel) / stride⌋ + 1; 0 where the kernel is larger than the padded image.
  public var outputHeight: Int { extent(height) }
  /// ⌊(width + 2·padding − kernel) / stride⌋ + 1; 0 where the kernel is larger than the padded image.
  public var outputWidth: Int { extent(width) }

  private func extent(_ n: Int) -> Int {
    n + 2 * padding < kernel ? 0 : (n + 2 * padding - kernel) / stride + 1
  }
}
