import Experiments
import Foundation
import Kernels
import PropertyChecks
import PropertyTesting
import Reporting
import Synchronization
import TestSupport
import Testing

@Suite("Units that processes share out")
struct WorkQueueTests {
  /// Time that passes where a test says so, and while somebody waits.
  private final class Time: Sendable {
    private let seconds = Mutex(0.0)

    var clock: WorkQueue.Clock {
      WorkQueue.Clock(now: { self.seconds.withLock { $0 } }, wait: { self.pass($0) })
    }

    func pass(_ more: Double) { seconds.withLock { $0 += more } }
  }

  private static let lease = 60.0

  private func queue(
    _ folder: URL, _ count: Int, first: Int = 0, _ time: Time = Time()
  ) throws -> WorkQueue {
    try WorkQueue(
      folder, count: count, holder: "a process", beginningWith: first, lease: Self.lease,
      clock: time.clock)
  }

  /// Thrown by who does not want to wait.
  private struct Waiting: Error, Equatable {}

  /// A unit that can be had without waiting; nil if all are done.
  private func take(_ queue: WorkQueue) throws -> WorkQueue.Claim? {
    try queue.take { throw Waiting() }
  }

  @Test("Each is had once, whoever takes, as long as all show life", arguments: [1, 2, 5])
  func once(processes: Int) async {
    await check(
      "who takes next", .integer(in: 0...12), .array(of: .integer(in: 0..<processes), count: 0...30)
    ) { count, order in
      try withTemporaryFolder { folder in
        let time = Time()
        let queues = try (0..<processes).map { try queue(folder, count, first: 7 * $0, time) }
        var taken: [Int] = []
        for process in order + Array(0..<processes) {
          while true {
            // Longer than a lease in all, in which everybody renews.
            time.pass(Self.lease / 3)
            for queue in queues { queue.renew() }
            guard let claim = try? take(queues[process]) else { break }
            taken.append(claim.unit)
            #expect(claim.number == 1)
            if claim.unit % 2 == 0 { try queues[process].finish(claim) }
            if order.count % 3 == 0 { break }
          }
        }
        #expect(Set(taken).count == taken.count)
        #expect(taken.allSatisfy { 0..<count ~= $0 })
        if order.count % 3 != 0 { #expect(taken.count == count) }
      }
    }
  }

  @Test("All are done in the end, whichever processes die, and whatever is given back")
  func deaths() async {
    /// What becomes of a unit that was taken.
    enum Fate: Int { case done, dead, givenBack }
    await check(
      "fates", .integer(in: 1...6),
      .array(of: .integer(in: 0...2), count: 0...12)
    ) { count, fates in
      try withTemporaryFolder { folder in
        let time = Time()
        for (process, fate) in fates.enumerated() {
          // Everybody is a process of its own, of which nobody else knows but by the folder.
          let queue = try queue(folder, count, first: process, time)
          guard let claim = try queue.take() else { return }
          switch Fate(rawValue: fate) {
          case .done: try queue.finish(claim)
          case .givenBack: try queue.giveBack(claim)
          case .dead, nil: break
          }
        }
        let last = try queue(folder, count, time)
        while let claim = try last.take() { try last.finish(claim) }
        #expect(last.done == Set(0..<count))
        let another = try queue(folder, count, time)
        #expect(another.done == last.done)
        #expect(try take(another) == nil)
      }
    }
  }

  @Test("What a dead process had is free after a lease without life, and no sooner")
  func lease() throws {
    try withTemporaryFolder { folder in
      let time = Time()
      let dead = try queue(folder, 1, time)
      let claim = try #require(try dead.take())
      let onlooker = try queue(folder, 1, time)
      func isFree() throws -> WorkQueue.Claim? {
        do { return try take(onlooker) } catch is Waiting { return nil }
      }
      // However long nobody looked, nobody is taken for dead at first sight.
      time.pass(10 * Self.lease)
      #expect(try isFree() == nil)
      time.pass(Self.lease - 1)
      dead.renew()
      #expect(try isFree() == nil)
      time.pass(Self.lease - 1)
      #expect(try isFree() == nil)
      time.pass(1)
      #expect(try isFree() == WorkQueue.Claim(unit: 0, number: 2))
      // The dead man was only slow. Both are done with the same unit, and nothing breaks.
      try dead.finish(claim)
      try onlooker.finish(WorkQueue.Claim(unit: 0, number: 2))
      #expect(try take(onlooker) == nil)
      #expect(try dead.take() == nil)
    }
  }

  @Test("What is given back is free at once, and who waits is asked whether to go on")
  func givenBack() throws {
    try withTemporaryFolder { folder in
      let (one, two) = (try queue(folder, 1), try queue(folder, 1))
      let claim = try #require(try one.take())
      #expect(throws: Waiting.self) { try take(two) }
      try one.giveBack(claim)
      // It was not in the listing that the other has read, which reads again when it is disappointed.
      #expect(try two.take() == WorkQueue.Claim(unit: 0, number: 2))
    }
  }

  @Test("What was done but is not there can be taken again")
  func reopened() throws {
    try withTemporaryFolder { folder in
      let time = Time()
      let one = try queue(folder, 2, time)
      while let claim = try one.take() { try one.finish(claim) }
      let two = try queue(folder, 2, time)
      #expect(two.done == [0, 1])
      try two.reopen(1)
      #expect(two.done == [0])
      #expect(try take(two) == WorkQueue.Claim(unit: 1, number: 2))
      #expect(try queue(folder, 2, time).done == [0])
    }
  }

  @Test("Threads of one process have each once, and all end")
  func threads() throws {
    try withTemporaryFolder { folder in
      let queue = try WorkQueue(
        folder, count: 200, holder: "a process", beginningWith: 3, lease: Self.lease)
      let taken = Mutex([Int]())
      _ = try WorkerPool(threadCount: 8).map(count: 8) { _ in
        while let claim = try queue.take() {
          taken.withLock { $0.append(claim.unit) }
          try queue.finish(claim)
        }
      }
      #expect(taken.withLock { $0.sorted() } == Array(0..<200))
    }
  }

  @Test("Nothing to do is done at once, and files that are no claims mean nothing")
  func oddities() throws {
    try withTemporaryFolder { folder in
      #expect(try take(try queue(folder, 0)) == nil)
      for name in ["x.done", "-1.done", "99.done", "0", "0.x", "0.1.lost", ".0.done", "1.2.3"] {
        try Data().write(to: folder.appending(path: name))
      }
      let queue = try queue(folder, 2)
      #expect(queue.done.isEmpty)
      while let claim = try take(queue) { try queue.finish(claim) }
      #expect(queue.done == [0, 1])
    }
  }

  @Test("A claim that cannot be written is an error that names the file")
  func unwritable() throws {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "file")
      try Data().write(to: file)
      #expect(throws: FileWriteError.self) { try queue(file, 1).take() }
    }
  }
}

