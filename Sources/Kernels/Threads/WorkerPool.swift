import CPUFeatures
import Glibc
import Synchronization

/// Threads that share out the indices of a loop: made once, and joined when the pool is released.
///
/// Indices are handed out as threads become free, in no fixed order, so a body must not depend on
/// which came before. Between loops a worker spins for a short while, as the next loop of a network
/// comes within microseconds and waking a sleeping thread costs up to a hundred; then it sleeps.
///
/// A loop inside a loop, or one from a second thread while the pool is busy, runs on the calling
/// thread alone.
public final class WorkerPool: Sendable {
  /// Threads that work on a loop, the calling one included.
  public let threadCount: Int
  private let shared: Shared
  private let threads: [pthread_t]

  /// A pool of `threadCount` threads, of which the caller of a loop is one; at least 1.
  public init(threadCount: Int = WorkerPool.availableProcessors) {
    let shared = Shared()
    var threads: [pthread_t] = []
    for _ in 1..<max(threadCount, 1) {
      var thread = pthread_t()
      let argument = Unmanaged.passRetained(shared)
      let status = pthread_create(
        &thread, nil,
        { argument in
          if let argument { Unmanaged<Shared>.fromOpaque(argument).takeRetainedValue().work() }
          return nil
        }, argument.toOpaque())
      guard status == 0 else {
        // The system has no more threads; those that there are do the work.
        argument.release()
        break
      }
      threads.append(thread)
    }
    self.shared = shared
    self.threads = threads
    self.threadCount = threads.count + 1
  }

  deinit {
    shared.stop()
    for thread in threads { pthread_join(thread, nil) }
  }

  /// Workers that have stopped spinning and sleep.
  package var sleepingWorkers: Int { shared.sleepers.load(ordering: .sequentiallyConsistent) }

  /// Calls `body` with every index of 0..<count, from several threads, and returns when all are done.
  public func forEach(count: Int, _ body: @Sendable (Int) -> Void) {
    guard count > 1, !threads.isEmpty, shared.isBusy.exchange(true, ordering: .acquiring) == false
    else {
      for index in 0..<max(count, 0) { body(index) }
      return
    }
    withoutActuallyEscaping(body) { shared.run(count: count, $0) }
    shared.isBusy.store(false, ordering: .releasing)
  }

  /// The results of `body` for every index of 0..<count, in order.
  ///
  /// - Throws: the error of the lowest index that failed; all are tried.
  public func map<T: Sendable>(
    count: Int, _ body: @Sendable (Int) throws -> T
  ) throws -> [T] {
    let results = Mutex([Result<T, any Error>?](repeating: nil, count: count))
    forEach(count: count) { index in
      let result = Result { try body(index) }
      results.withLock { $0[index] = result }
    }
    return try results.withLock { try $0.compactMap { try $0?.get() } }
  }

  /// Processors that this process may use: the affinity mask, cut down to the control group's quota and to what
  /// Slurm has allotted, which not every cluster enforces.
  public static let availableProcessors: Int = {
    let allowed = Int(cpu_affinity_count())
    let count = allowed > 0 ? allowed : Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    let limits = [controlGroupQuota(), allotment { getenv($0).map { String(cString: $0) } }]
    return max(1, limits.compactMap(\.self).reduce(count, min))
  }()

  /// The processors that Slurm's variables allot to this process; nil outside of Slurm.
  ///
  /// `SLURM_CPUS_PER_TASK` is there only where a number was asked for; without it, what the job has of this machine,
  /// which the tasks of a step share.
  package static func allotment(_ variable: (String) -> String?) -> Int? {
    func number(_ name: String) -> Int? {
      // "2(x3)" is 2 on each of three machines.
      variable(name).flatMap { Int($0.prefix(while: \.isNumber)) }.flatMap { $0 > 0 ? $0 : nil }
    }
    guard variable("SLURM_JOB_ID") != nil else { return nil }
    if let count = number("SLURM_CPUS_PER_TASK") { return count }
    let tasks = variable("SLURM_STEP_ID") == nil ? 1 : number("SLURM_STEP_TASKS_PER_NODE") ?? 1
    return number("SLURM_CPUS_ON_NODE").map { max(1, $0 / tasks) }
  }

