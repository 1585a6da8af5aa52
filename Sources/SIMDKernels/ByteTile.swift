/// One row of a tile of bytes.
struct BytePlace {
  /// For every run, where its first input lies in the image, in bytes.
  var sources: UnsafePointer<Int32>
  var image: UnsafePointer<UInt8>
  /// Where its results begin in output and addend, in bytes.
  var position: Int

  @inline(__always)
  func input(_ run: Int) -> UnsafePointer<UInt8> { image + Int(sources[run]) }
}

/// Where the inputs of a tile's rows lie, and where their results go.
protocol ByteRowPlaces {
  /// The first input of a row under the first tap of a run.
  func input(_ row: Int, _ run: Int) -> UnsafePointer<UInt8>
  /// Where those of a row begin in output and addend, in bytes.
  func position(_ row: Int) -> Int
  /// The shifts of all columns.
  func shift(_ row: Int) -> UnsafePointer<Float>
}

/// The rows of a tile that lie anywhere.
struct ScatteredRows: ByteRowPlaces {
  let places: UnsafePointer<BytePlace>
  let shift: UnsafePointer<Float>

  @inline(__always)
  func input(_ row: Int, _ run: Int) -> UnsafePointer<UInt8> { places[row].input(run) }

  @inline(__always)
  func position(_ row: Int) -> Int { places[row].position }

  @inline(__always)
  func shift(_ row: Int) -> UnsafePointer<Float> { shift }
}

/// The pixels of a tile, side by side.
struct SuccessiveRows: ByteRowPlaces {
  /// The inputs of the first one, and bytes from one to the next.
  let input: UnsafePointer<UInt8>
  let channels: Int
  /// Where the results of the first one begin, and bytes from one to the next.
  let position: Int
  let stride: Int
  /// Of the first pixel, of the last one of so many, and of those between them.
  let shifts:
    (first: UnsafePointer<Float>, middle: UnsafePointer<Float>, last: UnsafePointer<Float>)
  let pixels: Int

  @inline(__always)
  func input(_ row: Int, _ run: Int) -> UnsafePointer<UInt8> { input + row * channels }

  @inline(__always)
  func position(_ row: Int) -> Int { position + row * stride }

  @inline(__always)
  func shift(_ row: Int) -> UnsafePointer<Float> {
    row == 0 ? shifts.first : row == pixels - 1 ? shifts.last : shifts.middle
  }
}

/// The sums of bytes for one row and two vectors of columns.
private struct ByteRow<Dot: ByteDot> {
  var left = Dot.zero
  var right = Dot.zero

  @inline(__always)
  mutating func add(_ x: UnsafePointer<UInt8>, _ left: Dot.Weights, _ right: Dot.Weights) {
    add(Dot.inputs(x), left, right)
  }

  @inline(__always)
  mutating func add(_ inputs: Dot.Inputs, _ left: Dot.Weights, _ right: Dot.Weights) {
    self.left = Dot.add(self.left, inputs, left)
    self.right = Dot.add(self.right, inputs, right)
  }
}

#if AVX512
  /// Rows of a tile of bytes that is two vectors wide.
  let byteRows = 8
#else
  let byteRows = 4
#endif

/// The sums of a tile of bytes: `byteRows` rows of two vectors, or twice as many rows of one.
struct ByteTile<Dot: ByteDot> {
  private var r0 = ByteRow<Dot>()
  private var r1 = ByteRow<Dot>()
  private var r2 = ByteRow<Dot>()
  private var r3 = ByteRow<Dot>()
  #if AVX512
    private var r4 = ByteRow<Dot>()
    private var r5 = ByteRow<Dot>()
    private var r6 = ByteRow<Dot>()
    private var r7 = ByteRow<Dot>()
  #endif

  @inline(__always)
  init() {}

  /// Bytes of a panel that belong to four inputs.
  static var step: Int { 4 * panelWidth }

  /// Adds Σ x[c] · W[c] to every row, for c from 0 to depth − 1.
  ///
  /// - Parameters:
  ///   - rows: whose inputs x are those of a run.
  ///   - left, right: the weights of two vectors of columns.
  ///   - depth: a multiple of 4.
  @inline(__always)
  mutating func add(
    _ rows: some ByteRowPlaces, run: Int, _ left: UnsafePointer<Int8>,
    _ right: UnsafePointer<Int8>, depth: Int
  ) {
    let (x0, x1) = (rows.input(0, run), rows.input(1, run))
    let (x2, x3) = (rows.input(2, run), rows.input(3, run))
    #if AVX512
      let (x4, x5) = (rows.input(4, run), rows.input(5, run))
      let (x6, x7) = (rows.input(6, run), rows.input(7, run))
    #endif
    var c = 0
    var (left, right) = (UnsafeRawPointer(left), UnsafeRawPointer(right))
    // At least once, as the compiler sees: else it keeps two copies of all sums.
    repeat {
      let a = Dot.weights(left)
      let b = Dot.weights(right)
      r0.add(x0 + c, a, b)
      r1.add(x1 + c, a, b)
      r2.add(x2 + c, a, b)
      r3.add(x3 + c, a, b)
      #if AVX512
        r4.add(x4 + c, a, b)
        r5.add(x5 + c, a, b)
        r6.add(x6 + c, a, b)
        r7.add(x7 + c, a, b)
      #endif
      left += Self.step
      right += Self.step
      c += 4
    } while c < depth
  }

