import Synchronization

/// Counts the images that go through a network, forward and backward, in the work that it surrounds:
/// what an attack or a decision costs, whatever the machine.
public final class PassMeter: Sendable {
  /// Images that went through a network.
  public struct Count: Sendable, Hashable, Codable {
    /// Through the forward pass, those of a gradient included.
    public var forward = 0
    /// Through the backward pass.
    public var backward = 0

    /// No images, unless said otherwise.
    public init(forward: Int = 0, backward: Int = 0) {
      self.forward = forward
      self.backward = backward
    }

    /// The images of both.
    public static func + (a: Count, b: Count) -> Count {
      Count(forward: a.forward + b.forward, backward: a.backward + b.backward)
    }
  }

  /// The meter of the work that this thread is doing, if it is metered.
  @TaskLocal private static var current: PassMeter?

  private let counted = Mutex(Count())

  private init() {}

  /// The result of `work` and what went through networks for it, on the calling thread.
  ///
  /// What other threads do for `work` is not counted, nor is work inside metered on its own: in an
  /// evaluation every block of examples keeps to its thread.
  public static func count<Result>(
    _ work: () throws -> Result
  ) rethrows -> (result: Result, passes: Count) {
    let meter = PassMeter()
    let result = try $current.withValue(meter, operation: work)
    return (result, meter.counted.withLock(\.self))
  }

  /// Adds to the meter of this thread's work, if there is one.
  public static func add(_ count: Count) {
    current?.counted.withLock { $0 = $0 + count }
  }
}
