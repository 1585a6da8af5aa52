import KernelTables
import KernelsAVX2
import KernelsAVX512
import KernelsPortable

/// The one place that knows which table of kernels belongs to which set: one property for every
/// arithmetic.
extension KernelSet {
  /// The kernels in single precision. `.reference` and `.openBLAS` have products of their own, and
  /// take from the table only kernels that give the same bytes on every instruction set.
  package var float32: any Float32Kernels.Type {
    switch self {
    case .reference, .openBLAS: KernelsPortable.Float32.self
    case .avx2: KernelsAVX2.Float32.self
    case .avx512: KernelsAVX512.Float32.self
    }
  }

  /// Whether the set's products are those of its table, rather than plain loops or OpenBLAS.
  var hasVectorProducts: Bool { self == .avx2 || self == .avx512 }

  /// The table whose peak rate the set's speed is compared with: its own; for `.openBLAS`, which has
  /// kernels for every processor, and `.reference` that of the widest vectors that run here.
  package var fastest: any Float32Kernels.Type {
    hasVectorProducts ? float32 : (Self.simd ?? self).float32
  }
}
