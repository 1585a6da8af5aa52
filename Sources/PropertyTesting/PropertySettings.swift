/// How thoroughly a property is tried.
public struct PropertySettings: Sendable {
  /// Cases to try; `cover` may need more.
  public var cases = 100
  /// Names the random numbers; made of the property's name if nil, so it differs from property to
  /// property and is the same in every run.
  public var seed: UInt64?
  /// Discarded cases for each that counts, before giving up.
  public var discardsPerCase = 10
  /// Cases that shrinking may try.
  public var shrinkAttempts = 5_000
  /// Time for the whole property; no single case has a deadline.
  public var timeBudget: Duration?
  /// The only case to try.
  public var replaying: ReplayToken?
  /// Failures of earlier runs, tried first.
  public var known: [ReplayToken] = []

  /// The defaults.
  public init() {}

  /// The same, changed by PROPERTY_CASES, PROPERTY_SEED and PROPERTY_SECONDS where they are set to
  /// numbers.
  public func changed(by environment: [String: String]) -> PropertySettings {
    var result = self
    if let cases = environment["PROPERTY_CASES"].flatMap({ Int($0) }), cases > 0 {
      result.cases = cases
    }
    if let seed = environment["PROPERTY_SEED"].flatMap({ UInt64($0) }) { result.seed = seed }
    if let seconds = environment["PROPERTY_SECONDS"].flatMap({ Double($0) }), seconds > 0 {
      result.timeBudget = .seconds(seconds)
    }
    return result
  }

  /// FNV-1a: a seed that is a function of the name alone.
  static func seed(of name: String) -> UInt64 {
    name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}