  /// The control group's limit in whole processors (cgroup v2, else v1), if there is one.
  private static func controlGroupQuota() -> Int? {
    func numbers(_ path: String) -> [Double] {
      guard let file = fopen(path, "r") else { return [] }
      defer { fclose(file) }
      var buffer = [CChar](repeating: 0, count: 128)
      guard fgets(&buffer, Int32(buffer.count), file) != nil else { return [] }
      let text = String(
        decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      return text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    }
    var quota = numbers("/sys/fs/cgroup/cpu.max")
    if quota.count != 2 {
      quota =
        numbers("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
        + numbers("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
    }
    guard quota.count == 2, quota[0] > 0, quota[1] > 0 else { return nil }
    return max(1, Int((quota[0] / quota[1]).rounded(.up)))
  }
}

/// What the threads of a pool have in common. Outlives the pool until the last worker has left.
///
/// A loop is a room that workers enter while its door is open. The caller shuts the door when no
/// index is left, and waits only for those inside: a worker that sleeps, or that the system has
/// given no processor, holds nobody up.
///
/// Sendable by hand: `body` and `count` are written only while the door is shut and nobody is
/// inside, and read only by those inside; the condition variable is made for sharing.
private final class Shared: @unchecked Sendable {
  let isBusy = Atomic(false)
  /// The present loop: its number in the upper bits, whether the door is open, who is inside.
  private let room = Atomic(0)
  private static let open = 1 << 16
  private static let insideMask = open - 1
  private static let numberShift = 17
  private let nextIndex = Atomic(0)
  let sleepers = Atomic(0)
  private let isStopping = Atomic(false)
  private var body: (@Sendable (Int) -> Void)?
  private var count = 0

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  /// Turns of a spinning wait: 50 to 100 µs.
  private static let spins = 2000

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// The calling thread's part of a loop.
  func run(count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    self.body = body
    self.count = count
    nextIndex.store(0, ordering: .relaxed)
    let number = room.load(ordering: .relaxed) >> Self.numberShift &+ 1
    room.store(number << Self.numberShift | Self.open, ordering: .sequentiallyConsistent)
    wakeAll()
    takeIndices(body, count)
    room.subtract(Self.open, ordering: .sequentiallyConsistent)
    wait { self.room.load(ordering: .sequentiallyConsistent) & Self.insideMask == 0 }
    self.body = nil
  }

  /// What a worker does from its start until the pool stops.
  func work() {
    var seen = 0
    while true {
      var found = 0
      wait {
        found = self.room.load(ordering: .sequentiallyConsistent)
        return (found & Self.open != 0 && found >> Self.numberShift != seen)
          || self.isStopping.load(ordering: .sequentiallyConsistent)
      }
      if isStopping.load(ordering: .acquiring) { return }
      seen = found >> Self.numberShift
      guard enter(found) else { continue }
      if let body { takeIndices(body, count) }
      let left = room.subtract(1, ordering: .sequentiallyConsistent).newValue
      // The last one out wakes the caller, who may sleep once the door is shut.
      if left & (Self.open | Self.insideMask) == 0 { wakeAll() }
    }
  }

  /// Enters the loop that was found open, unless its door has been shut since.
  private func enter(_ found: Int) -> Bool {
    var present = found
    while present & Self.open != 0, present >> Self.numberShift == found >> Self.numberShift {
      let attempt = room.compareExchange(
        expected: present, desired: present + 1, ordering: .sequentiallyConsistent)
      if attempt.exchanged { return true }
      present = attempt.original
    }
    return false
  }

  func stop() {
    isStopping.store(true, ordering: .sequentiallyConsistent)
    wakeAll()
  }

  private func takeIndices(_ body: (Int) -> Void, _ count: Int) {
    while true {
      let index = nextIndex.add(1, ordering: .relaxed).oldValue
      guard index < count else { return }
      body(index)
    }
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
