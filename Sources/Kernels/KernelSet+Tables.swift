import CPUFeatures
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

  /// The kernels in whole numbers of eight bits; all sets give the same bytes. Where the processor has an instruction
  /// for products of bytes, the SIMD sets use it.
  package var integer8: any Integer8Kernels.Type {
    switch self {
    case .reference: Integer8Reference.self
    case .openBLAS: KernelsPortable.Integer8.self
    case .avx2:
      hasByteInstruction ? KernelsAVX2.Integer8Instruction.self : KernelsAVX2.Integer8.self
    case .avx512:
      // Without the instruction for bytes the wider vectors win nothing that is worth kernels of their own.
      hasByteInstruction ? KernelsAVX512.Integer8Instruction.self : KernelsAVX2.Integer8.self
    }
  }

  /// Whether the set multiplies bytes and adds them up by one instruction, which the processor has. Without it int8 is
  /// slower than Float32.
  package var hasByteInstruction: Bool {
    switch self {
    case .reference, .openBLAS: false
    case .avx2: Self.hasAVXInstruction
    case .avx512: Self.hasAVX512Instruction
    }
  }

  // Asked once: in a virtual machine every question to the processor leaves it.
  private static let hasAVXInstruction = cpu_supports_avx_vnni()
  private static let hasAVX512Instruction = cpu_supports_avx512_vnni()

  /// Every table of whole numbers that runs here, by a name: also those of which the processor has a faster one.
  package static var allInteger8: [(name: String, table: any Integer8Kernels.Type)] {
    var tables: [(String, any Integer8Kernels.Type)] = [
      ("reference", Integer8Reference.self), ("portable", KernelsPortable.Integer8.self),
    ]
    if KernelSet.avx2.isAvailable { tables.append(("avx2", KernelsAVX2.Integer8.self)) }
    if KernelSet.avx2.hasByteInstruction {
      tables.append(("avx2, instruction", KernelsAVX2.Integer8Instruction.self))
    }
    if KernelSet.avx512.hasByteInstruction {
      tables.append(("avx512, instruction", KernelsAVX512.Integer8Instruction.self))
    }
    return tables
  }

  /// Whether the set's products are those of its table, rather than plain loops or OpenBLAS.
  var hasVectorProducts: Bool { self == .avx2 || self == .avx512 }

  /// The table whose peak rate the set's speed is compared with: its own; for `.openBLAS`, which has
  /// kernels for every processor, and `.reference` that of the widest vectors that run here.
  package var fastest: any Float32Kernels.Type {
    hasVectorProducts ? float32 : (Self.simd ?? self).float32
  }
}