  #if !AVX512
    /// As `add`, for the first vector of columns alone.
    @inline(__always)
    mutating func addLeft(
      _ rows: some ByteRowPlaces, run: Int, _ weights: UnsafePointer<Int8>, depth: Int
    ) {
      Self.add(rows, run, weights, depth, &r0.left, &r1.left, &r2.left, &r3.left)
    }

    /// As `add`, for the second vector of columns alone.
    @inline(__always)
    mutating func addRight(
      _ rows: some ByteRowPlaces, run: Int, _ weights: UnsafePointer<Int8>, depth: Int
    ) {
      Self.add(rows, run, weights, depth, &r0.right, &r1.right, &r2.right, &r3.right)
    }

    @inline(__always)
    private static func add(
      _ rows: some ByteRowPlaces, _ run: Int, _ weights: UnsafePointer<Int8>, _ depth: Int,
      _ s0: inout Dot.Sums, _ s1: inout Dot.Sums, _ s2: inout Dot.Sums, _ s3: inout Dot.Sums
    ) {
      let (x0, x1) = (rows.input(0, run), rows.input(1, run))
      let (x2, x3) = (rows.input(2, run), rows.input(3, run))
      var c = 0
      var weights = UnsafeRawPointer(weights)
      repeat {
        let a = Dot.weights(weights)
        s0 = Dot.add(s0, Dot.inputs(x0 + c), a)
        s1 = Dot.add(s1, Dot.inputs(x1 + c), a)
        s2 = Dot.add(s2, Dot.inputs(x2 + c), a)
        s3 = Dot.add(s3, Dot.inputs(x3 + c), a)
        weights += step
        c += 4
      } while c < depth
    }
  #endif

  /// Stores the results. All that is added is read before anything is stored: rows may be the same, and the output
  /// that which is added.
  @inline(__always)
  func store<R: ByteRule>(_ rows: some ByteRowPlaces, by finish: ByteFinish<R>) {
    let b0 = finish.bytes(
      Dot.whole(r0.left), Dot.whole(r0.right), Dot.whole(r1.left), Dot.whole(r1.right), rows, 0)
    let b1 = finish.bytes(
      Dot.whole(r2.left), Dot.whole(r2.right), Dot.whole(r3.left), Dot.whole(r3.right), rows, 2)
    #if AVX512
      let b2 = finish.bytes(
        Dot.whole(r4.left), Dot.whole(r4.right), Dot.whole(r5.left), Dot.whole(r5.right), rows, 4)
      let b3 = finish.bytes(
        Dot.whole(r6.left), Dot.whole(r6.right), Dot.whole(r7.left), Dot.whole(r7.right), rows, 6)
    #endif
    finish.store(b0, rows, 0)
    finish.store(b1, rows, 2)
    #if AVX512
      finish.store(b2, rows, 4)
      finish.store(b3, rows, 6)
    #endif
  }

  #if AVX512
    // A panel is one vector here, so the last may be a lone one: then what would be the right half of row r is the
    // row that many further down.

