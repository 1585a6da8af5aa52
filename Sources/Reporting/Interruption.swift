import Glibc
import Synchronization

/// Whether long work has been asked to end, and what its user is told then.
///
/// Work looks between its units, wherever a `ProgressStage` advances: the unit in hand is finished and kept
/// where results are kept, and nothing else is begun.
package struct Interruption: Sendable {
  /// Whether the end has been asked for.
  var isRequested: @Sendable () -> Bool
  /// What is kept, and how the work goes on: the end of a line.
  var advice: String

  package init(advice: String, isRequested: @escaping @Sendable () -> Bool) {
    self.advice = advice
    self.isRequested = isRequested
  }

  /// The advice of work that keeps nothing.
  package static let nothingIsKept = "nothing is kept; run the same command again to begin anew"

  /// Of work that nobody asks to end.
  package static let never = Interruption(advice: "", isRequested: { false })

  /// Asked for by SIGINT, SIGTERM or SIGHUP, for which the process listens from now on; a second signal
  /// ends it at once, as if nobody listened.
  ///
  /// A signal that the process was told to ignore, as `nohup` does, stays ignored.
  package static func signals(advice: String) -> Interruption {
    listen()
    return Interruption(advice: advice) { firstSignal.load(ordering: .relaxed) != 0 }
  }

  /// - Throws: `Interrupted` if the end has been asked for.
  package func check() throws(Interrupted) {
    if isRequested() { throw Interrupted(advice: advice) }
  }
}

/// Work that ended since somebody asked for it.
package struct Interrupted: Error, Equatable, CustomStringConvertible {
  package var advice: String

  package init(advice: String) { self.advice = advice }

  package var description: String { "interrupted; \(advice)" }
}

/// When the first signal came, in nanoseconds of the monotonic clock; 0 before.
private let firstSignal = Atomic(0)

/// What a handler may do is little: no lock, no allocation. It notes the time and says so.
private func listen() {
  // So that no handler is the first to use it, which would be when it is made.
  _ = firstSignal.load(ordering: .relaxed)
  var heard = sigset_t()
  sigemptyset(&heard)
  for number in [SIGINT, SIGTERM, SIGHUP] {
    var present = sigaction()
    sigaction(number, nil, &present)
    guard present.__sigaction_handler.sa_handler == nil else { continue }
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { handle($0) }
    action.sa_flags = SA_RESTART
    sigaction(number, &action, nil)
    sigaddset(&heard, number)
  }
  // Who starts a process hands down which signals wait; Foundation's `Process` makes all of them wait where it
  // is called from a thread of Swift's concurrency.
  pthread_sigmask(SIG_UNBLOCK, &heard, nil)
}

private func handle(_ number: Int32) {
  let code = errno
  defer { errno = code }
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  let now = max(1, Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec))
  let first = firstSignal.compareExchange(
    expected: 0, desired: now, ordering: .relaxed)
  guard !first.exchanged else {
    let line: StaticString =
      "\nmixup-inference: asked to end, as soon as what is in hand is done; a second signal ends at once\n"
    _ = write(STDERR_FILENO, line.utf8Start, line.utf8CodeUnitCount)
    return
  }
  // `timeout` sends its signal twice, to the process and to its group, and means it once.
  guard now - first.original > 500_000_000 else { return }
  signal(number, SIG_DFL)
  raise(number)
}
