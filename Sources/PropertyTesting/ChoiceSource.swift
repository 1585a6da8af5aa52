import Statistics

/// Where generators get their choices from: whole numbers from 0 to a bound, of which 0 is always the
/// simplest. A class because all generators of a case draw from the same one.
///
/// What was chosen is recorded, and a recorded sequence can be played again. Shrinking edits the
/// sequence and never looks at the values made from it, so whatever is built from generators shrinks.
/// Source of the idea: MacIver and Donaldson, "Test-case reduction via test-case generation",
/// ECOOP 2020.
public final class ChoiceSource {
  private let prefix: [UInt64]
  /// How much of it has been played, or passed over.
  private var played = 0
  /// The argument whose choices are drawn anew, and where those of the next one are in what is played.
  private let redrawn: (argument: Int, next: Int)?
  private var isRedrawing = false
  private var argumentCount = 0
  /// Nil while a sequence is played: what lies past its end is 0.
  private var random: RandomStream?
  /// What was chosen so far.
  private(set) var choices: [UInt64] = []
  /// The largest value that each choice could have had.
  private(set) var bounds: [UInt64] = []
  /// Which choices belong together.
  private(set) var spans: [Span] = []
  private var openSpans: [Int] = []
  /// Why no case can be made; the first reason counts.
  private(set) var fault: Fault?
  /// Whether a choice that was played was larger than it can be.
  private var isCutDown = false

  /// Choices that belong together, such as those of one element of an array.
  struct Span: Hashable, Sendable {
    /// What kind of thing the choices make; spans with equal labels may stand for each other.
    var label: Int
    var start: Int
    var end: Int
    /// The index of the span around this one; nil if none is.
    var parent: Int?
  }

  /// Why no case can be made, other than by chance.
  enum Fault: Sendable, Equatable {
    /// It takes more choices, or more parts, than any case that can be shrunk should.
    case tooLarge
    /// The generator was asked for something that there is not.
    case impossible(String)
  }

  /// The most choices of one case.
  package static let choiceLimit = 20_000
  /// The most parts of one case; parts that leave no choice cost time and memory too.
  package static let spanLimit = 10 * choiceLimit
  /// The most parts within parts, so that no recursion ends in an overflow of the stack.
  package static let depthLimit = 1_000

  /// New choices from a stream of random numbers.
  init(_ random: RandomStream) {
    prefix = []
    redrawn = nil
    self.random = random
  }

  /// The choices of a token, then zeros.
  package convenience init(playing token: ReplayToken) { self.init(playing: token.choices) }

  /// The given choices, then zeros. A choice that is too large becomes its bound.
  init(playing prefix: [UInt64]) {
    self.prefix = prefix
    redrawn = nil
  }

  /// The choices of a case, but for those of one argument, the spans that no other is around, which are drawn anew.
  init(playing result: CaseResult, redrawing argument: Int, from random: RandomStream) {
    let arguments = result.spans.filter { $0.parent == nil }
    prefix = result.choices
    redrawn = (argument, arguments[argument].end)
    self.random = random
  }

  /// Whether what was played is exactly what the generators asked for.
  var isFaithful: Bool { !isCutDown && choices.count == prefix.count }

  /// A number from 0 to `bound`; 0 is what shrinking strives for.
  ///
  /// - Parameter draw: how a new case draws the number, uniformly unless given; what it returns is
  ///   cut down to `bound`.
  /// - Throws: `Discarded` if the case has made `choiceLimit` choices, 20,000.
  public func choose(
    upTo bound: UInt64, draw: ((inout RandomStream) -> UInt64)? = nil
  ) throws(Discarded) -> UInt64 {
    guard choices.count < Self.choiceLimit else { throw refused(.tooLarge) }
    var value: UInt64 = 0
    if played < prefix.count, !isRedrawing {
      let choice = prefix[played]
      played += 1
      value = min(choice, bound)
      if value < choice { isCutDown = true }
    } else if var stream = random {
      value = min(draw?(&stream) ?? uniform(upTo: bound, from: &stream), bound)
      random = stream
    }
    choices.append(value)
    bounds.append(bound)
    return value
  }

  /// Marks the choices that `body` makes as belonging together.
  ///
  /// - Parameter label: names their kind; unless given, the caller's line.
  /// - Throws: `Discarded` if the case has 200,000 spans, or 1000 around this one; what `body` throws.
  public func span<Value>(
    _ label: Int = #line, _ body: () throws(Discarded) -> Value
  ) throws(Discarded) -> Value {
    guard spans.count < Self.spanLimit, openSpans.count < Self.depthLimit else {
      throw refused(.tooLarge)
    }
    let index = spans.count
    spans.append(
      Span(label: label, start: choices.count, end: choices.count, parent: openSpans.last))
    if openSpans.isEmpty {
      isRedrawing = argumentCount == redrawn?.argument
      argumentCount += 1
    }
    openSpans.append(index)
    defer {
      spans[index].end = choices.count
      openSpans.removeLast()
      if openSpans.isEmpty, isRedrawing, let redrawn {
        isRedrawing = false
        played = redrawn.next
      }
    }
    return try body()
  }

  /// Notes why no case can be made; returns the error to throw.
  func refused(_ fault: Fault) -> Discarded {
    self.fault = self.fault ?? fault
    return Discarded()
  }
}

/// A uniform number from 0 to `bound`.
func uniform(upTo bound: UInt64, from stream: inout RandomStream) -> UInt64 {
  bound == .max ? stream.next() : UInt64.random(in: 0...bound, using: &stream)
}

/// Thrown by a case that does not count: its premise is not met, or it cannot be made.
public struct Discarded: Error, Hashable {
  /// A case that does not count.
  public init() {}
}
