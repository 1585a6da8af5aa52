import KernelTables
import KernelsAVX2
import KernelsAVX512
import KernelsPortable

/// The one place that knows which table of kernels belongs to which set: one property for every
/// arithmetic.
extension KernelSet {
  /// The kernels in single precision. `.reference` and `.openBLAS` have products of their own, and
  /// take from a table only what is the same bytes in all of them.
  package var float32: any Float32Kernels.Type {
    switch self {
    case .reference, .openBLAS: KernelsPortable.Float32.self
    case .avx2: KernelsAVX2.Float32.self
    case .avx512: KernelsAVX512.Float32.self
    }
  }

  /// Whether the products are those of the set's table.
  var hasVectorProducts: Bool { self == .avx2 || self == .avx512 }

  /// The table with the widest vectors of the processor that the set may use: what its speed is
  /// compared with, as OpenBLAS has kernels for all of them.
  package var fastest: any Float32Kernels.Type {
    hasVectorProducts ? float32 : (Self.simd ?? self).float32
  }
}
