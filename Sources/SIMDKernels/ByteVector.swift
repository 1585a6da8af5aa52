internal import CVector

#if AVX512
  typealias WholeVector = SIMD16<Int32>
  typealias ByteVector = SIMD16<UInt8>
  typealias FourByteVectors = SIMD64<UInt8>
#elseif AVX2
  typealias WholeVector = SIMD8<Int32>
  typealias ByteVector = SIMD8<UInt8>
  typealias FourByteVectors = SIMD32<UInt8>
#else
  typealias WholeVector = SIMD4<Int32>
  typealias ByteVector = SIMD4<UInt8>
  typealias FourByteVectors = SIMD16<UInt8>
#endif

/// The numbers as floats, each rounded to the nearest.
@inline(__always)
func float(_ a: WholeVector) -> Vector {
  #if AVX512
    float_of_whole_16(a)
  #elseif AVX2
    float_of_whole_8(a)
  #else
    float_of_whole_4(a)
  #endif
}

@inline(__always)
func float(_ a: ByteVector) -> Vector {
  #if AVX512
    float_of_bytes_16(a)
  #elseif AVX2
    float_of_bytes_8(a)
  #else
    float_of_bytes_4(a)
  #endif
}

/// The nearest bytes of four vectors, one behind the other, the even one of two; 0 for what is below it and 255 for what
/// is above.
@inline(__always)
func nearestBytes(_ a: Vector, _ b: Vector, _ c: Vector, _ d: Vector) -> FourByteVectors {
  #if AVX512
    nearest_bytes_of_four_16(a, b, c, d)
  #elseif AVX2
    nearest_bytes_of_four_8(a, b, c, d)
  #else
    nearest_bytes_of_four_4(a, b, c, d)
  #endif
}

/// As for four vectors.
@inline(__always)
func nearestBytes(_ a: Vector) -> ByteVector {
  #if AVX512
    nearest_bytes_16(a)
  #elseif AVX2
    nearest_bytes_8(a)
  #else
    nearest_bytes_4(a)
  #endif
}

/// Stores the first and the second two of four vectors.
@inline(__always)
func storeHalves(
  _ bytes: FourByteVectors, _ low: UnsafeMutableRawPointer, _ high: UnsafeMutableRawPointer
) {
  #if AVX512
    store_halves_16(bytes, low, high)
  #elseif AVX2
    store_halves_8(bytes, low, high)
  #else
    store_halves_4(bytes, low, high)
  #endif
}

@inline(__always)
func load(_ pointer: UnsafePointer<UInt8>) -> ByteVector {
  UnsafeRawPointer(pointer).loadUnaligned(as: ByteVector.self)
}

/// How four unsigned bytes of an input are multiplied with four signed ones of every column and added to its sum.
protocol ByteDot {
  /// Four bytes of one input, ready to be multiplied.
  associatedtype Inputs
  /// Four bytes of every column, ready to be multiplied.
  associatedtype Weights
  /// The sums of a vector of columns while they are formed.
  associatedtype Sums

  static var zero: Sums { get }
  /// Whether a tile's sums for two vectors of columns are more than the registers hold, so that one vector of columns is
  /// summed after the other.
  static var isWide: Bool { get }
  static func inputs(_ four: UnsafePointer<UInt8>) -> Inputs
  /// - Parameter panel: the first byte of a vector of columns.
  static func weights(_ panel: UnsafeRawPointer) -> Weights
  static func add(_ sums: Sums, _ inputs: Inputs, _ weights: Weights) -> Sums
  /// The sums when nothing is added any more.
  static func whole(_ sums: Sums) -> WholeVector
}

extension ByteDot where Sums == WholeVector {
  @inline(__always)
  static var zero: WholeVector { .zero }

  @inline(__always)
  static var isWide: Bool { false }

  @inline(__always)
  static func whole(_ sums: WholeVector) -> WholeVector { sums }
}

extension ByteDot where Weights == WholeVector {
  @inline(__always)
  static func weights(_ panel: UnsafeRawPointer) -> WholeVector {
    panel.loadUnaligned(as: WholeVector.self)
  }
}

#if AVX512 || AVX2
  /// By the instruction for it.
  enum ByteInstruction: ByteDot {
    /// The same four bytes in every lane.
    @inline(__always)
    static func inputs(_ four: UnsafePointer<UInt8>) -> WholeVector {
      WholeVector(repeating: UnsafeRawPointer(four).loadUnaligned(as: Int32.self))
    }

    @inline(__always)
    static func add(
      _ sums: WholeVector, _ inputs: WholeVector, _ weights: WholeVector
    ) -> WholeVector {
      #if AVX512
        add_byte_products_16(sums, inputs, weights)
      #else
        add_byte_products_8(sums, inputs, weights)
      #endif
    }
  }
#endif

#if AVX2
  /// By products of 16 bits, for processors without that instruction. The one that multiplies bytes and adds two
  /// products would have to hold 2 · 255 · 127 in 16 bits, which it cannot.
  ///
  /// Bytes are widened in the order in which they lie, so that a vector has four columns, of each the sum over inputs 0
  /// and 1 of every four and that over 2 and 3.
  enum ByteHalves: ByteDot {
    typealias Pair = (WholeVector, WholeVector)

    @inline(__always)
    static var zero: Pair { (.zero, .zero) }

    @inline(__always)
    static var isWide: Bool { true }

    @inline(__always)
    static func inputs(_ four: UnsafePointer<UInt8>) -> WholeVector { four_bytes_as_halves_8(four) }

    @inline(__always)
    static func weights(_ panel: UnsafeRawPointer) -> Pair {
      (signed_bytes_as_halves_8(panel), signed_bytes_as_halves_8(panel + 16))
    }

    @inline(__always)
    static func add(_ sums: Pair, _ inputs: WholeVector, _ weights: Pair) -> Pair {
      (
        sums.0 &+ half_products_8(inputs, weights.0), sums.1 &+ half_products_8(inputs, weights.1)
      )
    }

    @inline(__always)
    static func whole(_ sums: Pair) -> WholeVector { sums_of_neighbours_8(sums.0, sums.1) }
  }
#endif

#if !AVX512 && !AVX2
  /// By products of 32 bits.
  enum ByteProducts: ByteDot {
    @inline(__always)
    static func inputs(_ four: UnsafePointer<UInt8>) -> UnsafePointer<UInt8> { four }

    @inline(__always)
    static func add(
      _ sums: WholeVector, _ inputs: UnsafePointer<UInt8>, _ weights: WholeVector
    ) -> WholeVector {
      sums &+ Int32(inputs[0]) &* ((weights &<< 24) &>> 24)
        &+ Int32(inputs[1]) &* ((weights &<< 16) &>> 24)
        &+ Int32(inputs[2]) &* ((weights &<< 8) &>> 24) &+ Int32(inputs[3]) &* (weights &>> 24)
    }
  }
#endif
