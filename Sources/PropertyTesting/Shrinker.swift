/// One run of a property on one sequence of choices.
struct CaseResult: Sendable {
  enum Verdict: Sendable, Equatable {
    case passed
    case discarded
    case failed([PropertyFailure])
  }
  var choices: [UInt64]
  var bounds: [UInt64]
  var spans: [ChoiceSource.Span]
  var arguments: [String]
  var verdict: Verdict
  var notes: PropertyCase.Notes.Contents
  /// Why no case could be made; nil if one was, or if it was discarded by chance.
  var fault: ChoiceSource.Fault?
  /// Whether what was played is exactly what the generators asked for.
  var isFaithful: Bool

  /// What was wrong; empty if nothing was.
  var failures: [PropertyFailure] {
    if case .failed(let failures) = verdict { failures } else { [] }
  }

  func shows(_ fault: PropertyFailure, byKind: Bool = false) -> Bool {
    failures.contains { $0.isSame(as: fault, byKind: byKind) }
  }
}

/// Makes a failing case simpler for as long as it shows the same fault. Other faults that are met on the
/// way are remembered.
///
/// Of two sequences of choices the shorter is the simpler, then the lexicographically smaller. The
/// passes try simpler sequences that a fault is likely to survive; they are repeated until none
/// makes progress, so the result is a local minimum of all of them.
struct Shrinker {
  private let make: ([UInt64]) -> [UInt64]?
  private let run: ([UInt64]) async -> CaseResult
  private let mayGoOn: () -> Bool
  private(set) var best: CaseResult
  private(set) var shrinks = 0
  private(set) var attempts = 0
  /// The simplest case met of each other fault, in the order in which they were met.
  private(set) var others: [(fault: PropertyFailure, result: CaseResult)] = []
  /// Whether all faults of the shrunk fault's kind count as one.
  private(set) var goesByKind = false
  /// Hashes of the sequences that were tried: all of a huge case would take hundreds of megabytes.
  private var tried: Set<UInt128> = []

  /// A shrinker that starts at a failing case.
  ///
  /// - Parameters:
  ///   - fault: what has to survive.
  ///   - limit: cases that may be tried.
  ///   - make: the choices that the generators take from a sequence; nil if they make no case of it.
  ///   - run: plays a sequence.
  ///   - mayGoOn: whether there is time left.
  init(
    _ failing: CaseResult, fault: PropertyFailure, limit: Int,
    make: @escaping ([UInt64]) -> [UInt64]?,
    run: @escaping ([UInt64]) async -> CaseResult,
    mayGoOn: @escaping () -> Bool
  ) {
    best = failing
    self.fault = fault
    self.limit = limit
    self.make = make
    self.run = run
    self.mayGoOn = mayGoOn
    note(failing)
  }
  private let fault: PropertyFailure
  private let limit: Int

  /// Shrinks as far as the passes lead; of what is then small enough all that is simpler is tried.
  mutating func shrink() async {
    await descend()
    let before = best.choices
    await exhaust()
    if best.choices != before { await descend() }
  }

  /// Whether it ended for want of attempts or time, so that simpler cases may exist.
  var isCutShort: Bool { !isActive }

  private mutating func descend() async {
    let passes: [(inout Shrinker) async -> Void] = [
      { await $0.deleteSpans() }, { await $0.deleteNeighbours() }, { await $0.hoistSpans() },
      { await $0.deleteWithCount() }, { await $0.zeroSpans() }, { await $0.minimizeEach() },
      { await $0.minimizeTogether() }, { await $0.exchangeValues() }, { await $0.lowerPairs() },
      { await $0.shiftBetweenPairs() }, { await $0.reorderSpans() },
      { await $0.deleteAndStretch() },
    ]
    var hasChanged: Bool
    repeat {
      let before = best.choices
      hasChanged = false
      for pass in passes {
        await pass(&self)
        if uniteKind() { hasChanged = true }
      }
      hasChanged = hasChanged || best.choices != before
    } while hasChanged && isActive
  }

