#if AVX512
  /// Rows of one tile.
  let tileRows = 8
  /// One value for every row of a tile.
  typealias TileArray<Value> = InlineArray<8, Value>
#else
  /// Rows of one tile.
  let tileRows = 6
  /// One value for every row of a tile.
  typealias TileArray<Value> = InlineArray<6, Value>
#endif

/// The addresses of the input rows of a tile.
struct TileInput {
  let x0: UnsafePointer<Float>
  let x1: UnsafePointer<Float>
  let x2: UnsafePointer<Float>
  let x3: UnsafePointer<Float>
  let x4: UnsafePointer<Float>
  let x5: UnsafePointer<Float>
  #if AVX512
    let x6: UnsafePointer<Float>
    let x7: UnsafePointer<Float>
  #endif

  /// The rows that `row` finds for 0..<tileRows.
  @inline(__always)
  init(_ row: (Int) -> UnsafePointer<Float>) {
    x0 = row(0)
    x1 = row(1)
    x2 = row(2)
    x3 = row(3)
    x4 = row(4)
    x5 = row(5)
    #if AVX512
      x6 = row(6)
      x7 = row(7)
    #endif
  }
}

/// Takes the sums of a tile, row by row. A protocol rather than a closure: the compiler does not inline
/// closures as large as these, and a call would push the sums of the other rows out of their registers.
protocol RowReceiver {
  func receive(_ number: Int, _ sums: Row)
}

/// The sums of a tile, a few rows × two vectors of columns: as many as stay in registers.
struct Tile {
  private var r0: Row
  private var r1: Row
  private var r2: Row
  private var r3: Row
  private var r4: Row
  private var r5: Row
  #if AVX512
    private var r6: Row
    private var r7: Row
  #endif

  /// A tile in which the sums of every row begin with `start`.
  @inline(__always)
  init(_ start: Row) {
    (r0, r1, r2, r3, r4, r5) = (start, start, start, start, start, start)
    #if AVX512
      (r6, r7) = (start, start)
    #endif
  }

  /// A tile in which the sums of every row begin with what `row` finds for it.
  @inline(__always)
  init(_ row: (Int) -> Row) {
    (r0, r1, r2, r3, r4, r5) = (row(0), row(1), row(2), row(3), row(4), row(5))
    #if AVX512
      (r6, r7) = (row(6), row(7))
    #endif
  }

  /// Adds x[c] · W[c] to every row, for c from 0 to depth − 1 in this order; `left` and `right` point to
  /// W[0] for two vectors of columns, and W[c + 1] lies a panel's width behind W[c].
  @inline(__always)
  mutating func add(
    _ x: TileInput, _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, depth: Int
  ) {
    var (left, right) = (left, right)
    var c = 0
    // Four at a time: a third fewer instructions, which would keep the multiply-adds waiting.
    while c + 4 <= depth {
      add(x, c, Row(load(left), load(right)))
      add(x, c + 1, Row(load(left + panelWidth), load(right + panelWidth)))
      add(x, c + 2, Row(load(left + 2 * panelWidth), load(right + 2 * panelWidth)))
      add(x, c + 3, Row(load(left + 3 * panelWidth), load(right + 3 * panelWidth)))
      left += 4 * panelWidth
      right += 4 * panelWidth
      c += 4
    }
    while c < depth {
      add(x, c, Row(load(left), load(right)))
      left += panelWidth
      right += panelWidth
      c += 1
    }
  }

  /// As `add`, for a single vector of columns: only the left halves of the rows are summed up.
  @inline(__always)
  mutating func addLone(_ x: TileInput, _ weights: UnsafePointer<Float>, depth: Int) {
    var place = weights
    var c = 0
    while c + 4 <= depth {
      addLone(x, c, load(place))
      addLone(x, c + 1, load(place + panelWidth))
      addLone(x, c + 2, load(place + 2 * panelWidth))
      addLone(x, c + 3, load(place + 3 * panelWidth))
      place += 4 * panelWidth
      c += 4
    }
    while c < depth {
      addLone(x, c, load(place))
      place += panelWidth
      c += 1
    }
  }

  @inline(__always)
  private mutating func addLone(_ x: TileInput, _ c: Int, _ b: Vector) {
    r0.left = fused(x.x0[c], b, r0.left)
    r1.left = fused(x.x1[c], b, r1.left)
    r2.left = fused(x.x2[c], b, r2.left)
    r3.left = fused(x.x3[c], b, r3.left)
    r4.left = fused(x.x4[c], b, r4.left)
    r5.left = fused(x.x5[c], b, r5.left)
    #if AVX512
      r6.left = fused(x.x6[c], b, r6.left)
      r7.left = fused(x.x7[c], b, r7.left)
    #endif
  }

  @inline(__always)
  private mutating func add(_ x: TileInput, _ c: Int, _ b: Row) {
    r0.add(x.x0[c], b)
    r1.add(x.x1[c], b)
    r2.add(x.x2[c], b)
    r3.add(x.x3[c], b)
    r4.add(x.x4[c], b)
    r5.add(x.x5[c], b)
    #if AVX512
      r6.add(x.x6[c], b)
      r7.add(x.x7[c], b)
    #endif
  }

  /// Adds x[row] · b to every row.
  @inline(__always)
  mutating func addOuter(_ x: UnsafePointer<Float>, _ b: Row) {
    r0.add(x[0], b)
    r1.add(x[1], b)
    r2.add(x[2], b)
    r3.add(x[3], b)
    r4.add(x[4], b)
    r5.add(x[5], b)
    #if AVX512
      r6.add(x[6], b)
      r7.add(x[7], b)
    #endif
  }

  /// Hands the first `count` rows to the receiver.
  @inline(__always)
  func hand(_ count: Int, to receiver: some RowReceiver) {
    receiver.receive(0, r0)
    if count > 1 { receiver.receive(1, r1) }
    if count > 2 { receiver.receive(2, r2) }
    if count > 3 { receiver.receive(3, r3) }
    if count > 4 { receiver.receive(4, r4) }
    if count > 5 { receiver.receive(5, r5) }
    #if AVX512
      if count > 6 { receiver.receive(6, r6) }
      if count > 7 { receiver.receive(7, r7) }
    #endif
  }
}
