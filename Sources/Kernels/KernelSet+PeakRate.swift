import KernelsAVX2
import KernelsAVX512
import KernelsPortable

extension KernelSet {
  /// Runs multiply-adds in registers, with the widest vectors of the processor that the set may use;
  /// returns how many were made, and a sum that gives them a use.
  public func spin(rounds: Int, factor: Float) -> (multiplyAdds: Int, sum: Float) {
    switch self {
    case .avx512:
      (
        rounds * KernelsAVX512.multiplyAddsPerRound,
        KernelsAVX512.multiplyAddRounds(rounds, factor: factor)
      )
    case .avx2:
      (
        rounds * KernelsAVX2.multiplyAddsPerRound,
        KernelsAVX2.multiplyAddRounds(rounds, factor: factor)
      )
    case .reference, .openBLAS:
      if let simd = Self.simd {
        simd.spin(rounds: rounds, factor: factor)
      } else {
        (
          rounds * KernelsPortable.multiplyAddsPerRound,
          KernelsPortable.multiplyAddRounds(rounds, factor: factor)
        )
      }
    }
  }
}
