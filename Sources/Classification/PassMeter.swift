import Synchronization

/// Counts the images that go forward and backward through networks during some work: what an attack or a
/// decision costs, whatever the machine. Also counts the searches of attacks, and those that had no
/// gradient to follow.
public final class PassMeter: Sendable {
  /// Numbers of images and of searches.
  public struct Count: Sendable, Hashable, Codable {
    /// Images that went through the forward pass, the forward passes of gradients included.
    public var forward = 0
    /// Images that went through the backward pass.
    public var backward = 0
    /// Forward passes that were left out because the answer was known, or could have changed nothing.
    /// `forward + spared` is what the same work takes without leaving anything out; a decision of which
    /// nothing is known counts with its largest number of passes.
    public var spared = 0
    /// Searches along a gradient: one for every image and every attack on it that is metered on its own.
    public var followed = 0
    /// Searches in which every gradient was zero. They saw nothing, so that they found nothing does not
    /// show that the image is robust.
    public var withoutGradient = 0

    /// The given counts.
    public init(
      forward: Int = 0, backward: Int = 0, spared: Int = 0, followed: Int = 0,
      withoutGradient: Int = 0
    ) {
      self.forward = forward
      self.backward = backward
      self.spared = spared
      self.followed = followed
      self.withoutGradient = withoutGradient
    }

    /// `spared`, `followed` and `withoutGradient` are 0 where they are missing, as in files that were
    /// written before they were counted.
    public init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: CodingKeys.self)
      forward = try fields.decode(Int.self, forKey: .forward)
      backward = try fields.decode(Int.self, forKey: .backward)
      spared = try fields.decodeIfPresent(Int.self, forKey: .spared) ?? 0
      followed = try fields.decodeIfPresent(Int.self, forKey: .followed) ?? 0
      withoutGradient = try fields.decodeIfPresent(Int.self, forKey: .withoutGradient) ?? 0
    }

    /// The sums of both counts.
    public static func + (a: Count, b: Count) -> Count {
      Count(
        forward: a.forward + b.forward, backward: a.backward + b.backward,
        spared: a.spared + b.spared,
        followed: a.followed + b.followed, withoutGradient: a.withoutGradient + b.withoutGradient)
    }
  }

  /// The meter of the work that this thread is doing; nil if nobody counts it.
  @TaskLocal private static var current: PassMeter?

  /// Whether this thread is computing the gradient of a model that an attack follows. Gradients of the
  /// networks inside that model are then not noted as well.
  @TaskLocal private static var isInsideGradient = false

  private let counted = Mutex(Count())
  /// Whether every gradient was zero, for every image by its index.
  private let isBlind = Mutex<[Int: Bool]>([:])

  private init() {}

  /// The result of `work` and what went through networks for it, on the calling thread.
  ///
  /// Not counted is what other threads ask of networks for `work` (an evaluation asks for every block of
  /// examples on one thread, whoever helps with the passes), nor what a `count` inside `work` counts, unless its
  /// result is handed on by `add`.
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

  /// Takes note of gradients: for each the index of its image, and whether it is zero.
  static func note(_ gradients: some Sequence<(Int, Bool)>) {
    guard !isInsideGradient, let current else { return }
    current.isBlind.withLock { isBlind in
      for (index, isZero) in gradients { isBlind[index] = isZero && isBlind[index] ?? true }
    }
  }
}
