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
