import Synchronization

/// Counts the images that go through a network, forward and backward, in the work that it surrounds:
/// what an attack or a decision costs, whatever the machine; and the searches that had no gradient to
/// follow.
public final class PassMeter: Sendable {
  /// Images that went through a network.
  public struct Count: Sendable, Hashable, Codable {
    /// Through the forward pass, those of a gradient included.
    public var forward = 0
    /// Through the backward pass.
    public var backward = 0
    /// Searches that followed a gradient, one for every image and every model that was followed.
    public var followed = 0
    /// Those of them in which every gradient was zero: the search was blind, and the image stands for
    /// no robustness.
    public var withoutGradient = 0

    /// No images, unless said otherwise.
    public init(forward: Int = 0, backward: Int = 0, followed: Int = 0, withoutGradient: Int = 0) {
      self.forward = forward
      self.backward = backward
      self.followed = followed
      self.withoutGradient = withoutGradient
    }

    /// What is not there, such as in a file that was written before it was counted, is 0.
    public init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: CodingKeys.self)
      forward = try fields.decode(Int.self, forKey: .forward)
      backward = try fields.decode(Int.self, forKey: .backward)
      followed = try fields.decodeIfPresent(Int.self, forKey: .followed) ?? 0
      withoutGradient = try fields.decodeIfPresent(Int.self, forKey: .withoutGradient) ?? 0
    }

    /// The images of both.
    public static func + (a: Count, b: Count) -> Count {
      Count(
        forward: a.forward + b.forward, backward: a.backward + b.backward,
        followed: a.followed + b.followed, withoutGradient: a.withoutGradient + b.withoutGradient)
    }
  }

  /// The meter of the work that this thread is doing, if it is metered.
  @TaskLocal private static var current: PassMeter?

  /// Whether this thread is inside the gradient of a model that is followed: what is inside a defence is
  /// not followed on its own.
  @TaskLocal private static var isInsideGradient = false

  private let counted = Mutex(Count())
  /// Whether every gradient was zero, for every image by its index.
  private let isBlind = Mutex<[Int: Bool]>([:])

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
    return (result, meter.counted.withLock(\.self) + meter.searches)
  }

  /// Adds to the meter of this thread's work, if there is one.
  public static func add(_ count: Count) {
    current?.counted.withLock { $0 = $0 + count }
  }

  private var searches: Count {
    isBlind.withLock { isBlind in
      Count(followed: isBlind.count, withoutGradient: isBlind.values.count { $0 })
    }
  }

  // MARK: Gradients

  /// Does `work`, in which no gradient is noted.
  static func insideGradient<Result>(_ work: () throws -> Result) rethrows -> Result {
    try $isInsideGradient.withValue(true, operation: work)
  }

  /// Takes note of gradients, by the indices of their images, and whether they are zero.
  static func note(_ gradients: some Sequence<(Int, Bool)>) {
    guard !isInsideGradient, let current else { return }
    current.isBlind.withLock { isBlind in
      for (index, isZero) in gradients { isBlind[index] = isZero && isBlind[index] ?? true }
    }
  }
}
