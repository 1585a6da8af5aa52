import PropertyTesting
import Testing

/// Records an issue if draws cannot come from the law that is claimed.
///
///     expect(.mean(of: draws, in: 0...1, equals: 0.5))
public func expect(
  _ check: StatisticalCheck, sourceLocation: SourceLocation = #_sourceLocation
) {
  guard !check.passes else { return }
  Issue.record(Comment(rawValue: check.description), sourceLocation: sourceLocation)
}
