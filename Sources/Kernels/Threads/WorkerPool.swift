import CPUFeatures
import Glibc
import Synchronization

/// Threads that share out the indices of a loop: made once, and joined when the pool is released.
///
/// Indices are handed out as threads become free, in no fixed order, so a body must not depend on
/// which came before. Between loops a worker spins for a short while, as the next loop of a network
/// comes within microseconds and waking a sleeping thread costs up to a hundred; then it sleeps.
///
/// Threads that a loop leaves idle, as it has too few indices or comes to its end, help with loops that its body
/// begins. Loops inside those, and one from a second thread while the pool is busy, run on their own thread alone.
public final class WorkerPool: Sendable {
  /// Threads that work on a loop, the calling one included.
  public let threadCount: Int
  private let team: WorkerTeam
  private let threads: [pthread_t]

  /// A pool of `threadCount` threads, of which the caller of a loop is one; at least 1.
  public init(threadCount: Int = WorkerPool.availableProcessors) {
    let team = WorkerTeam(workerCount: max(threadCount, 1) - 1)
    var threads: [pthread_t] = []
    for _ in 1..<max(threadCount, 1) {
      var thread = pthread_t()
      let argument = Unmanaged.passRetained(team)
      let status = pthread_create(
        &thread, nil,
        { argument in
          if let argument { Unmanaged<WorkerTeam>.fromOpaque(argument).takeRetainedValue().work() }
          return nil
        }, argument.toOpaque())
      guard status == 0 else {
        // The system has no more threads; those that there are do the work.
        argument.release()
        break
      }
      threads.append(thread)
    }
    self.team = team
    self.threads = threads
    self.threadCount = threads.count + 1
  }

  deinit {
    team.stop()
    for thread in threads { pthread_join(thread, nil) }
  }

  /// Workers that have stopped spinning and sleep.
  package var sleepingWorkers: Int { team.sleepers.load(ordering: .sequentiallyConsistent) }

  /// Calls `body` with every index of 0..<count, from several threads, and returns when all are done.
  public func forEach(count: Int, _ body: @Sendable (Int) -> Void) {
    guard count > 1, !threads.isEmpty,
      withoutActuallyEscaping(body, do: { team.run(count: count, $0) })
    else {
      for index in 0..<max(count, 0) { body(index) }
      return
    }
  }

  /// Threads that would work on a loop if this thread began one now, itself included. It may change at any time, so no
  /// result may depend on it.
  package var joiningThreads: Int { threads.isEmpty ? 1 : team.joiningThreads }

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
