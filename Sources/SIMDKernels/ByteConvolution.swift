import KernelTables

#if AVX512
  /// A 3×3 convolution with stride 1 and a border of zeros, in tiles of pixels that lie side by side.
  struct ByteConvolution<Dot: ByteDot> {
    let problem: ByteConvolutionArguments

    /// Rows of images whose columns are all computed before the next rows: what they read stays in the cache.
    private static var blockRows: Int { 8 }

    /// Whether the tiles, which are 16 pixels wide for the last of an odd number of panels and 8 for others, fill rows.
    @inline(__always)
    static func fits(_ problem: ByteConvolutionArguments) -> Bool {
      let pixels =
        problem.requantization.columns % (2 * panelWidth) == 0 ? byteRows : 2 * byteRows
      return problem.width % pixels == 0
    }

    @inline(__always)
    func run() {
      if problem.requantization.addend == nil {
        blocks(WithoutAddend.self)
      } else {
        blocks(WithAddend.self)
      }
    }

    @inline(never)
    private func blocks<R: ByteRule>(_ rule: R.Type) {
      var first = problem.rows.lowerBound
      while first < problem.rows.upperBound {
        let end = min(first + Self.blockRows, problem.rows.upperBound)
        var column = 0
        while column < problem.requantization.columns {
          let next = column + panelWidth
          if next < problem.requantization.columns {
            pair(
              first, end, ByteFinish<R>(problem.requantization, column: column, next: next), column)
          } else {
            lone(
              first, end, ByteFinish<R>(problem.requantization, column: column, next: column),
              column)
          }
          column += 2 * panelWidth
        }
        first = end
      }
    }

    @inline(__always)
    private func weights(_ column: Int) -> UnsafePointer<Int8> {
      problem.weights + column * 9 * problem.inputChannels
    }

    @inline(__always)
    private func pair<R: ByteRule>(
      _ first: Int, _ end: Int, _ finish: ByteFinish<R>, _ column: Int
    ) {
      let (left, right) = (weights(column), weights(column + panelWidth))
      let kernelRow = 3 * problem.inputChannels * panelWidth
      forEachTile(of: byteRows, first, end) { position, kernelRows, input in
        var tile = ByteTile<Dot>()
        for row in kernelRows {
          let (before, x, after) = input(row)
          tile.addNeighbours(
            before, x, after, left + row * kernelRow, right + row * kernelRow,
            depth: problem.inputChannels)
        }
        tile.store(position, by: finish)
      }
    }

    @inline(__always)
    private func lone<R: ByteRule>(
      _ first: Int, _ end: Int, _ finish: ByteFinish<R>, _ column: Int
    ) {
      let weights = weights(column)
      let kernelRow = 3 * problem.inputChannels * panelWidth
      forEachTile(of: 2 * byteRows, first, end) { position, kernelRows, input in
        var tile = ByteTile<Dot>()
        for row in kernelRows {
          let (before, x, after) = input(row)
          tile.addLoneNeighbours(
            before, x, after, weights + row * kernelRow, depth: problem.inputChannels)
        }
        tile.storeLone(position, by: finish)
      }
    }

    private typealias Neighbours = (
      before: UnsafePointer<UInt8>?, own: UnsafePointer<UInt8>, after: UnsafePointer<UInt8>?
    )

    /// Calls `body` with where a tile's results go, the rows of the kernel that meet the image, and a function that says
    /// what the tile reads under one of them.
    @inline(__always)
    private func forEachTile(
      of pixels: Int, _ first: Int, _ end: Int,
      _ body: (SuccessiveRows, Range<Int>, (Int) -> Neighbours) -> Void
    ) {
      let (height, width, channels) = (problem.height, problem.width, problem.inputChannels)
      let stride = problem.requantization.stride
      for row in first..<end {
        let y = row % height
        let kernelRows = (y == 0 ? 1 : 0)..<(y == height - 1 ? 2 : 3)
        let columns = problem.requantization.columns
        let shift = problem.requantization.shift + (y == 0 ? 0 : y == height - 1 ? 6 : 3) * columns
        var x = 0
        while x < width {
          let own = problem.input + (row * width + x) * channels
          let (isFirst, isLast) = (x == 0, x + pixels == width)
          let places = SuccessiveRows(
            input: own, channels: channels, position: (row * width + x) * stride, stride: stride,
            shifts: (
              first: isFirst ? shift : shift + columns, middle: shift + columns,
              last: isLast ? shift + 2 * columns : shift + columns
            ), pixels: pixels)
          body(places, kernelRows) { tap in
            let line = own + (tap - 1) * width * channels
            return (isFirst ? nil : line - channels, line, isLast ? nil : line + pixels * channels)
          }
          x += pixels
        }
      }
    }
  }
#endif