  /// Counts all faults of the kind as one if there are so many that their names must come from the cases'
  /// data; returns whether that is new.
  private mutating func uniteKind() -> Bool {
    let same = others.filter { $0.fault.kind == fault.kind }
    guard !goesByKind, same.count + 1 >= PropertyReport.faultLimit else { return false }
    goesByKind = true
    others.removeAll { $0.fault.kind == fault.kind }
    for other in same where Self.isSimpler(other.result.choices, best.choices) {
      best = other.result
      shrinks += 1
    }
    // Sequences that were turned down for another fault may do now.
    tried = []
    return true
  }

  /// Sequences that were edited, of which the generators make nothing new of many.
  private var edits = 0
  private var isActive: Bool { attempts < limit && edits < 100 * limit && mayGoOn() }

  /// Remembers the faults of a case other than the one that is shrunk.
  private mutating func note(_ result: CaseResult) {
    for failure in result.failures where !failure.isSame(as: fault, byKind: goesByKind) {
      if let index = others.firstIndex(where: { $0.fault.isSame(as: failure) }) {
        if Self.isSimpler(result.choices, others[index].result.choices) {
          others[index].result = result
        }
      } else if others.count < PropertyReport.faultLimit {
        others.append((failure, result))
      }
    }
  }

  /// Plays a sequence and keeps it if it is simpler and still fails by the same fault. Where the generators make of it what
  /// was tried before, or nothing, the property is not asked.
  private mutating func attempt(_ candidate: [UInt64]) async -> Bool {
    guard isActive, Self.isSimpler(candidate, best.choices), isNew(candidate) else { return false }
    edits += 1
    guard let choices = make(candidate), Self.isSimpler(choices, best.choices),
      choices == candidate || isNew(choices)
    else { return false }
    attempts += 1
    let result = await run(choices)
    note(result)
    guard result.shows(fault, byKind: goesByKind), Self.isSimpler(result.choices, best.choices)
    else { return false }
    best = result
    shrinks += 1
    return true
  }

  private mutating func isNew(_ choices: [UInt64]) -> Bool {
    tried.insert(fnv1a(choices)).inserted
  }

  static func isSimpler(_ a: [UInt64], _ b: [UInt64]) -> Bool {
    a.count != b.count ? a.count < b.count : a.lexicographicallyPrecedes(b)
  }

  // MARK: Passes

  /// Leaves out spans, the last first, since what comes last depends on what came before.
  private mutating func deleteSpans() async {
    var index = best.spans.count - 1
    while index >= 0, isActive {
      if index < best.spans.count {
        let span = best.spans[index]
        if span.end > span.start {
          var candidate = best.choices
          candidate.removeSubrange(span.start..<span.end)
          if await attempt(candidate) {
            index = min(index, best.spans.count)
          }
        }
      }
      index -= 1
    }
  }

  /// Leaves out two to four neighbouring spans of one kind, such as two commands of which the second undoes the first.
  private mutating func deleteNeighbours() async {
    for count in 2...4 {
      var index = best.spans.count - 1
      while index >= 0, isActive {
        if index < best.spans.count, let last = neighbour(of: index, after: count - 1) {
          var candidate = best.choices
          candidate.removeSubrange(best.spans[index].start..<last.end)
          if await attempt(candidate) {
            index = min(index, best.spans.count)
          }
        }
        index -= 1
      }
    }
  }

  /// The span of the same kind that comes so many places behind this one, with nothing between them.
  private func neighbour(of index: Int, after count: Int) -> ChoiceSource.Span? {
    var last = best.spans[index]
    guard last.end > last.start else { return nil }
    for _ in 0..<count {
      guard
        let next = best.spans[(index + 1)...].first(where: {
          $0.label == last.label && $0.parent == last.parent && $0.start >= last.end
        }), next.start == last.end, next.end > next.start
      else { return nil }
      last = next
    }
    return last
  }

  /// Puts a span in the place of one around it that has the same label.
  private mutating func hoistSpans() async {
    var outer = 0
    while outer < best.spans.count, isActive {
      let spans = best.spans
      var hoisted = false
      for inner in spans[(outer + 1)...] where inner.label == spans[outer].label {
        guard inner.start >= spans[outer].start, inner.end <= spans[outer].end else { break }
        var candidate = best.choices
        candidate.replaceSubrange(
          spans[outer].start..<spans[outer].end, with: best.choices[inner.start..<inner.end])
        hoisted = await attempt(candidate)
        if hoisted { break }
      }
      if !hoisted { outer += 1 }
    }
  }

