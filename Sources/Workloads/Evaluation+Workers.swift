import Classification
import Kernels
import Robustness

extension Evaluation {
  /// An evaluation whose blocks the threads of a pool share evenly; one after the other on this thread without a pool.
  package init(
    seed: UInt64, blockSize: Int? = nil, scoringDraws: Int = 1, selectionDraws: Int = 0,
    on workers: WorkerPool?
  ) {
    self.init(
      seed: seed, blockSize: blockSize, scoringDraws: scoringDraws, selectionDraws: selectionDraws,
      forEach: workers?.forEach ?? oneAfterTheOther)
    threadCount = workers?.threadCount ?? 1
  }
}
