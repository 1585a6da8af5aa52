/// A window that steps over an image: where each of its places looks.
package struct PoolingWindow: Hashable, Sendable {
  /// Rows and columns of the window.
  package var height: Int
  package var width: Int
  /// By how many pixels it moves from one output pixel to the next.
  package var rowStride: Int
  package var columnStride: Int
  /// Rows and columns that are added around the image.
  package var top = 0
  package var left = 0
  package var bottom = 0
  package var right = 0

  /// A square window, with as much padding on every side.
  package init(kernel: Int, stride: Int, padding: Int = 0) {
    self.init(height: kernel, width: kernel, rowStride: stride, columnStride: stride)
    (top, left, bottom, right) = (padding, padding, padding, padding)
  }

  /// A window without padding.
  package init(height: Int, width: Int, rowStride: Int, columnStride: Int) {
    self.height = height
    self.width = width
    self.rowStride = rowStride
    self.columnStride = columnStride
  }

  /// The extents of the result. Nil if a window would see nothing of the image, or a number makes no sense.
  package func result(of extents: NetworkGraph.Extents) -> NetworkGraph.Extents? {
    let sides = [(top, height), (left, width), (bottom, height), (right, width)]
    guard height > 0, width > 0, rowStride > 0, columnStride > 0,
      sides.allSatisfy({ 0..<$1 ~= $0 }), extents.height + top + bottom >= height,
      extents.width + left + right >= width
    else { return nil }
    return NetworkGraph.Extents(
      height: (extents.height + top + bottom - height) / rowStride + 1,
      width: (extents.width + left + right - width) / columnStride + 1, channels: extents.channels)
  }

  /// The rows and columns of the image that the window of an output pixel sees.
  func seen(
    _ pixel: Int, of output: NetworkGraph.Extents, in input: NetworkGraph.Extents
  ) -> (rows: Range<Int>, columns: Range<Int>) {
    func range(_ start: Int, _ length: Int, _ extent: Int) -> Range<Int> {
      max(start, 0)..<min(start + length, extent)
    }
    let (row, column) = (pixel / output.width, pixel % output.width)
    return (
      range(row * rowStride - top, height, input.height),
      range(column * columnStride - left, width, input.width)
    )
  }
}
