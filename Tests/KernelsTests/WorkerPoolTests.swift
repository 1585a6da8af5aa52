import Foundation
import Kernels
import Synchronization
import Testing

@Suite("A worker pool shares out a loop", .serialized)
struct WorkerPoolTests {
  @Test("Every index is visited once", arguments: [1, 2, 3, 8], [0, 1, 2, 7, 1000])
  func visitsOnce(_ threads: Int, _ count: Int) {
    let pool = WorkerPool(threadCount: threads)
    #expect(pool.threadCount == threads)
    for _ in 0..<20 {
      let visits = Mutex([Int](repeating: 0, count: count))
      pool.forEach(count: count) { index in visits.withLock { $0[index] += 1 } }
      #expect(visits.withLock { $0.allSatisfy { $0 == 1 } })
    }
  }

  @Test("Many short loops after each other lose nothing")
  func manyLoops() {
    let pool = WorkerPool(threadCount: 4)
    let sum = Atomic(0)
    for round in 0..<20_000 {
      pool.forEach(count: 5) { sum.add($0 + round, ordering: .relaxed) }
    }
    // Σ over rounds of (0 + 1 + 2 + 3 + 4 + 5·round).
    #expect(sum.load(ordering: .relaxed) == 20_000 * 10 + 5 * (20_000 * 19_999 / 2))
  }

  @Test("Loops inside loops and from several threads at once are complete")
  func nestedAndConcurrent() {
    let pool = WorkerPool(threadCount: 3)
    let sum = Atomic(0)
    let outer = WorkerPool(threadCount: 3)
    outer.forEach(count: 30) { _ in
      pool.forEach(count: 10) { _ in
        pool.forEach(count: 10) { sum.add($0, ordering: .relaxed) }
      }
    }
    #expect(sum.load(ordering: .relaxed) == 30 * 10 * 45)
  }

  @Test("Results come in order, and the lowest failing index decides the error")
  func mapping() throws {
    struct Failure: Error, Equatable { var index: Int }
    let pool = WorkerPool(threadCount: 4)
    #expect(try pool.map(count: 100) { $0 * $0 } == (0..<100).map { $0 * $0 })
    #expect(throws: Failure(index: 13)) {
      try pool.map(count: 100) { index in
        if index >= 13 { throw Failure(index: index) }
        return index
      }
    }
  }

  @Test("A worker that has gone to sleep is woken")
  func wakes() {
    let pool = WorkerPool(threadCount: 2)
    let visited = Atomic(0)
    for _ in 0..<3 {
      // The second index waits for the first to be taken by another thread, so this only ends if
      // the sleeping worker takes part.
      while pool.sleepingWorkers == 0 { sched_yield() }
      let arrived = Atomic(0)
      pool.forEach(count: 2) { _ in
        arrived.add(1, ordering: .sequentiallyConsistent)
        while arrived.load(ordering: .sequentiallyConsistent) < 2 {}
        visited.add(1, ordering: .relaxed)
      }
    }
    #expect(visited.load(ordering: .relaxed) == 6)
  }

  @Test(
    "A thread that is left idle helps with a loop inside, whichever of the two began it",
    arguments: [true, false])
  func helps(callerBegins: Bool) {
    let pool = WorkerPool(threadCount: 2)
    let caller = pthread_self()
    let visits = Mutex([0, 0])
    for _ in 0..<50 {
      let arrived = Atomic(0)
      let inside = Atomic(0)
      pool.forEach(count: 2) { _ in
        waitForBoth(arrived)
        guard (pthread_equal(pthread_self(), caller) != 0) == callerBegins else { return }
        // This only ends if the other thread, which has nothing left to do in the loop outside, takes part.
        pool.forEach(count: 2) { index in
          waitForBoth(inside)
          visits.withLock { $0[index] += 1 }
        }
      }
    }
    #expect(visits.withLock(\.self) == [50, 50])
  }

  /// Adds this thread to those that have arrived, and waits for the second.
  private func waitForBoth(_ arrived: borrowing Atomic<Int>) {
    arrived.add(1, ordering: .sequentiallyConsistent)
    while arrived.load(ordering: .sequentiallyConsistent) < 2 { sched_yield() }
  }

  @Test("A loop is told how many threads would join it")
  func joining() {
    let pool = WorkerPool(threadCount: 4)
    #expect(pool.joiningThreads == 4)
    #expect(WorkerPool(threadCount: 1).joiningThreads == 1)
    let arrived = Atomic(0)
    let seen = Atomic(0)
    let told = Mutex([Int]())
    pool.forEach(count: 2) { _ in
      waitForBoth(arrived)
      // Two bodies run, and each can have one of the two threads that are left, once these have found nothing to do.
      while pool.joiningThreads != 2 { sched_yield() }
      waitForBoth(seen)
      // A loop inside a loop inside a loop has no help, and neither has one of a thread that has no part in any.
      pool.forEach(count: 2) { _ in
        let number = pool.joiningThreads
        told.withLock { $0.append(number) }
      }
      WorkerPool(threadCount: 2).forEach(count: 2) { _ in
        let number = pool.joiningThreads
        told.withLock { $0.append(number) }
      }
    }
    #expect(told.withLock(\.self) == Array(repeating: 1, count: 8))
    let busy = Mutex([Int]())
    let both = WorkerPool(threadCount: 2)
    both.forEach(count: 40) { _ in
      let number = both.joiningThreads
      busy.withLock { $0.append(number) }
    }
    // While indices are left nobody is idle, so only the last can be told of help.
    #expect(busy.withLock { $0.dropLast().allSatisfy { $0 == 1 } })
    #expect(both.joiningThreads == 2)
  }

  @Test("No thread outlives its pool")
  func joins() throws {
    func threads() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
    }
    // Other tests start and end threads of their own meanwhile, so only a flood would show: a
    // hundred pools of eight would leave 700 threads behind.
    let before = try threads()
    for _ in 0..<100 { WorkerPool(threadCount: 8).forEach(count: 16) { _ in } }
    #expect(try threads() < before + 100)
  }

  @Test("The number of processors is at least one and at most what the machine has")
  func processors() {
    #expect((1...sysconf(Int32(_SC_NPROCESSORS_CONF))).contains(WorkerPool.availableProcessors))
  }

  @Test(
    "Of Slurm a process takes what it is allotted, whatever the machine has",
    arguments: [
      ([:], nil), (["SLURM_CPUS_PER_TASK": "3"], nil),
      (["SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "3", "SLURM_CPUS_ON_NODE": "8"], 3),
      (["SLURM_JOB_ID": "1", "SLURM_CPUS_ON_NODE": "8"], 8),
      (
        [
          "SLURM_JOB_ID": "1", "SLURM_CPUS_ON_NODE": "8", "SLURM_STEP_ID": "0",
          "SLURM_STEP_TASKS_PER_NODE": "2(x3)",
        ], 4
      ),
      (
        [
          "SLURM_JOB_ID": "1", "SLURM_CPUS_ON_NODE": "2", "SLURM_STEP_ID": "0",
          "SLURM_STEP_TASKS_PER_NODE": "5",
        ], 1
      ),
      (["SLURM_JOB_ID": "1"], nil), (["SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "many"], nil),
      (["SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "0"], nil),
    ] as [([String: String], Int?)])
  func allotment(variables: [String: String], count: Int?) {
    #expect(WorkerPool.allotment { variables[$0] } == count)
  }
}
