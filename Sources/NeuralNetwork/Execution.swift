import Kernels

/// What computes a network: which kernels, on which threads.
public struct Execution: Sendable {
  /// The implementation of the network's products.
  public var kernels: KernelSet
  /// The threads that share the images of a batch.
  public var workers: WorkerPool

  /// The widest kernels on the given threads, unless told otherwise.
  public init(kernels: KernelSet = .best, workers: WorkerPool) {
    self.kernels = kernels
    self.workers = workers
  }

  /// Images that one thread takes at a time, and over which it forms one partial sum. A constant, so
  /// that a sum over a batch is the same bytes whatever the number of threads.
  static let imagesPerBlock = 16

  /// Calls `body` with every block of a batch, from several threads.
  func forEachBlock(of images: Int, _ body: @Sendable (_ block: Int, _ images: Range<Int>) -> Void)
  {
    let size = Self.imagesPerBlock
    workers.forEach(count: Self.blockCount(of: images)) { block in
      body(block, block * size..<min((block + 1) * size, images))
    }
  }

  static func blockCount(of images: Int) -> Int { (images + imagesPerBlock - 1) / imagesPerBlock }
}
