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
    package static var silent: Output { Output(columns: nil, write: { _ in }) }
  }

  fileprivate let output: Output
  /// Whether the work is to end, which its stages look at.
  package let interruption: Interruption
  fileprivate let now: @Sendable () -> Double
  private let isLineOpen = Mutex(false)

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

  /// Begins a stage of `total` units of work, such as "attack", 10 000, "images".
  package func stage(_ name: String, total: Int, unit: String) -> ProgressStage {
    ProgressStage(
      name: singleLine(name), total: max(total, 0), unit: singleLine(unit), reporter: self)
  }

  /// Says in a line that a stage needs no work.
  package func skip(_ name: String, because reason: String) { say("\(name): \(reason)") }

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
    var done = 0
    var lastShown: Double
    var isFinished = false
  }

  private let name: String
  private let total: Int
  private let unit: String
  private let started: Double
  private let reporter: ProgressReporter
  private let state: Mutex<State>

  fileprivate init(name: String, total: Int, unit: String, reporter: ProgressReporter) {
    self.name = name
    self.total = total
    self.unit = unit
    self.reporter = reporter
    started = reporter.now()
    state = Mutex(State(lastShown: started))
    if let columns = reporter.output.columns {
      reporter.redraw(bar(done: 0, elapsed: 0, columns: columns()))
    }
  }

  // Work that ended in an error leaves its bar behind; what is printed next needs its own line.
  deinit {
    if state.withLock({ !$0.isFinished }) { reporter.closeLine() }
  }

  /// Counts work that is done; from any thread.
  ///
  /// - Throws: `Interrupted` if no more is to be begun.
  package func advance(by count: Int = 1) throws(Interrupted) {
    show(count)
    try reporter.interruption.check()
  }

  private func show(_ count: Int) {
    let time = reporter.now()
    state.withLock { state in
      guard !state.isFinished else { return }
      state.done += count
      let interval = reporter.output.columns == nil ? 10 : 0.1
      guard time - state.lastShown >= interval else { return }
      state.lastShown = time
      let elapsed = time - started
      if let columns = reporter.output.columns {
        reporter.redraw(bar(done: state.done, elapsed: elapsed, columns: columns()))
      } else {
        let parts = figures(done: state.done, elapsed: elapsed)
        let texts = [parts.count, parts.share] + parts.pace
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

  private func figures(
    done: Int, elapsed: Double
  ) -> (count: String, share: String, pace: [String]) {
    let share = total > 0 ? min(1, Double(done) / Double(total)) : 1
    var pace: [String] = []
    if done > 0, elapsed > 0 {
      pace.append(rate(done, elapsed))
      if done < total {
        pace.append("\(duration(elapsed * Double(total - done) / Double(done))) left")
      }
    }
    return (
      "\(grouped(done))/\(grouped(total)) \(unit)", "\(Int(share * 100))%", pace
    )
  }

  private func bar(done: Int, elapsed: Double, columns: Int) -> String {
    let parts = figures(done: done, elapsed: elapsed)
    let texts =
      [String(repeating: " ", count: 4 - parts.share.count) + parts.share, parts.count] + parts.pace
    // A line as wide as the terminal would wrap, and its upper half could not be redrawn.
    let room = columns - 1
    let taken = displayWidth(name) + texts.reduce(0) { $0 + 2 + displayWidth($1) } + 2
    let cells = min(30, room - taken)
    var pieces = [name]
    if cells >= 8 {
      let filled = total > 0 ? min(cells, done * cells / total) : cells
      pieces.append(
        String(repeating: "━", count: max(filled, 0))
          + String(repeating: "╌", count: cells - max(filled, 0)))
    }
    return String((pieces + texts).joined(separator: "  ").prefix(max(room, 0)))
  }
}

/// Seconds of a clock that never goes back.
package func monotonicSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

// Progress that cannot be shown is no reason to stop the work.
@Sendable private func writeToStandardError(_ text: String) {
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
