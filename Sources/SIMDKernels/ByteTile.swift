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

/// The sums of bytes for one row and two vectors of columns.
private struct ByteRow<Dot: ByteDot> {
  var left = WholeVector.zero
  var right = WholeVector.zero

  @inline(__always)
  mutating func add(_ x: UnsafePointer<UInt8>, _ left: Dot.Weights, _ right: Dot.Weights) {
    let inputs = Dot.inputs(x)
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
  ///   - places: of `byteRows` rows, whose inputs x are those of a run.
  ///   - left, right: the weights of two vectors of columns.
  ///   - depth: a multiple of 4.
  @inline(__always)
  mutating func add(
    _ places: UnsafePointer<BytePlace>, run: Int, _ left: UnsafePointer<Int8>,
    _ right: UnsafePointer<Int8>, depth: Int
  ) {
    let (x0, x1) = (places[0].input(run), places[1].input(run))
    let (x2, x3) = (places[2].input(run), places[3].input(run))
    #if AVX512
      let (x4, x5) = (places[4].input(run), places[5].input(run))
      let (x6, x7) = (places[6].input(run), places[7].input(run))
    #endif
    var c = 0
    var (left, right) = (UnsafeRawPointer(left), UnsafeRawPointer(right))
    // At least once, as the compiler sees: else it keeps two copies of all sums.
    repeat {
      let a = Dot.weights(left.loadUnaligned(as: WholeVector.self))
      let b = Dot.weights(right.loadUnaligned(as: WholeVector.self))
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

  /// Stores the results. All that is added is read before anything is stored: rows may be the same, and the output
  /// that which is added.
  @inline(__always)
  func store<R: ByteRule>(_ places: UnsafePointer<BytePlace>, by finish: ByteFinish<R>) {
    let b0 = finish.bytes(r0.left, r0.right, r1.left, r1.right, places)
    let b1 = finish.bytes(r2.left, r2.right, r3.left, r3.right, places + 2)
    #if AVX512
      let b2 = finish.bytes(r4.left, r4.right, r5.left, r5.right, places + 4)
      let b3 = finish.bytes(r6.left, r6.right, r7.left, r7.right, places + 6)
    #endif
    finish.store(b0, places)
    finish.store(b1, places + 2)
    #if AVX512
      finish.store(b2, places + 4)
      finish.store(b3, places + 6)
    #endif
  }

  #if AVX512
    // A panel is one vector here, so the last may be a lone one: then what would be the right half of row r is the
    // row that many further down.

    /// As `add`, for a single vector of columns and twice as many rows.
    @inline(__always)
    mutating func addLone(
      _ places: UnsafePointer<BytePlace>, run: Int, _ weights: UnsafePointer<Int8>, depth: Int
    ) {
      let (x0, x1) = (places[0].input(run), places[1].input(run))
      let (x2, x3) = (places[2].input(run), places[3].input(run))
      let (x4, x5) = (places[4].input(run), places[5].input(run))
      let (x6, x7) = (places[6].input(run), places[7].input(run))
      let (x8, x9) = (places[8].input(run), places[9].input(run))
      let (x10, x11) = (places[10].input(run), places[11].input(run))
      let (x12, x13) = (places[12].input(run), places[13].input(run))
      let (x14, x15) = (places[14].input(run), places[15].input(run))
      var c = 0
      var weights = UnsafeRawPointer(weights)
      repeat {
        let a = Dot.weights(weights.loadUnaligned(as: WholeVector.self))
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
    func storeLone<R: ByteRule>(_ places: UnsafePointer<BytePlace>, by finish: ByteFinish<R>) {
      let b0 = finish.loneBytes(r0.left, r1.left, r2.left, r3.left, places)
      let b1 = finish.loneBytes(r4.left, r5.left, r6.left, r7.left, places + 4)
      let b2 = finish.loneBytes(r0.right, r1.right, r2.right, r3.right, places + 8)
      let b3 = finish.loneBytes(r4.right, r5.right, r6.right, r7.right, places + 12)
      finish.storeLone(b0, places)
      finish.storeLone(b1, places + 4)
      finish.storeLone(b2, places + 8)
      finish.storeLone(b3, places + 12)
    }
  #endif
}