@Suite("A scheduler's variables")
struct ArrayTaskTests {
  @Test(
    "say which task this is",
    arguments: [
      (["SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_JOB_ID": "77"], "task 3 of Slurm's array 77"),
      (
        [
          "SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_JOB_ID": "77", "SLURM_ARRAY_TASK_MIN": "3",
          "SLURM_ARRAY_TASK_MAX": "9",
        ], "task 3 of Slurm's array 77"
      ),
      (
        ["SLURM_JOB_ID": "5", "SLURM_PROCID": "1", "SLURM_STEP_ID": "0"], "task 1 of Slurm's job 5"
      ),
      (["PARALLEL_SEQ": "12"], "task 12 of GNU parallel"),
      (["JOB_COMPLETION_INDEX": "0"], "task 0 of a Kubernetes job"),
      (["PBS_ARRAY_INDEX": "4", "PBS_ARRAY_ID": "9[].pbs"], "task 4 of PBS' array 9[].pbs"),
      (["PBS_ARRAYID": "4", "PBS_JOBID": "9[4]"], "task 4 of Torque's array 9[4]"),
      (["SGE_TASK_ID": "2", "JOB_ID": "6"], "task 2 of Grid Engine's array 6"),
      (["LSB_JOBINDEX": "2", "LSB_JOBID": "6"], "task 2 of LSF's array 6"),
      // GNU parallel within a task of Slurm.
      (["PARALLEL_SEQ": "1", "SLURM_ARRAY_TASK_ID": "3"], "task 1 of GNU parallel"),
    ] as [([String: String], String)])
  func known(environment: [String: String], text: String) throws {
    #expect(try ArrayTask.of(environment)?.description == text)
  }

  @Test(
    "say nothing outside an array",
    arguments: [
      [:], ["SGE_TASK_ID": "undefined"], ["LSB_JOBINDEX": "0"], ["SLURM_JOB_ID": "5"],
    ] as [[String: String]])
  func none(environment: [String: String]) throws {
    #expect(try ArrayTask.of(environment) == nil)
  }

  @Test(
    "are refused where they contradict themselves or each other",
    arguments: [
      (["SLURM_ARRAY_TASK_ID": "x"], "SLURM_ARRAY_TASK_ID is x"),
      (["SLURM_ARRAY_TASK_ID": "-1"], "SLURM_ARRAY_TASK_ID is -1"),
      (["JOB_COMPLETION_INDEX": ""], "JOB_COMPLETION_INDEX is "),
      (
        [
          "SLURM_ARRAY_TASK_ID": "10", "SLURM_ARRAY_TASK_MIN": "0", "SLURM_ARRAY_TASK_MAX": "9",
        ], "SLURM_ARRAY_TASK_MIN and SLURM_ARRAY_TASK_MAX are 0 and 9"
      ),
      (
        ["SLURM_ARRAY_TASK_ID": "1", "PBS_ARRAY_INDEX": "1"],
        "SLURM_ARRAY_TASK_ID and PBS_ARRAY_INDEX are set"
      ),
    ] as [([String: String], String)])
  func contradictions(environment: [String: String], part: String) throws {
    let error = #expect(throws: PlanError.self) { try ArrayTask.of(environment) }
    #expect(error?.cause == .usage)
    #expect("\(try #require(error))".contains(part))
  }
}
