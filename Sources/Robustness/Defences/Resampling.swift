import Classification
import Foundation

/// Bilinear resampling of one image, a linear map: every output pixel is a weighted sum of at most
/// four input pixels, the same in all channels.
///
/// Pixel (i, j) is the point (i, j); values between pixels are interpolated along rows and columns.
/// Nothing is smoothed first, not even where the image shrinks.
package struct Resampling: Sendable {
  /// What lies beyond the part of the image that is sampled.
  package enum Surroundings: Sendable {
    /// Black, 0 on the pixel scale.
    case black
    /// The nearest pixel of the part.
    case nearest
  }

  /// One term of an output pixel's sum.
  private struct Tap {
    /// The input pixel's place in its channel.
    var source: Int32
    var weight: Float
  }

  private static var tapsPerPixel: Int { 4 }

  /// The shape of images, before and after.
  private let shape: ImageShape
  /// H·W times four taps, row-major.
  private let taps: [Tap]

  /// The map that gives the output pixel (i, j) the value at `position(i, j)`, and black to those
  /// outside the window. O(H·W).
  ///
  /// - Parameters:
  ///   - window: the output pixels that are not black.
  ///   - part: the input pixels that are used; not empty.
  ///   - position: row and column in the input from those of an output pixel; they need not be whole.
  package init(
    shape: ImageShape, window: PixelRectangle, from part: PixelRectangle,
    surroundings: Surroundings, position: (_ row: Double, _ column: Double) -> (Double, Double)
  ) {
    let none = Tap(source: 0, weight: 0)
    var taps = [Tap](
      repeating: none, count: Self.tapsPerPixel * shape.height * shape.width)
    for row in window.rows {
      for column in window.columns {
        var (y, x) = position(Double(row), Double(column))
        if surroundings == .nearest {
          y = min(max(y, Double(part.rows.lowerBound)), Double(part.rows.upperBound - 1))
          x = min(max(x, Double(part.columns.lowerBound)), Double(part.columns.upperBound - 1))
        }
        let (top, left) = (y.rounded(.down), x.rounded(.down))
        let (down, right) = (y - top, x - left)
        var place = Self.tapsPerPixel * (row * shape.width + column)
        for (i, vertical) in [(Int(top), 1 - down), (Int(top) + 1, down)] {
          for (j, horizontal) in [(Int(left), 1 - right), (Int(left) + 1, right)] {
            if part.rows.contains(i), part.columns.contains(j) {
              taps[place] = Tap(
                source: Int32(i * shape.width + j), weight: Float(vertical * horizontal))
            }
            place += 1
          }
        }
      }
    }
    self.shape = shape
    self.taps = taps
  }

  /// A part of the image stretched over a window, pixel areas on pixel areas: the corners of the
  /// outer pixels' areas meet, as in PyTorch's `interpolate` with `align_corners=False`. Equal
  /// sizes copy.
  package static func stretch(
    _ part: PixelRectangle, over window: PixelRectangle, shape: ImageShape
  ) -> Resampling {
    let vertical = Double(part.rows.count) / Double(window.rows.count)
    let horizontal = Double(part.columns.count) / Double(window.columns.count)
    return Resampling(
      shape: shape, window: window, from: part, surroundings: .nearest
    ) { row, column in
      (
        (row - Double(window.rows.lowerBound) + 0.5) * vertical - 0.5
          + Double(part.rows.lowerBound),
        (column - Double(window.columns.lowerBound) + 0.5) * horizontal - 0.5
          + Double(part.columns.lowerBound)
      )
    }
  }

  /// The rotation by `degrees`, counter-clockwise on a screen, about the middle of the image; black
  /// moves in at the corners.
  package static func rotation(degrees: Double, shape: ImageShape) -> Resampling {
    let angle = degrees * .pi / 180
    let (sine, cosine) = (sin(angle), cos(angle))
    let middle = (row: Double(shape.height - 1) / 2, column: Double(shape.width - 1) / 2)
    let whole = PixelRectangle(shape)
    return Resampling(
      shape: shape, window: whole, from: whole, surroundings: .black
    ) { row, column in
      let (y, x) = (row - middle.row, column - middle.column)
      return (middle.row + sine * x + cosine * y, middle.column + cosine * x - sine * y)
    }
  }

  /// The resampled image, [C, H, W]; the memories do not overlap.
  package func apply(_ image: UnsafePointer<Float>, to result: UnsafeMutablePointer<Float>) {
    let pixels = shape.height * shape.width
    taps.withUnsafeBufferPointer { taps in
      for channel in 0..<shape.channels {
        let (source, target) = (image + channel * pixels, result + channel * pixels)
        for pixel in 0..<pixels {
          var sum: Float = 0
          for place in Self.tapsPerPixel * pixel..<Self.tapsPerPixel * (pixel + 1) {
            sum = sum.addingProduct(taps[place].weight, source[Int(taps[place].source)])
          }
          target[pixel] = sum
        }
      }
    }
  }

  /// The gradient with respect to the image from that with respect to the result, by the transposed map,
  /// both [C, H, W]; the memories do not overlap.
  package func pullback(_ gradient: UnsafePointer<Float>, to result: UnsafeMutablePointer<Float>) {
    let pixels = shape.height * shape.width
    result.update(repeating: 0, count: shape.count)
    taps.withUnsafeBufferPointer { taps in
      for channel in 0..<shape.channels {
        let (source, target) = (gradient + channel * pixels, result + channel * pixels)
        for pixel in 0..<pixels {
          for place in Self.tapsPerPixel * pixel..<Self.tapsPerPixel * (pixel + 1) {
            let tap = taps[place]
            let place = Int(tap.source)
            target[place] = target[place].addingProduct(tap.weight, source[pixel])
          }
        }
      }
    }
  }
}

/// The pixels of some rows and columns.
package struct PixelRectangle: Sendable, Hashable {
  package var rows: Range<Int>
  package var columns: Range<Int>

  /// Those of a whole image.
  package init(_ shape: ImageShape) {
    rows = 0..<shape.height
    columns = 0..<shape.width
  }

  /// A square by its upper left corner.
  package init(side: Int, top: Int, left: Int) {
    rows = top..<top + side
    columns = left..<left + side
  }
}
