/// What random numbers are for. Streams of different purposes never share a number, so an attack that keeps to its own
/// purposes has not seen the draws that score it later.
public enum Purpose: UInt64, Sendable, CaseIterable, Codable {
  /// The first weights of a network.
  case initialization = 1
  /// Which images of a data set are for training, validation and test.
  case split
  /// The order of the training images in every epoch.
  case shuffle
  /// Mixup during training: partners and shares.
  case mixup
  /// Random changes of the training images.
  case augmentation
  /// Where an attack looks: random starts, directions, noise.
  case attackStart
  /// The labels at which targeted attacks aim.
  case attackTarget
  /// A randomised defence as the attacker simulates it.
  case attack
  /// A randomised defence as it is run to choose among restarts.
  case select
  /// A randomised defence as it is run to choose its own parameters on validation images.
  case tune
  /// A randomised defence as it is run for the figures that are reported.
  case score
  /// Test cases, benchmark inputs and random models of the theory.
  case test
  /// The images on which a property of a network is measured.
  case measure
  /// Noise on what a network is shown in training.
  case noise
  /// A smoothed classifier as it is run to certify its predictions.
  case certify
}

/// The name of a stream of random numbers: what it is for and where it is used.
///
/// Distinct keys give streams that share no block of the underlying generator, because every field
/// has bits of its own in Philox's counter and key.
public struct RandomKey: Hashable, Sendable {
  /// The seed of the whole experiment.
  public var seed: UInt64
  /// What the numbers are for.
  public var purpose: Purpose
  /// Index of the example in its data set, so that a result depends on neither batch nor order.
  public var example: UInt64
  /// The restart of an attack.
  public var restart: UInt32
  /// The step of an attack or of a training run, or the number of a repeated prediction.
  public var step: UInt32
  /// The number of the draw within the step.
  public var draw: UInt64

  /// The key of one stream.
  public init(
    seed: UInt64, purpose: Purpose, example: Int = 0, restart: Int = 0, step: Int = 0,
    draw: Int = 0
  ) {
    self.seed = seed
    self.purpose = purpose
    self.example = UInt64(truncatingIfNeeded: example)
    self.restart = UInt32(truncatingIfNeeded: restart)
    self.step = UInt32(truncatingIfNeeded: step)
    self.draw = UInt64(truncatingIfNeeded: draw)
  }
}

/// The random numbers that belong to a key: a value, free to create, with no global state.
public struct RandomStream: RandomNumberGenerator, Sendable {
  @usableFromInline let key: SIMD2<UInt64>
  @usableFromInline var counter: SIMD4<UInt64>
  @usableFromInline var block = SIMD4<UInt64>()
  @usableFromInline var used = 4

  /// The stream named by `key`.
  @inlinable
  public init(_ key: RandomKey) {
    self.key = SIMD2(key.seed, key.purpose.rawValue)
    counter = SIMD4(key.example, UInt64(key.restart) << 32 | UInt64(key.step), key.draw, 0)
  }

  /// The next 64 random bits.
  @inlinable
  public mutating func next() -> UInt64 {
    if used == 4 {
      block = Philox.block(counter: counter, key: key)
      counter.w &+= 1
      used = 0
    }
    defer { used += 1 }
    return block[used]
  }
}
