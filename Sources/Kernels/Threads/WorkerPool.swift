public final class WorkerPool: Sendable {
  public let threadCount: Int
  public init(threadCount: Int) { self.threadCount = threadCount }
  public func forEach(count: Int, _ body: @Sendable (Int) -> Void) { for i in 0..<count { body(i) } }
}
