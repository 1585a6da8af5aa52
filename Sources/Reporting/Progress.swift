import Foundation
import Synchronization

/// Tells a person how far the work is: one line that redraws itself in a terminal, and elsewhere
/// plain lines, at most one every ten seconds and one at the end of every stage.
///
/// Safe to use from several threads at once.
package final class ProgressReporter: Sendable {
  /// Where progress is shown.
  package struct Output: Sendable {
    /// The width of the terminal now, in characters; nil if this is no terminal.
    package var columns: (@Sendable () -> Int)?
    package var write: @Sendable (String) -> Void
    /// Whether anybody sees it.
    package private(set) var isShown = true

    package init(columns: (@Sendable () -> Int)?, write: @escaping @Sendable (String) -> Void) {
      self.columns = columns
      self.write = write
    }

    /// The process's standard error.
    package static var standardError: Output {
      let isTerminal =
        terminalColumns(of: STDERR_FILENO) != nil
        && ProcessInfo.processInfo.environment["TERM"] != "dumb"
      guard isTerminal else { return Output(columns: nil, write: writeToStandardError) }
      return Output(
        columns: { TextStyle.of(STDERR_FILENO).columns }, write: writeToStandardError)
    }

    /// Nowhere.
    package static var silent: Output {
      var output = Output(columns: nil, write: { _ in })
      output.isShown = false
      return output
    }
  }

  fileprivate let output: Output
  /// Whether the work is to end, which its stages look at.
  package let interruption: Interruption
  fileprivate let now: @Sendable () -> Double
  private let isLineOpen = Mutex(false)
  private let ledger = Mutex(Ledger())

  /// What is known of all stages together. Work is counted in whatever the caller likes, such as passes through a
  /// network, as long as it takes about the same time in every stage.
  fileprivate struct Ledger {
    /// The work of stages that have not begun.
    var expected = 0.0
    /// What was done in stages whose work is known, and the seconds that it took.
    var done = 0.0
    var seconds = 0.0
  }

  /// A reporter.
  ///
  /// - Parameter now: seconds since any fixed moment, never going back.
  package init(
    output: Output = .standardError, interruption: Interruption = .never,
    now: @escaping @Sendable () -> Double = { monotonicSeconds() }
  ) {
    self.output = output
    self.interruption = interruption
    self.now = now
  }

  /// Whether anybody sees the progress.
  package var isShown: Bool { output.isShown }

  /// Says that stages with so much work are to come, for which all of them together are told how long they take. Who
  /// runs stages as a part of something larger may say it of them again.
  package func expect(atLeast work: Double) {
    ledger.withLock { $0.expected = max($0.expected, work) }
  }

  /// Begins a stage of `total` units, such as "attack", 10 000, "images".
  ///
  /// - Parameter work: the work of all units; 0 where it is not known.
  package func stage(
    _ name: String, total: Int, unit: String, work: Double = 0
  ) -> ProgressStage {
    forget(work)
    return ProgressStage(
      name: singleLine(name), total: max(total, 0), unit: singleLine(unit), work: work,
      reporter: self)
  }

  /// Says in a line that a stage is not needed, or a part of it that has so much work.
  package func skip(_ name: String, because reason: String, work: Double = 0) {
    forget(work)
    say("\(name): \(reason)")
  }

  private func forget(_ work: Double) {
    ledger.withLock { $0.expected = max(0, $0.expected - work) }
  }

  fileprivate func finish(_ work: Double, seconds: Double) {
    ledger.withLock {
      $0.done += work
      $0.seconds += seconds
    }
  }

  /// Seconds that the stages take that have not begun, if their work goes on like that until now; nil if there is none
  /// or that is not known.
  ///
  /// - Parameters:
  ///   - work: what the stage in hand has done.
  ///   - seconds: how long that took.
  fileprivate func secondsBehind(_ work: Double, _ seconds: Double) -> Double? {
    ledger.withLock { ledger in
      let done = ledger.done + work
      guard ledger.expected > 0, done > 0 else { return nil }
      return ledger.expected * (ledger.seconds + seconds) / done
    }
  }

  /// Says something in a line of its own.
  package func say(_ text: String) { print(singleLine(text)) }

  fileprivate func redraw(_ line: String) {
    isLineOpen.withLock { isOpen in
      output.write("\r\(line)\u{1B}[K")
      isOpen = true
    }
  }

  fileprivate func print(_ line: String) {
    isLineOpen.withLock { isOpen in
      output.write(isOpen ? "\r\(line)\u{1B}[K\n" : "\(line)\n")
      isOpen = false
    }
  }

  fileprivate func closeLine() {
    isLineOpen.withLock { isOpen in
      if isOpen { output.write("\n") }
      isOpen = false
    }
  }
}