  /// Leaves out a span and lowers an earlier choice by one, which may be the count of such spans; or
  /// lowers all other numbers by one, which may be indices of what came after it.
  private mutating func deleteWithCount() async {
    var index = best.spans.count - 1
    while index >= 0, isActive {
      if index < best.spans.count {
        let span = best.spans[index]
        if span.end > span.start {
          var candidate = best.choices
          for place in candidate.indices where candidate[place] > 0 && best.bounds[place] > 1 {
            candidate[place] -= 1
          }
          candidate.removeSubrange(span.start..<span.end)
          if await attempt(candidate) {
            index -= 1
            continue
          }
        }
        var place = span.start - 1
        while place >= max(0, span.start - 64), span.end > span.start {
          if best.choices[place] > 0 {
            var candidate = best.choices
            candidate[place] -= 1
            candidate.removeSubrange(span.start..<span.end)
            if await attempt(candidate) { break }
          }
          place -= 1
        }
      }
      index -= 1
    }
  }

  /// Makes all choices of a span zero.
  private mutating func zeroSpans() async {
    var index = 0
    while index < best.spans.count, isActive {
      let span = best.spans[index]
      if best.choices[span.start..<span.end].contains(where: { $0 != 0 }) {
        var candidate = best.choices
        for place in span.start..<span.end { candidate[place] = 0 }
        _ = await attempt(candidate)
      }
      index += 1
    }
  }

  /// Lowers single choices: those up to 8 by trying all smaller values, larger ones by bisection. Where a
  /// choice of 1 becomes 0, such as a sign, the next choice may take a new value.
  private mutating func minimizeEach() async {
    var place = 0
    while place < best.choices.count, isActive {
      let position = place
      if best.choices[place] == 1, place + 1 < best.choices.count {
        let bound = best.bounds[place + 1]
        for value in Array(0...min(8, bound)) + [bound] {
          var candidate = best.choices
          candidate[position] = 0
          candidate[position + 1] = value
          if await attempt(candidate) { break }
        }
      }
      if best.choices[place] <= 8 {
        for value in 0..<best.choices[place] {
          var candidate = best.choices
          candidate[position] = value
          if await attempt(candidate) { break }
        }
      } else {
        await bisect(upTo: best.choices[place]) { choices, value in
          guard position < choices.count else { return nil }
          var candidate = choices
          candidate[position] = value
          return candidate
        }
      }
      place += 1
    }
  }

  /// Lowers all choices of one value together.
  private mutating func minimizeTogether() async {
    for value in Set(best.choices).sorted(by: >) where value > 0 {
      guard isActive else { return }
      let places = best.choices.indices.filter { best.choices[$0] == value }
      guard places.count > 1 else { continue }
      await bisect(upTo: value) { choices, lower in
        guard let last = places.last, last < choices.count else { return nil }
        var candidate = choices
        for place in places { candidate[place] = lower }
        return candidate
      }
    }
  }

  /// Exchanges two values wherever choices of one bound have them: names that have to differ, but might be others.
  private mutating func exchangeValues() async {
    for bound in Set(best.bounds).sorted() where bound > 1 {
      let values = Set(zip(best.choices, best.bounds).filter { $1 == bound }.map(\.0)).sorted()
      guard values.count <= 8 else { continue }
      for (place, lower) in values.enumerated() {
        for higher in values[(place + 1)...] where isActive {
          let candidate = zip(best.choices, best.bounds).map { choice, itsBound in
            itsBound != bound
              ? choice : choice == lower ? higher : choice == higher ? lower : choice
          }
          _ = await attempt(candidate)
        }
      }
    }
  }

  /// Lowers two choices by the same amount, which keeps their difference.
  private mutating func lowerPairs() async {
    await forEachPair { shrinker, first, second in
      let amount = min(shrinker.best.choices[first], shrinker.best.choices[second])
      guard amount > 0 else { return }
      let start = shrinker.best.choices
      await shrinker.bisect(upTo: amount) { _, rest in
        var candidate = start
        candidate[first] -= amount - rest
        candidate[second] -= amount - rest
        return candidate
      }
    }
  }

