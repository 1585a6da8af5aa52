internal import CVector
import KernelTables

// Signs: one bit for every number of a row, set where it is positive. That is all that the gradient of a ReLU
// needs of its output, in a thirty-second of the memory.

/// Writes the signs of the columns from `column` on, a multiple of the vector's width, of the row whose signs begin at
/// `row`.
@inline(__always)
func storeSigns(_ values: Vector, _ row: UnsafeMutablePointer<UInt8>, _ column: Int) {
  let place = row + column / 8
  #if AVX512
    UnsafeMutableRawPointer(place).storeBytes(of: positive_16(values), as: UInt16.self)
  #elseif AVX2
    place.pointee = positive_8(values)
  #else
    let bits = positive_4(values)
    place.pointee =
      column % 8 == 0 ? place.pointee & 0xF0 | bits : place.pointee & 0x0F | bits << 4
  #endif
}

/// The values where the sign of their column is set, 0 elsewhere.
@inline(__always)
func masked(_ values: Vector, _ row: UnsafePointer<UInt8>, _ column: Int) -> Vector {
  let place = row + column / 8
  #if AVX512
    return keep_16(values, UnsafeRawPointer(place).loadUnaligned(as: UInt16.self))
  #elseif AVX2
    return keep_8(values, place.pointee)
  #else
    return keep_4(values, column % 8 == 0 ? place.pointee : place.pointee >> 4)
  #endif
}

extension Float32 {
  package static func mask(
    rows: Int, channels: Int, signs: UnsafePointer<UInt8>, values: UnsafeMutablePointer<Float>
  ) {
    let whole = channels / Vector.scalarCount * Vector.scalarCount
    let stride = Signs.stride(channels)
    var (values, signs) = (values, signs)
    for _ in 0..<rows {
      var column = 0
      while column < whole {
        store(masked(load(values + column), signs, column), values + column)
        column += Vector.scalarCount
      }
      while column < channels {
        if !Signs.isSet(column, of: signs) { values[column] = 0 }
        column += 1
      }
      values += channels
      signs += stride
    }
  }
}
