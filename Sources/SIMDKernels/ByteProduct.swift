import KernelTables

/// Walks over the rows of a group. Behind the last one it gives that again, to fill up a tile.
private struct ByteCursor {
  private var left: Int
  private var pixel: Int
  private var place: BytePlace
  /// Where the image begins in the output, in bytes.
  private var image: Int

  @inline(__always)
  init(_ group: GatheredByteArguments, from row: Int) {
    left = group.rows.upperBound - row
    let (image, pixel) = row.quotientAndRemainder(dividingBy: group.pixelCount)
    self.pixel = pixel
    self.image = image * group.outputImageStride
    place = BytePlace(
      sources: group.sources + pixel * group.runCount,
      image: group.input + image * group.imageStride,
      position: self.image + Int(group.destinations[pixel]))
  }

  @inline(__always)
  mutating func next(_ group: GatheredByteArguments) -> BytePlace {
    let result = place
    left -= 1
    if left > 0 {
      pixel += 1
      place.sources += group.runCount
      if pixel == group.pixelCount {
        pixel = 0
        image += group.outputImageStride
        place.sources = group.sources
        place.image += group.imageStride
      }
      place.position = image + Int(group.destinations[pixel])
    }
    return result
  }
}

/// The gathered product in tiles whose sums stay in registers.
struct ByteProduct<Dot: ByteDot> {
  let problem: GatheredByteArguments

  /// Rows whose columns are all computed before the next rows: what they read stays in the cache. A multiple of the
  /// highest tile.
  private static var blockRows: Int { 32 }

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
    var row = problem.rows.lowerBound
    if problem.isIdentity {
      while row + 2 * byteRows <= problem.rows.upperBound {
        let left = problem.rows.upperBound - row
        let count = min(Self.blockRows, left - left % (2 * byteRows))
        successive(row, count, rule)
        row += count
      }
    }
    if row < problem.rows.upperBound { scattered(from: row, rule) }
  }

  /// All columns of rows that follow each other in input and output, as many as fill tiles.
  @inline(__always)
  private func successive<R: ByteRule>(_ first: Int, _ count: Int, _ rule: R.Type) {
    let (channels, stride) = (problem.inputChannels, problem.requantization.stride)
    let shift = problem.requantization.shift
    tiles(count, rule) { row in
      SuccessiveRows(
        input: problem.input + (first + row) * channels, channels: channels,
        position: (first + row) * stride, stride: stride, shifts: (shift, shift, shift), pixels: 0)
    }
  }

  /// All columns of rows that lie anywhere.
  @inline(__always)
  private func scattered<R: ByteRule>(from row: Int, _ rule: R.Type) {
    withUnsafeTemporaryAllocation(of: BytePlace.self, capacity: Self.blockRows) { buffer in
      guard let places = buffer.baseAddress else { return }
      var cursor = ByteCursor(problem, from: row)
      var row = row
      while row < problem.rows.upperBound {
        let count = min(Self.blockRows, problem.rows.upperBound - row)
        var filled = 0
        while filled < count || filled % (2 * byteRows) > 0 {
          (places + filled).initialize(to: cursor.next(problem))
          filled += 1
        }
        tiles(count, rule) {
          ScatteredRows(places: places + $0, shift: problem.requantization.shift)
        }
        row += count
      }
    }
  }

  /// All columns of some rows.
  @inline(__always)
  private func tiles<R: ByteRule>(
    _ count: Int, _ rule: R.Type, _ rows: (Int) -> some ByteRowPlaces
  ) {
    var column = 0
    while column < problem.requantization.columns {
      let next = column + WholeVector.scalarCount
      let left = weights(column)
      #if AVX512
        if next == problem.requantization.columns {
          let finish = ByteFinish<R>(problem.requantization, column: column, next: column)
          var row = 0
          while row < count {
            lone(rows(row), left, finish)
            row += 2 * byteRows
          }
          return
        }
      #endif
      let right = weights(next)
      let finish = ByteFinish<R>(problem.requantization, column: column, next: next)
      var row = 0
      while row < count {
        pair(rows(row), left, right, finish)
        row += byteRows
      }
      column += 2 * WholeVector.scalarCount
    }
  }

  /// Where the weights of a vector of columns begin.
  @inline(__always)
  private func weights(_ column: Int) -> UnsafePointer<Int8> {
    problem.weights + column / panelWidth * problem.depth * panelWidth + column % panelWidth * 4
  }

  @inline(__always)
  private func pair<R: ByteRule>(
    _ rows: some ByteRowPlaces, _ left: UnsafePointer<Int8>, _ right: UnsafePointer<Int8>,
    _ finish: ByteFinish<R>
  ) {
    var tile = ByteTile<Dot>()
    #if !AVX512
      if Dot.isWide {
        forEachRun { run, offset, depth in
          tile.addLeft(rows, run: run, left + offset, depth: depth)
        }
        forEachRun { run, offset, depth in
          tile.addRight(rows, run: run, right + offset, depth: depth)
        }
        return tile.store(rows, by: finish)
      }
    #endif
    forEachRun { run, offset, depth in
      tile.add(rows, run: run, left + offset, right + offset, depth: depth)
    }
    tile.store(rows, by: finish)
  }

  /// Calls `body` with every run, where its weights begin in a panel, and how many inputs it has.
  @inline(__always)
  private func forEachRun(_ body: (_ run: Int, _ offset: Int, _ depth: Int) -> Void) {
    let channels = problem.inputChannels
    for run in 0..<problem.runCount {
      body(
        run, Int(problem.taps[run]) * channels * panelWidth, Int(problem.lengths[run]) * channels)
    }
  }

  #if AVX512
    @inline(__always)
    private func lone<R: ByteRule>(
      _ rows: some ByteRowPlaces, _ weights: UnsafePointer<Int8>, _ finish: ByteFinish<R>
    ) {
      var tile = ByteTile<Dot>()
      forEachRun { run, offset, depth in
        tile.addLone(rows, run: run, weights + offset, depth: depth)
      }
      tile.storeLone(rows, by: finish)
    }
  #endif
}
