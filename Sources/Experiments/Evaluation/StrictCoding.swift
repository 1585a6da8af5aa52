import Statistics

/// A check of JSON that a person may have written: a key that nothing reads is refused, as it is more likely
/// misspelt than meant to be ignored.
struct StrictCoding {
  private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Checks the keys of the object that is decoded.
  ///
  /// - Parameter thing: what the object is, for the error: "a plan".
  /// - Throws: `PlanError.unknownKey` if the object has keys that are not allowed.
  static func check(
    _ decoder: any Decoder, allows keys: some Sequence<any CodingKey>, in thing: String
  ) throws {
    let known = Set(keys.map(\.stringValue))
    let found = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
    if let unknown = found.filter({ !known.contains($0) }).min() {
      throw PlanError.unknownKey(unknown, in: thing, known: known.sorted())
    }
  }
}

/// What can be wrong with a plan, or with a store of what was measured by one.
package enum PlanError: ExplainedError, Equatable {
  case unknownKey(String, in: String, known: [String])
  case unreadable(file: String, reason: String)
  case setting(String)
  case shard(String)
  case otherJob(file: String)
  case damaged(file: String, line: Int)
  case inUse(file: String)
  case merge(String)
  case curves

  /// `.usage` where what was asked for is wrong, `.file` where a file is not to be had, `.data` where its
  /// contents are wrong.
  package var cause: ErrorCause {
    switch self {
    case .setting, .shard, .otherJob, .curves: .usage
    case .inUse: .file
    case .unknownKey, .unreadable, .damaged, .merge: .data
    }
  }

  package var description: String {
    switch self {
    case .unknownKey(let key, let thing, let known):
      "\"\(key)\" means nothing in \(thing); it takes \(known.joined(separator: ", "))"
    case .unreadable(let file, let reason): "cannot read the plan \(file): \(reason)"
    case .setting(let problem): problem
    case .shard(let text):
      "\"\(text)\" is no shard; write which of how many, from 1: 2/4"
    case .otherJob(let file):
      "\(file) holds results of another evaluation; choose another folder for --store"
    case .damaged(let file, let line):
      "line \(line) of \(file) is damaged; run `evaluate` with this store again, which keeps a copy and measures "
        + "what is missing"
    case .inUse(let file):
      "\(file) is being written by another process; wait, or choose another folder"
    case .merge(let problem): "the stores do not fit together: \(problem)"
    case .curves:
      "accuracy over the radius takes an attack that looks for the nearest image that misleads, and the images "
        + "as they are: add one of \(AttackName.nearest), and none, with --attack"
    }
  }
}