    /// As `add`, for a single vector of columns and twice as many rows.
    @inline(__always)
    mutating func addLone(
      _ rows: some ByteRowPlaces, run: Int, _ weights: UnsafePointer<Int8>, depth: Int
    ) {
      let (x0, x1) = (rows.input(0, run), rows.input(1, run))
      let (x2, x3) = (rows.input(2, run), rows.input(3, run))
      let (x4, x5) = (rows.input(4, run), rows.input(5, run))
      let (x6, x7) = (rows.input(6, run), rows.input(7, run))
      let (x8, x9) = (rows.input(8, run), rows.input(9, run))
      let (x10, x11) = (rows.input(10, run), rows.input(11, run))
      let (x12, x13) = (rows.input(12, run), rows.input(13, run))
      let (x14, x15) = (rows.input(14, run), rows.input(15, run))
      var c = 0
      var weights = UnsafeRawPointer(weights)
      repeat {
        let a = Dot.weights(weights)
        r0.left = Dot.add(r0.left, Dot.inputs(x0 + c), a)
        r1.left = Dot.add(r1.left, Dot.inputs(x1 + c), a)
        r2.left = Dot.add(r2.left, Dot.inputs(x2 + c), a)
        r3.left = Dot.add(r3.left, Dot.inputs(x3 + c), a)
        r4.left = Dot.add(r4.left, Dot.inputs(x4 + c), a)
        r5.left = Dot.add(r5.left, Dot.inputs(x5 + c), a)
        r6.left = Dot.add(r6.left, Dot.inputs(x6 + c), a)
        r7.left = Dot.add(r7.left, Dot.inputs(x7 + c), a)
        r0.right = Dot.add(r0.right, Dot.inputs(x8 + c), a)
        r1.right = Dot.add(r1.right, Dot.inputs(x9 + c), a)
        r2.right = Dot.add(r2.right, Dot.inputs(x10 + c), a)
        r3.right = Dot.add(r3.right, Dot.inputs(x11 + c), a)
        r4.right = Dot.add(r4.right, Dot.inputs(x12 + c), a)
        r5.right = Dot.add(r5.right, Dot.inputs(x13 + c), a)
        r6.right = Dot.add(r6.right, Dot.inputs(x14 + c), a)
        r7.right = Dot.add(r7.right, Dot.inputs(x15 + c), a)
        weights += Self.step
        c += 4
      } while c < depth
    }

    /// As `store`, for a single vector of columns.
    @inline(__always)
    func storeLone<R: ByteRule>(_ rows: some ByteRowPlaces, by finish: ByteFinish<R>) {
      let b0 = finish.loneBytes(
        Dot.whole(r0.left), Dot.whole(r1.left), Dot.whole(r2.left), Dot.whole(r3.left), rows, 0)
      let b1 = finish.loneBytes(
        Dot.whole(r4.left), Dot.whole(r5.left), Dot.whole(r6.left), Dot.whole(r7.left), rows, 4)
      let b2 = finish.loneBytes(
        Dot.whole(r0.right), Dot.whole(r1.right), Dot.whole(r2.right), Dot.whole(r3.right), rows, 8)
      let b3 = finish.loneBytes(
        Dot.whole(r4.right), Dot.whole(r5.right), Dot.whole(r6.right), Dot.whole(r7.right), rows, 12
      )
      finish.storeLone(b0, rows, 0)
      finish.storeLone(b1, rows, 4)
      finish.storeLone(b2, rows, 8)
      finish.storeLone(b3, rows, 12)
    }

    // MARK: Pixels side by side

    /// Adds one row of a 3×3 kernel, with stride 1, to the sums of `byteRows` pixels that lie side by side. What is
    /// read of a pixel is multiplied for all that it is a neighbour of.
    ///
    /// - Parameters:
    ///   - before, after: the inputs of the pixels in front of the first one and behind the last one.
    ///   - x: those of the first one.
    ///   - left, right: the weights of the first tap for two vectors of columns.
    ///   - depth: channels of the input, a multiple of 4.
    @inline(__always)
    mutating func addNeighbours(
      _ before: UnsafePointer<UInt8>?, _ x: UnsafePointer<UInt8>, _ after: UnsafePointer<UInt8>?,
      _ left: UnsafePointer<Int8>, _ right: UnsafePointer<Int8>, depth: Int
    ) {
      let (x1, x2, x3) = (x + depth, x + 2 * depth, x + 3 * depth)
      let (x4, x5, x6, x7) = (x + 4 * depth, x + 5 * depth, x + 6 * depth, x + 7 * depth)
      let tap = depth * panelWidth
      var c = 0
      var (left, right) = (UnsafeRawPointer(left), UnsafeRawPointer(right))
      repeat {
        let a = Dot.taps(left, tap)
        let b = Dot.taps(right, tap)
        if let before { r0.add(before + c, a.0, b.0) }
        let i0 = Dot.inputs(x + c)
        r0.add(i0, a.1, b.1)
        r1.add(i0, a.0, b.0)
        Self.add(x1 + c, a, b, &r0, &r1, &r2)
        Self.add(x2 + c, a, b, &r1, &r2, &r3)
        Self.add(x3 + c, a, b, &r2, &r3, &r4)
        Self.add(x4 + c, a, b, &r3, &r4, &r5)
        Self.add(x5 + c, a, b, &r4, &r5, &r6)
        Self.add(x6 + c, a, b, &r5, &r6, &r7)
        let i7 = Dot.inputs(x7 + c)
        r6.add(i7, a.2, b.2)
        r7.add(i7, a.1, b.1)
        if let after { r7.add(after + c, a.2, b.2) }
        left += Self.step
        right += Self.step
        c += 4
      } while c < depth
    }