  /// Lowers a choice and raises a later one by the same amount, which keeps their sum.
  private mutating func shiftBetweenPairs() async {
    await forEachPair { shrinker, first, second in
      let start = shrinker.best.choices
      let room = shrinker.best.bounds[second] - start[second]
      let amount = min(start[first], room)
      guard amount > 0 else { return }
      await shrinker.bisect(upTo: amount) { _, rest in
        var candidate = start
        candidate[first] -= amount - rest
        candidate[second] += amount - rest
        return candidate
      }
    }
  }

  /// Exchanges neighbouring spans of one kind if that puts the simpler first.
  private mutating func reorderSpans() async {
    var index = 0
    while index < best.spans.count, isActive {
      let first = best.spans[index]
      if let next = neighbour(of: index, after: 1) {
        var candidate = best.choices
        candidate.replaceSubrange(
          first.start..<next.end,
          with: best.choices[next.start..<next.end] + best.choices[first.start..<first.end])
        if await attempt(candidate), index > 0 {
          index -= 1
          continue
        }
      }
      index += 1
    }
  }

  /// Leaves out one of few numbers while another goes to an end of its range, so that a sum which overflows still does.
  private mutating func deleteAndStretch() async {
    func numbers() -> [ChoiceSource.Span] {
      best.spans.filter { span in
        best.choices[span.start..<span.end].contains { $0 > 0 }
          && best.bounds[span.start..<span.end].contains { $0 > 1 }
      }
    }
    guard best.choices.count <= 24 else { return }
    for left in numbers() {
      for stretched in numbers() where stretched.start >= left.end || stretched.end <= left.start {
        for sign in 0...1 as ClosedRange<UInt64> where isActive {
          var candidate = best.choices
          guard stretched.end <= candidate.count, left.end <= candidate.count else { return }
          // What is too large is cut down to its bound, which may be another with another sign.
          for place in stretched.start..<stretched.end {
            candidate[place] = best.bounds[place] == 1 ? sign : .max
          }
          candidate.removeSubrange(left.start..<left.end)
          if await attempt(candidate) { return }
        }
      }
    }
  }

  /// Of a short sequence of zeros and ones tries all others of these that are simpler, in lexicographic order.
  private mutating func exhaust() async {
    guard best.choices.count <= 16, best.choices.allSatisfy({ $0 <= 1 }) else { return }
    // Zeros follow.
    var sequence: [UInt64] = []
    let end = attempts + 500
    while isActive, attempts < end, sequence.lexicographicallyPrecedes(best.choices) {
      attempts += 1
      let result = await run(sequence)
      note(result)
      if result.shows(fault, byKind: goesByKind), Self.isSimpler(result.choices, best.choices) {
        best = result
        shrinks += 1
      }
      // What is too long with zeros at its end is too long with anything there.
      let isTooLong = result.choices.count > best.choices.count
      let places = (0..<min(result.choices.count, isTooLong ? sequence.count : .max))
      guard let last = places.last(where: { result.choices[$0] == 0 && result.bounds[$0] > 0 })
      else { return }
      sequence = result.choices[..<last] + [1]
    }
  }

  // MARK: Search

  /// Looks for the smallest value whose sequence still fails: 0, or the end of a bisection between a
  /// value whose sequence does not and `high`, whose sequence does.
  private mutating func bisect(
    upTo high: UInt64, _ candidate: ([UInt64], UInt64) -> [UInt64]?
  ) async {
    guard let zero = candidate(best.choices, 0) else { return }
    if await attempt(zero) { return }
    var (low, high) = (UInt64(0), high)
    while high - low > 1, isActive {
      let middle = low + (high - low) / 2
      guard let next = candidate(best.choices, middle) else { return }
      if await attempt(next) { high = middle } else { low = middle }
    }
  }

  /// Pairs of choices up to 11 places apart that are numbers, not yes or no: their bounds are above 1.
  private mutating func forEachPair(
    _ body: (inout Shrinker, _ first: Int, _ second: Int) async -> Void
  ) async {
    var first = 0
    while first < best.choices.count, isActive {
      var second = first + 1
      while first < best.choices.count, second < min(best.choices.count, first + 12), isActive {
        if best.choices[first] > 0, best.bounds[first] > 1, best.bounds[second] > 1 {
          await body(&self, first, second)
        }
        second += 1
      }
      first += 1
    }
  }
}
