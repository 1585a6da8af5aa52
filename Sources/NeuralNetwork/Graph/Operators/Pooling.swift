import Kernels

/// The largest value, or the mean, of what a window sees of the image, channel by channel.
struct Pooling: GraphOperator {
  enum Kind: Hashable, Sendable {
    /// Padding never counts. The gradient goes to the first of several largest values.
    case maximum
    /// The sum divided by the number of pixels that are seen or, if `countsPadding`, by that of the window.
    case average(countsPadding: Bool)
  }

  let kind: Kind
  let window: PoolingWindow
  let extents: NetworkGraph.Extents
  let input: NetworkGraph.Extents

  /// Nil if the window does not fit.
  init?(_ kind: Kind, _ window: PoolingWindow, of input: NetworkGraph.Extents) {
    guard let extents = window.result(of: input) else { return nil }
    self.kind = kind
    self.window = window
    self.extents = extents
    self.input = input
  }

  /// The mean over all pixels.
  static func mean(of input: NetworkGraph.Extents) -> Pooling? {
    Pooling(
      .average(countsPadding: false),
      PoolingWindow(height: input.height, width: input.width, rowStride: 1, columnStride: 1),
      of: input)
  }

  var described: NetworkGraph.Described {
    switch kind {
    case .maximum: .maximum(window)
    case .average(let countsPadding): .mean(window, countsPadding: countsPadding)
    }
  }

  var gradientReadsInputs: Bool { kind == .maximum }

  func run(
    _ inputs: Operands, images: Int, kernels: KernelSet, to output: UnsafeMutablePointer<Float>
  ) {
    let channels = extents.channels
    forEachWindow(images) { image, pixel, rows, columns, divisor in
      let image = inputs[0] + image * input.count
      let output = output + pixel * channels
      let isMaximum = kind == .maximum
      output.update(repeating: isMaximum ? -.infinity : 0, count: channels)
      for row in rows {
        for column in columns {
          let values = image + (row * input.width + column) * channels
          if isMaximum {
            // What is no number stays in the result.
            for c in 0..<channels where values[c] > output[c] || values[c] != values[c] {
              output[c] = values[c]
            }
          } else {
            for c in 0..<channels { output[c] += values[c] }
          }
        }
      }
      if !isMaximum { for c in 0..<channels { output[c] /= divisor } }
    }
  }

  func addGradient(
    ofInput place: Int, _ gradient: UnsafePointer<Float>, inputs: Operands, images: Int,
    kernels: KernelSet, to sum: UnsafeMutablePointer<Float>
  ) {
    let channels = extents.channels
    forEachWindow(images) { image, pixel, rows, columns, divisor in
      let start = image * input.count
      let gradient = gradient + pixel * channels
      func at(_ row: Int, _ column: Int) -> Int {
        start + (row * input.width + column) * channels
      }
      switch kind {
      case .maximum:
        let values = inputs[0]
        for c in 0..<channels {
          var place = at(rows.lowerBound, columns.lowerBound) + c
          for row in rows {
            for column in columns where values[at(row, column) + c] > values[place] {
              place = at(row, column) + c
            }
          }
          sum[place] += gradient[c]
        }
      case .average:
        let share = 1 / divisor
        for row in rows {
          for column in columns {
            let sum = sum + at(row, column)
            for c in 0..<channels { sum[c] += gradient[c] * share }
          }
        }
      }
    }
  }

  /// Calls `body` for every pixel of the output: the image's number, the pixel's number counted through all
  /// images, what its window sees, and by what a sum is divided.
  private func forEachWindow(
    _ images: Int, _ body: (Int, Int, Range<Int>, Range<Int>, Float) -> Void
  ) {
    for image in 0..<images {
      for pixel in 0..<extents.pixels {
        let (rows, columns) = window.seen(pixel, of: extents, in: input)
        let divisor =
          kind == .average(countsPadding: true)
          ? window.height * window.width : rows.count * columns.count
        body(image, image * extents.pixels + pixel, rows, columns, Float(divisor))
      }
    }
  }
}