    /// Adds what is read of a pixel to its own sums and those of its neighbours.
    @inline(__always)
    private static func add(
      _ x: UnsafePointer<UInt8>, _ a: ByteTaps<Dot>, _ b: ByteTaps<Dot>,
      _ before: inout ByteRow<Dot>, _ own: inout ByteRow<Dot>, _ behind: inout ByteRow<Dot>
    ) {
      let inputs = Dot.inputs(x)
      before.add(inputs, a.2, b.2)
      own.add(inputs, a.1, b.1)
      behind.add(inputs, a.0, b.0)
    }

    /// As `addNeighbours`, for a single vector of columns and twice as many pixels.
    @inline(__always)
    mutating func addLoneNeighbours(
      _ before: UnsafePointer<UInt8>?, _ x: UnsafePointer<UInt8>, _ after: UnsafePointer<UInt8>?,
      _ weights: UnsafePointer<Int8>, depth: Int
    ) {
      let (x1, x2, x3) = (x + depth, x + 2 * depth, x + 3 * depth)
      let (x4, x5, x6, x7) = (x + 4 * depth, x + 5 * depth, x + 6 * depth, x + 7 * depth)
      let (x8, x9, x10, x11) = (x + 8 * depth, x + 9 * depth, x + 10 * depth, x + 11 * depth)
      let (x12, x13) = (x + 12 * depth, x + 13 * depth)
      let (x14, x15) = (x + 14 * depth, x + 15 * depth)
      let tap = depth * panelWidth
      var c = 0
      var weights = UnsafeRawPointer(weights)
      repeat {
        let w = Dot.taps(weights, tap)
        if let before { r0.left = Dot.add(r0.left, Dot.inputs(before + c), w.0) }
        let i0 = Dot.inputs(x + c)
        r0.left = Dot.add(r0.left, i0, w.1)
        r1.left = Dot.add(r1.left, i0, w.0)
        Self.addLone(x1 + c, w, &r0.left, &r1.left, &r2.left)
        Self.addLone(x2 + c, w, &r1.left, &r2.left, &r3.left)
        Self.addLone(x3 + c, w, &r2.left, &r3.left, &r4.left)
        Self.addLone(x4 + c, w, &r3.left, &r4.left, &r5.left)
        Self.addLone(x5 + c, w, &r4.left, &r5.left, &r6.left)
        Self.addLone(x6 + c, w, &r5.left, &r6.left, &r7.left)
        Self.addLone(x7 + c, w, &r6.left, &r7.left, &r0.right)
        Self.addLone(x8 + c, w, &r7.left, &r0.right, &r1.right)
        Self.addLone(x9 + c, w, &r0.right, &r1.right, &r2.right)
        Self.addLone(x10 + c, w, &r1.right, &r2.right, &r3.right)
        Self.addLone(x11 + c, w, &r2.right, &r3.right, &r4.right)
        Self.addLone(x12 + c, w, &r3.right, &r4.right, &r5.right)
        Self.addLone(x13 + c, w, &r4.right, &r5.right, &r6.right)
        Self.addLone(x14 + c, w, &r5.right, &r6.right, &r7.right)
        let i15 = Dot.inputs(x15 + c)
        r6.right = Dot.add(r6.right, i15, w.2)
        r7.right = Dot.add(r7.right, i15, w.1)
        if let after { r7.right = Dot.add(r7.right, Dot.inputs(after + c), w.2) }
        weights += Self.step
        c += 4
      } while c < depth
    }

    @inline(__always)
    private static func addLone(
      _ x: UnsafePointer<UInt8>, _ w: ByteTaps<Dot>,
      _ before: inout Dot.Sums, _ own: inout Dot.Sums, _ behind: inout Dot.Sums
    ) {
      let inputs = Dot.inputs(x)
      before = Dot.add(before, inputs, w.2)
      own = Dot.add(own, inputs, w.1)
      behind = Dot.add(behind, inputs, w.0)
    }
  #endif
}

#if AVX512
  /// The weights of three taps side by side.
  typealias ByteTaps<Dot: ByteDot> = (Dot.Weights, Dot.Weights, Dot.Weights)

  extension ByteDot {
    /// Three taps, so many bytes one behind the other.
    @inline(__always)
    fileprivate static func taps(_ first: UnsafeRawPointer, _ tap: Int) -> ByteTaps<Self> {
      (
        weights(first), weights(first + tap), weights(first + 2 * tap)
      )
    }
  }
#endif