/// One stage of the work; reports itself as it advances.
package final class ProgressStage: Sendable {
  private struct State {
    /// Units.
    var done = 0
    /// The share of the planned work that these units are.
    var plannedWork = 0.0
    /// The work that they took.
    var work = 0.0
    var lastShown: Double
    var isFinished = false
  }

  private let name: String
  private let total: Int
  private let unit: String
  /// All work that was planned; 0 if it is not known.
  private let work: Double
  private let started: Double
  private let reporter: ProgressReporter
  private let state: Mutex<State>

  fileprivate init(
    name: String, total: Int, unit: String, work: Double, reporter: ProgressReporter
  ) {
    self.name = name
    self.total = total
    self.unit = unit
    self.work = work
    self.reporter = reporter
    started = reporter.now()
    state = Mutex(State(lastShown: started))
    if let columns = reporter.output.columns {
      reporter.redraw(bar(state.withLock(\.self), elapsed: 0, columns: columns()))
    }
  }

  // Work that ended in an error leaves its bar behind; what is printed next needs its own line.
  deinit {
    if state.withLock({ !$0.isFinished }) { reporter.closeLine() }
  }

  /// Counts units that are done; from any thread.
  ///
  /// - Parameters:
  ///   - planned: what of the stage's work they are; if nil, as much as others.
  ///   - work: the work that they took after all; if nil, as much as was planned.
  /// - Throws: `Interrupted` if no more is to be begun.
  package func advance(
    by count: Int = 1, planned: Double? = nil, work: Double? = nil
  ) throws(Interrupted) {
    let planned = planned ?? (total > 0 ? self.work * Double(count) / Double(total) : 0)
    show(count, planned: planned, work: work ?? planned)
    try reporter.interruption.check()
  }

  private func show(_ count: Int, planned: Double, work: Double) {
    let time = reporter.now()
    state.withLock { state in
      guard !state.isFinished else { return }
      state.done += count
      state.plannedWork += planned
      state.work += work
      let interval = reporter.output.columns == nil ? 10 : 0.1
      guard time - state.lastShown >= interval else { return }
      state.lastShown = time
      let elapsed = time - started
      if let columns = reporter.output.columns {
        reporter.redraw(bar(state, elapsed: elapsed, columns: columns()))
      } else {
        let parts = figures(state, elapsed: elapsed)
        let texts = [parts.count, parts.share, parts.rate, parts.left, parts.all].compactMap(\.self)
        reporter.print("\(name): \(texts.joined(separator: ", "))")
      }
    }
  }

  /// Ends the stage with a line that says what was done and how long it took; once.
  package func finish() {
    let elapsed = reporter.now() - started
    state.withLock { state in
      guard !state.isFinished else { return }
      state.isFinished = true
      if work > 0 { reporter.finish(state.work, seconds: elapsed) }
      let amount =
        state.done == total ? grouped(total) : "\(grouped(state.done)) of \(grouped(total))"
      let rate = elapsed > 0 && state.done > 0 ? " (\(self.rate(state.done, elapsed)))" : ""
      reporter.print("\(name): \(amount) \(unit) in \(duration(elapsed))\(rate)")
    }
  }

  private func rate(_ done: Int, _ elapsed: Double) -> String {
    let value = Double(done) / elapsed
    let decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3
    let number =
      value >= 1000 ? grouped(Int(min(value, 1e15))) : fixed(value, decimals: decimals)
    return "\(number) \(unit)/s"
  }

  /// What is told of the stage: units, their share of all, units in a second, and the time left, of the stage and, where
  /// others are known to follow, of all.
  private struct Figures {
    var count, share: String
    var rate, left, all: String?
  }

  private func figures(_ state: State, elapsed: Double) -> Figures {
    let share = total > 0 ? min(1, Double(state.done) / Double(total)) : 1
    var figures = Figures(
      count: "\(grouped(state.done))/\(grouped(total)) \(unit)", share: "\(Int(share * 100))%")
    guard state.done > 0, elapsed > 0 else { return figures }
    figures.rate = rate(state.done, elapsed)
    let known = state.plannedWork > 0
    let rest =
      known
      ? max(0, work - state.plannedWork) / state.plannedWork
      : Double(max(0, total - state.done)) / Double(state.done)
    if state.done < total { figures.left = "\(duration(elapsed * rest)) left" }
    if let behind = reporter.secondsBehind(state.work, known ? elapsed : 0) {
      figures.all = "all stages up to \(duration(elapsed * rest + behind))"
    }
    return figures
  }

  /// The stage in one line. Where it does not fit, the bar goes first, then the rate, then the count of units.
  private func bar(_ state: State, elapsed: Double, columns: Int) -> String {
    let figures = figures(state, elapsed: elapsed)
    let share = String(repeating: " ", count: 4 - figures.share.count) + figures.share
    // A line as wide as the terminal would wrap, and its upper half could not be redrawn.
    let room = columns - 1
    func line(_ texts: [String?]) -> String {
      texts.compactMap(\.self).joined(separator: "  ")
    }
    let full = [share, figures.count, figures.rate, figures.left, figures.all]
    let cells = min(30, room - displayWidth(line([name] + full)) - 2)
    if cells >= 8 {
      let filled = total > 0 ? min(cells, max(0, state.done * cells / total)) : cells
      let bar =
        String(repeating: "━", count: filled) + String(repeating: "╌", count: cells - filled)
      return line([name, bar] + full)
    }
    let choices = [
      full, [share, figures.count, figures.left, figures.all], [share, figures.left, figures.all],
    ].map { line([name] + $0) }
    let fitting = choices.first { displayWidth($0) <= room } ?? choices[2]
    return String(fitting.prefix(max(room, 0)))
  }
}

/// Seconds of a clock that never goes back.
package func monotonicSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Writes text to standard error as well as that goes: what cannot be told there is no reason to stop the work.
@Sendable package func writeToStandardError(_ text: String) {
  _ = Array(text.utf8).withUnsafeBytes { writeAll($0, to: STDERR_FILENO) }
}

/// A time span for a person: "0.42 s", "45 s", "3 min 05 s", "2 h 10 min".
package func duration(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds < 1e12 else { return "very long" }
  if seconds < 9.95 { return "\(fixed(max(seconds, 0), decimals: seconds < 0.995 ? 2 : 1)) s" }
  let whole = Int(seconds.rounded())
  func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
  if whole < 60 { return "\(whole) s" }
  if whole < 3600 { return "\(whole / 60) min \(two(whole % 60)) s" }
  return "\(grouped(whole / 3600)) h \(two(whole % 3600 / 60)) min"
}
