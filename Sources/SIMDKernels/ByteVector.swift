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

  static func inputs(_ four: UnsafePointer<UInt8>) -> Inputs
  static func weights(_ raw: WholeVector) -> Weights
  static func add(_ sum: WholeVector, _ inputs: Inputs, _ weights: Weights) -> WholeVector
}

/// The same four bytes in every lane.
@inline(__always)
private func spread(_ four: UnsafePointer<UInt8>) -> WholeVector {
  WholeVector(repeating: UnsafeRawPointer(four).loadUnaligned(as: Int32.self))
}

#if AVX512 || AVX2
  /// By the instruction for it.
  enum ByteInstruction: ByteDot {
    @inline(__always)
    static func inputs(_ four: UnsafePointer<UInt8>) -> WholeVector { spread(four) }

    @inline(__always)
    static func weights(_ raw: WholeVector) -> WholeVector { raw }

    @inline(__always)
    static func add(
      _ sum: WholeVector, _ inputs: WholeVector, _ weights: WholeVector
    ) -> WholeVector {
      #if AVX512
        add_byte_products_16(sum, inputs, weights)
      #else
        add_byte_products_8(sum, inputs, weights)
      #endif
    }
  }

  /// By products of 16 bits, for processors without that instruction: bytes 0 and 2 at a time, then 1 and 3, each
  /// widened. The instruction that multiplies bytes and adds two products would have to hold 2 · 255 · 127 in 16 bits,
  /// which it cannot.
  enum ByteHalves: ByteDot {
    typealias Inputs = (even: WholeVector, odd: WholeVector)
    typealias Weights = (even: WholeVector, odd: WholeVector)

    @inline(__always)
    static func inputs(_ four: UnsafePointer<UInt8>) -> Inputs {
      let bytes = UnsafeRawPointer(four).loadUnaligned(as: UInt32.self)
      return (
        WholeVector(repeating: Int32(bitPattern: bytes & 0x00FF_00FF)),
        WholeVector(repeating: Int32(bitPattern: bytes &>> 8 & 0x00FF_00FF))
      )
    }

    @inline(__always)
    static func weights(_ raw: WholeVector) -> Weights {
      // The upper half of every lane keeps its sign by itself, the lower one is widened on its own.
      let upper = WholeVector(repeating: -0x10000)
      let lower = WholeVector(repeating: 0xFFFF)
      let odd = (raw &>> 8) & upper | ((raw &<< 16) &>> 24) & lower
      let even = ((raw &<< 8) &>> 8) & upper | ((raw &<< 24) &>> 24) & lower
      return (even, odd)
    }

    @inline(__always)
    static func add(_ sum: WholeVector, _ inputs: Inputs, _ weights: Weights) -> WholeVector {
      #if AVX512
        sum &+ half_products_16(inputs.even, weights.even)
          &+ half_products_16(inputs.odd, weights.odd)
      #else
        sum &+ half_products_8(inputs.even, weights.even)
          &+ half_products_8(inputs.odd, weights.odd)
      #endif
    }
  }
#else
  /// By products of 32 bits.
  enum ByteProducts: ByteDot {
    @inline(__always)
    static func inputs(_ four: UnsafePointer<UInt8>) -> UnsafePointer<UInt8> { four }

    @inline(__always)
    static func weights(_ raw: WholeVector) -> WholeVector { raw }

    @inline(__always)
    static func add(
      _ sum: WholeVector, _ inputs: UnsafePointer<UInt8>, _ weights: WholeVector
    ) -> WholeVector {
      sum &+ Int32(inputs[0]) &* ((weights &<< 24) &>> 24)
        &+ Int32(inputs[1]) &* ((weights &<< 16) &>> 24)
        &+ Int32(inputs[2]) &* ((weights &<< 8) &>> 24) &+ Int32(inputs[3]) &* (weights &>> 24)
    }
  }
#endif
