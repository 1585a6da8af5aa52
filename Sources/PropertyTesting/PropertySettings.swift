/// How thoroughly a property is tried.
public struct PropertySettings: Sendable {
  /// Cases to try, from 1 to 10⁹; `cover` may need more.
  public var cases = 100
  /// Names the random numbers; if nil, a hash of the property's name, so it differs from property to
  /// property and is the same in every run.
  public var seed: UInt64?
  /// Discarded cases for each that counts, before giving up; from 0 to 10⁶.
  public var discardsPerCase = 10
  /// Cases that shrinking may try for each fault, from 0 to 10⁹; 0 leaves cases as they were found.
  public var shrinkAttempts = 5_000
  /// Time for the whole property, up to 10⁹ seconds; no single case has a deadline.
  public var timeBudget: Duration?
  /// The only case to try.
  public var replaying: ReplayToken?
  /// Failures of earlier runs, tried first.
  public var known: [ReplayToken] = []
  /// Whether every case and its token are written to standard error before it is tried: the last one is
  /// that in which the process ended, if it did.
  public var isTraced = false

  /// The defaults.
  public init() {}

  // Discards are compared with the product of the first two, of which the first grows by up to 2¹²
  // where coverage needs more: 4·10¹⁸ at most, which an Int holds.
  static let caseRange = 1...1_000_000_000
  static let discardRange = 0...1_000_000
  static let attemptRange = 0...1_000_000_000
  static let secondRange = 1e-9...1e9

  /// Which variable of the environment cannot be used, and what to do; nil if none.
  private var environmentFault: String?

  /// The same, changed by PROPERTY_CASES, PROPERTY_SEED, PROPERTY_SECONDS and PROPERTY_TRACE where they
  /// are set; empty is not set. Where one is no number of its range, written in decimal digits, a
  /// property with these settings is refused, and told why.
  public func changed(by environment: [String: String]) -> PropertySettings {
    var result = self
    func number<Number: LosslessStringConvertible & Comparable>(
      _ name: String, _ range: ClosedRange<Number>, _ what: String, isWhole: Bool = true
    ) -> Number? {
      guard let text = environment[name], !text.isEmpty else { return nil }
      // What else Swift reads as a number, such as 0x1p4 or nan, nobody means to write.
      let isDecimal = text.utf8.allSatisfy {
        (48...57).contains($0) || !isWhole && [43, 45, 46, 69, 101].contains($0)
      }
      guard isDecimal, let value = Number(text), range.contains(value) else {
        result.environmentFault =
          result.environmentFault
          ?? "\(name) is \(text.debugDescription); set it to \(what), or unset it"
        return nil
      }
      return value
    }
    if let cases = number(
      "PROPERTY_CASES", Self.caseRange, "a whole number from 1 to 1000000000")
    {
      result.cases = cases
    }
    if let seed = number(
      "PROPERTY_SEED", 0...UInt64.max, "a whole number from 0 to \(UInt64.max)")
    {
      result.seed = seed
    }
    if let seconds = number(
      "PROPERTY_SECONDS", Self.secondRange, "a number of seconds from 1e-9 to 1e9", isWhole: false)
    {
      result.timeBudget = .seconds(seconds)
    }
    if let trace = number("PROPERTY_TRACE", 0...1, "0 or 1") { result.isTraced = trace == 1 }
    return result
  }

  /// What is wrong with the settings: which it is, what it is set to, and what to do. Nil if nothing is.
  var fault: String? {
    func outside<Number>(_ name: String, _ value: Number, _ range: ClosedRange<Number>) -> String? {
      range.contains(value)
        ? nil : "\(name) is \(value); give a number from \(range.lowerBound) to \(range.upperBound)"
    }
    return environmentFault ?? outside("cases", cases, Self.caseRange)
      ?? outside("discardsPerCase", discardsPerCase, Self.discardRange)
      ?? outside("shrinkAttempts", shrinkAttempts, Self.attemptRange)
      ?? timeBudget.flatMap {
        outside(
          "timeBudget", $0,
          .seconds(Self.secondRange.lowerBound) ... .seconds(Self.secondRange.upperBound))
      }
  }

  /// FNV-1a: a seed that is a function of the name alone.
  static func seed(of name: String) -> UInt64 { fnv1a(name.utf8) }
}

/// The hash function of Fowler, Noll and Vo, the same in every run.
func fnv1a(_ bytes: some Sequence<UInt8>) -> UInt64 {
  bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

/// The same function of 128 bits, of numbers in place of bytes. Two sequences of 20,000 numbers that are met by chance have
/// one hash with probability 2⁻¹²⁸.
func fnv1a(_ numbers: some Sequence<UInt64>) -> UInt128 {
  let (offset, prime) = (
    0x6C62_272E_07BB_0142_62B8_2175_6295_C58D as UInt128, (1 as UInt128) << 88 + 0x13B
  )
  return numbers.reduce(offset) { ($0 ^ UInt128($1)) &* prime }
}
