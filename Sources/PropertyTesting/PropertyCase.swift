import Synchronization

/// What a property says about the case that it is given: labels, required coverage, scores.
///
/// Called from within a property; outside of one these do nothing.
public enum PropertyCase {
  @TaskLocal static var current: Notes?

  final class Notes: Sendable {
    struct Contents: Sendable {
      var labels: Set<String> = []
      var requirements: [String: Double] = [:]
      var score: Double?
    }
    let contents = Mutex(Contents())
  }
}

/// Gives the case a name, to be counted in the report.
public func label(_ text: String) {
  PropertyCase.current?.contents.withLock { _ = $0.labels.insert(text) }
}

/// Gives the case a name if the condition holds.
public func classify(_ text: String, _ condition: Bool) {
  if condition { label(text) }
}

/// Requires that the condition holds in at least this share of all cases.
///
/// Decided by a sequential test, with more cases than asked for if need be: the property fails only
/// if the true share is below with confidence 1 − 10⁻⁹, and passes if it is above nine tenths of it
/// with the same confidence.
public func cover(_ share: Double, _ text: String, _ condition: Bool) {
  PropertyCase.current?.contents.withLock {
    $0.requirements[text] = share
    if condition { $0.labels.insert(text) }
  }
}

/// Drops the case unless the condition holds: it is outside the property's premise.
public func assume(_ condition: Bool) throws(Discarded) {
  if !condition { throw Discarded() }
}

/// Asks the search to make this score large: cases that reach a high score are varied to reach a
/// higher one. The largest score and its case are in the report.
public func maximize(_ score: Double) {
  PropertyCase.current?.contents.withLock { $0.score = max($0.score ?? -.infinity, score) }
}
