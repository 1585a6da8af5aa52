import CPUFeatures
import Glibc
import Synchronization

/// What the threads of a pool have in common. Outlives the pool until the last worker has left.
///
/// Sendable by hand: the condition variable is made for sharing, and all else is atomic or of a `SharedLoop`.
final class WorkerTeam: @unchecked Sendable {
  private let workerCount: Int
  private let isBusy = Atomic(false)
  /// The loop that is not inside another.
  private let outer = SharedLoop()
  /// Loops that bodies of the outer one began, each at most one at a time.
  private let inner: [SharedLoop]
  /// A bit for each of the inner ones that nobody uses.
  private let free: Atomic<UInt64>
  /// A bit for each of the inner ones that has indices left, as far as is known.
  private let offered = Atomic<UInt64>(0)
  let sleepers = Atomic(0)
  private let isStopping = Atomic(false)

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  /// Turns of a spinning wait: 50 to 100 µs.
  private static let spins = 2000

  init(workerCount: Int) {
    self.workerCount = workerCount
    // Every thread that is inside the outer loop may begin one.
    let innerCount = min(workerCount + 1, UInt64.bitWidth)
    inner = (0..<innerCount).map { _ in SharedLoop() }
    free = Atomic(UInt64.max >> UInt64(UInt64.bitWidth - innerCount))
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  // MARK: The thread that begins a loop

  /// Runs a loop, of which the calling thread does its part; false if no other thread could join, so that nothing
  /// was done.
  func run(count: Int, _ body: @escaping @Sendable (Int) -> Void) -> Bool {
    if !isBusy.exchange(true, ordering: .acquiring) {
      runOuter(count: count, body)
      isBusy.store(false, ordering: .releasing)
      return true
    }
    // Offered even while all are busy: whoever becomes idle before its end joins.
    guard outer.isWorkOfThisThread, let place = takeInner() else { return false }
    runInner(place, count: count, body)
    free.bitwiseOr(1 << UInt64(place), ordering: .releasing)
    return true
  }

  /// Threads that would work on a loop if this thread began one now, itself included.
  var joiningThreads: Int {
    guard isBusy.load(ordering: .relaxed) else { return workerCount + 1 }
    guard outer.isWorkOfThisThread else { return 1 }
    let idle = idleThreads
    // Other bodies of the outer loop take their share of those that are idle.
    return 1 + idle / (workerCount + 1 - idle)
  }

  /// Threads for which the outer loop has no index left; not the one that asks, which is inside.
  private var idleThreads: Int {
    outer.hasIndices ? 0 : workerCount + 1 - outer.workingThreads
  }

  private func runOuter(count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    outer.open(count: count, body)
    wakeAll()
    outer.takeIndices()
    outer.shut()
    // Whoever is still inside may begin loops of its own. None of these holds what the caller of the outer loop
    // waits for, as it waits for them as well.
    while true {
      wait { outer.isEmpty || offered.load(ordering: .sequentiallyConsistent) != 0 }
      if outer.isEmpty { break }
      helpInside()
    }
    outer.clear()
  }

  private func runInner(_ place: Int, count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let loop = inner[place]
    loop.open(count: count, body)
    offered.bitwiseOr(1 << UInt64(place), ordering: .sequentiallyConsistent)
    wakeAll()
    loop.takeIndices()
    offered.bitwiseAnd(~(1 << UInt64(place)), ordering: .sequentiallyConsistent)
    loop.shut()
    wait { loop.isEmpty }
    loop.clear()
  }

  /// The place of an inner loop that nobody uses, which is the caller's from now on.
  private func takeInner() -> Int? {
    var found = free.load(ordering: .relaxed)
    while found != 0 {
      let attempt = free.compareExchange(
        expected: found, desired: found & (found - 1), ordering: .acquiring)
      if attempt.exchanged { return found.trailingZeroBitCount }
      found = attempt.original
    }
    return nil
  }

  // MARK: The workers

  /// What a worker does from its start until the pool stops.
  func work() {
    var seen = 0
    while true {
      var found = 0
      wait {
        found = outer.state
        return SharedLoop.isOpen(found) && SharedLoop.number(found) != seen
          || offered.load(ordering: .sequentiallyConsistent) != 0
          || isStopping.load(ordering: .sequentiallyConsistent)
      }
      if isStopping.load(ordering: .acquiring) { return }
      if SharedLoop.isOpen(found), SharedLoop.number(found) != seen {
        seen = SharedLoop.number(found)
        if outer.enter(number: seen) {
          outer.takeIndices()
          leave(outer)
        }
      } else {
        helpInside()
      }
    }
  }

  /// Works on one of the inner loops, if one has indices left.
  private func helpInside() {
    let offers = offered.load(ordering: .sequentiallyConsistent)
    guard offers != 0 else { return }
    let place = offers.trailingZeroBitCount
    guard inner[place].enter() else { return }
    inner[place].takeIndices()
    // Nobody opens the loop again before this thread has left it, so the offer is still that of this loop.
    offered.bitwiseAnd(~(1 << UInt64(place)), ordering: .sequentiallyConsistent)
    leave(inner[place])
  }

  private func leave(_ loop: SharedLoop) {
    // The last one out wakes the caller, who may sleep once the door is shut.
    if loop.leave() { wakeAll() }
  }

  func stop() {
    isStopping.store(true, ordering: .sequentiallyConsistent)
    wakeAll()
  }

  /// Spins, then sleeps, until `isDone`.
  private func wait(until isDone: () -> Bool) {
    for _ in 0..<Self.spins {
      if isDone() { return }
      cpu_relax()
    }
    pthread_mutex_lock(mutex)
    // A thread that changes what is waited for reads `sleepers` after the change. Either it sees this
    // sleeper and takes the mutex to wake it, or this thread sees the change below and does not sleep.
    sleepers.add(1, ordering: .sequentiallyConsistent)
    while !isDone() { pthread_cond_wait(condition, mutex) }
    sleepers.subtract(1, ordering: .sequentiallyConsistent)
    pthread_mutex_unlock(mutex)
  }

  private func wakeAll() {
    guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
    pthread_mutex_lock(mutex)
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }
}
