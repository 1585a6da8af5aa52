import Synchronization

/// What a property says about the case that it is given: labels, required coverage, scores.
///
/// Called from within a property, in its task or a child of it; elsewhere these do nothing, but for
/// `assume`, which always throws.
public enum PropertyCase {
  @TaskLocal static var current: Notes?

  final class Notes: Sendable {
    struct Contents: Sendable {
      var labels: Set<String> = []
      /// What is covered is counted apart from labels, which may have the same names.
      var covered: Set<String> = []
      var requirements: [String: Double] = [:]
      var score: Double?
      var isDiscarded = false
      /// What the property asked for that cannot be.
      var fault: String?
    }
    let contents = Mutex(Contents())
  }

  /// Whether an assumption of the case has failed already, though its error may have been caught:
  /// nothing that goes wrong afterwards counts.
  package static var isDiscarded: Bool { current?.contents.withLock { $0.isDiscarded } ?? false }
}

/// Gives the case a name, to be counted in the report.
public func label(_ text: String) {
  PropertyCase.current?.contents.withLock { _ = $0.labels.insert(text) }
}

/// Gives the case a name if the condition holds.
public func classify(_ text: String, _ condition: Bool) {
  if condition { label(text) }
}

/// Requires that the condition holds in at least this share of all cases, above 0 and at most 1.
///
/// Decided by a sequential test on the cases that are drawn, with more of them than asked for if need be:
/// the property fails only if the true share is below the required one with confidence 1 − 10⁻⁹, and
/// passes if it is above nine tenths of that with the same confidence. If neither is certain when time is
/// up, or after 2¹² times the cases, the share that was found decides. A requirement that no case states
/// is none, so state it in every case.
public func cover(_ share: Double, _ text: String, _ condition: Bool) {
  PropertyCase.current?.contents.withLock {
    guard share > 0, share <= 1 else {
      $0.fault =
        "cover(\(share), \"\(text)\") requires no share of the cases; give one above 0 and at most 1"
      return
    }
    $0.requirements[text] = max(share, $0.requirements[text] ?? 0)
    if condition { $0.covered.insert(text) }
  }
}

/// Drops the case unless the condition holds: it is outside the property's premise.
///
/// It is dropped even if the error is caught; what went wrong before the call remains a failure.
public func assume(_ condition: Bool) throws(Discarded) {
  guard !condition else { return }
  PropertyCase.current?.contents.withLock { $0.isDiscarded = true }
  throw Discarded()
}

/// Asks the search to make this score large: cases that reach a high score are varied to reach a
/// higher one. The largest score and its case are in the report.
public func maximize(_ score: Double) {
  PropertyCase.current?.contents.withLock {
    if score.isNaN { $0.fault = "maximize(nan) has no order; give a number" }
    $0.score = max($0.score ?? -.infinity, score)
  }
}
