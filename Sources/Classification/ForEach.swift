/// Calls body(0), …, body(count − 1), each once, in any order and possibly at once, and returns when
/// all are done; the shape of a pool of threads.
public typealias ForEach = @Sendable (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void

/// Calls body(0), …, body(count − 1) one after the other on the caller's thread: the `ForEach` of those who
/// give none.
@Sendable public func oneAfterTheOther(_ count: Int, _ body: @Sendable (Int) -> Void) {
  for place in 0..<count { body(place) }
}
