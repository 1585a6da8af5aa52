import KernelsAVX2
import KernelsAVX512
import KernelsPortable

extension KernelSet {
  /// Runs multiply-adds in registers; returns how many were made, and a sum that gives them a use.
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
      (
        rounds * KernelsPortable.multiplyAddsPerRound,
        KernelsPortable.multiplyAddRounds(rounds, factor: factor)
      )
    }
  }
}
