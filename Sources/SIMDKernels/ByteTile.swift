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
  /// One value for every row of a tile of bytes, and those of a tile that is one vector wide and twice as high.
  typealias ByteArray<Value> = InlineArray<16, Value>
#else
  let byteRows = 4
  typealias ByteArray<Value> = InlineArray<8, Value>
#endif

/// Takes the sums of a tile of bytes, row by row; a protocol as `RowReceiver` is.
protocol ByteReceiver {
  func receive(_ number: Int, _ left: WholeVector, _ right: WholeVector)
}

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
  ///   - x: where the inputs of every row begin; those of rows past `byteRows` are not read.
  ///   - left, right: the weights of two vectors of columns.
  ///   - depth: a multiple of 4.
  @inline(__always)
  mutating func add(
    _ x: borrowing ByteArray<UnsafePointer<UInt8>>, _ left: UnsafePointer<Int8>,
    _ right: UnsafePointer<Int8>, depth: Int
  ) {
    let (x0, x1, x2, x3) = (x[0], x[1], x[2], x[3])
    #if AVX512
      let (x4, x5, x6, x7) = (x[4], x[5], x[6], x[7])
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

  /// Hands the first `count` rows of two vectors to the receiver.
  @inline(__always)
  func hand(_ count: Int, to receiver: some ByteReceiver) {
    receiver.receive(0, r0.left, r0.right)
    if count > 1 { receiver.receive(1, r1.left, r1.right) }
    if count > 2 { receiver.receive(2, r2.left, r2.right) }
    if count > 3 { receiver.receive(3, r3.left, r3.right) }
    #if AVX512
      if count > 4 { receiver.receive(4, r4.left, r4.right) }
      if count > 5 { receiver.receive(5, r5.left, r5.right) }
      if count > 6 { receiver.receive(6, r6.left, r6.right) }
      if count > 7 { receiver.receive(7, r7.left, r7.right) }
    #endif
  }

  #if AVX512
    // A panel is one vector here, so the last may be a lone one: then what would be the right half of row r is the
    // row that many further down.

    /// As `add`, for a single vector of columns and twice as many rows.
    @inline(__always)
    mutating func addLone(
      _ x: borrowing ByteArray<UnsafePointer<UInt8>>, _ weights: UnsafePointer<Int8>, depth: Int
    ) {
      var c = 0
      var weights = UnsafeRawPointer(weights)
      repeat {
        let a = Dot.weights(weights.loadUnaligned(as: WholeVector.self))
        r0.left = Dot.add(r0.left, Dot.inputs(x[0] + c), a)
        r1.left = Dot.add(r1.left, Dot.inputs(x[1] + c), a)
        r2.left = Dot.add(r2.left, Dot.inputs(x[2] + c), a)
        r3.left = Dot.add(r3.left, Dot.inputs(x[3] + c), a)
        r4.left = Dot.add(r4.left, Dot.inputs(x[4] + c), a)
        r5.left = Dot.add(r5.left, Dot.inputs(x[5] + c), a)
        r6.left = Dot.add(r6.left, Dot.inputs(x[6] + c), a)
        r7.left = Dot.add(r7.left, Dot.inputs(x[7] + c), a)
        r0.right = Dot.add(r0.right, Dot.inputs(x[8] + c), a)
        r1.right = Dot.add(r1.right, Dot.inputs(x[9] + c), a)
        r2.right = Dot.add(r2.right, Dot.inputs(x[10] + c), a)
        r3.right = Dot.add(r3.right, Dot.inputs(x[11] + c), a)
        r4.right = Dot.add(r4.right, Dot.inputs(x[12] + c), a)
        r5.right = Dot.add(r5.right, Dot.inputs(x[13] + c), a)
        r6.right = Dot.add(r6.right, Dot.inputs(x[14] + c), a)
        r7.right = Dot.add(r7.right, Dot.inputs(x[15] + c), a)
        weights += Self.step
        c += 4
      } while c < depth
    }

    /// Hands the first `count` rows of one vector to the receiver, as both halves.
    @inline(__always)
    func handLone(_ count: Int, to receiver: some ByteReceiver) {
      receiver.receive(0, r0.left, r0.left)
      if count > 1 { receiver.receive(1, r1.left, r1.left) }
      if count > 2 { receiver.receive(2, r2.left, r2.left) }
      if count > 3 { receiver.receive(3, r3.left, r3.left) }
      if count > 4 { receiver.receive(4, r4.left, r4.left) }
      if count > 5 { receiver.receive(5, r5.left, r5.left) }
      if count > 6 { receiver.receive(6, r6.left, r6.left) }
      if count > 7 { receiver.receive(7, r7.left, r7.left) }
      if count > 8 { receiver.receive(8, r0.right, r0.right) }
      if count > 9 { receiver.receive(9, r1.right, r1.right) }
      if count > 10 { receiver.receive(10, r2.right, r2.right) }
      if count > 11 { receiver.receive(11, r3.right, r3.right) }
      if count > 12 { receiver.receive(12, r4.right, r4.right) }
      if count > 13 { receiver.receive(13, r5.right, r5.right) }
      if count > 14 { receiver.receive(14, r6.right, r6.right) }
      if count > 15 { receiver.receive(15, r7.right, r7.right) }
    }
  #endif
}
