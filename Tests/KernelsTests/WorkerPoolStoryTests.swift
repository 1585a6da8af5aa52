import Glibc
import Kernels
import PropertyChecks
import PropertyTesting
import Synchronization
import Testing

private struct Unlucky: Error, Equatable { var index: Int }

/// What is asked of pools of threads, one after another and while they are busy or asleep; every answer is what one
/// thread would have given.
private enum PoolCommand: Command {
  /// Another pool takes the place of the one there was, whose threads end.
  case replace(threads: Int)
  case loop(count: Int)
  case nested(outer: Int, inner: Int)
  /// Two loops inside each other inside a loop.
  case nestedTwice(outer: Int, inner: Int)
  /// Two loops on one pool from two threads of another.
  case twoAtOnce(Int, Int)
  /// Results, of which those from an index on fail; none if it is the count.
  case map(count: Int, failsFrom: Int)
  /// Nothing, until all workers sleep.
  case letSleep

  static func any(in threads: Int) -> Generator<PoolCommand> {
    let count = Generator<Int>.element(of: [0, 1, 2, 3, 7, 40])
    let pairs = count.flatMap { a in count.map { (a, $0) } }
    return .oneOf(
      Generator<Int>.integer(in: 1...4).map { .replace(threads: $0) },
      count.map { .loop(count: $0) }, pairs.map { .nested(outer: $0.0, inner: $0.1) },
      pairs.map { .nestedTwice(outer: $0.0, inner: $0.1) },
      pairs.map { .twoAtOnce($0.0, $0.1) },
      count.flatMap { count in
        Generator<Int>.integer(in: 0...count).map { .map(count: count, failsFrom: $0) }
      },
      .element(of: [.letSleep]))
  }

  /// How often each index of each loop is visited, and what `map` gave.
  struct Answer: Equatable, Sendable {
    var visits: [[Int]] = []
    var result: Result<[Int], Unlucky>?
  }

  func run(onModel threads: inout Int) -> Answer {
    func once(_ count: Int) -> [Int] { Array(repeating: 1, count: count) }
    switch self {
    case .replace(let count):
      threads = count
      return Answer()
    case .loop(let count): return Answer(visits: [once(count)])
    case .nested(let outer, let inner):
      return Answer(visits: Array(repeating: once(inner), count: outer))
    case .nestedTwice(let outer, let inner):
      return Answer(visits: Array(repeating: once(inner), count: outer * inner))
    case .twoAtOnce(let first, let second): return Answer(visits: [once(first), once(second)])
    case .map(let count, let failsFrom):
      return Answer(
        result: failsFrom < count
          ? .failure(Unlucky(index: failsFrom)) : .success((0..<count).map { 3 * $0 }))
    case .letSleep: return Answer()
    }
  }

  func run(on pool: inout WorkerPool) throws -> Answer {
    switch self {
    case .replace(let threads):
      pool = WorkerPool(threadCount: threads)
      return Answer()
    case .loop(let count): return Answer(visits: [visits(of: pool, count: count)])
    case .nested(let outer, let inner):
      let all = Mutex([[Int]](repeating: [], count: outer))
      pool.forEach(count: outer) { [pool] place in
        let visits = visits(of: pool, count: inner)
        all.withLock { $0[place] = visits }
      }
      return Answer(visits: all.withLock(\.self))
    case .nestedTwice(let outer, let inner):
      let all = Mutex([[Int]](repeating: [], count: outer * inner))
      pool.forEach(count: outer) { [pool] place in
        pool.forEach(count: inner) { next in
          let visits = visits(of: pool, count: inner)
          all.withLock { $0[place * inner + next] = visits }
        }
      }
      return Answer(visits: all.withLock(\.self))
    case .twoAtOnce(let first, let second):
      let all = Mutex([[Int]](repeating: [], count: 2))
      WorkerPool(threadCount: 2).forEach(count: 2) { [pool] place in
        let visits = visits(of: pool, count: place == 0 ? first : second)
        all.withLock { $0[place] = visits }
      }
      return Answer(visits: all.withLock(\.self))
    case .map(let count, let failsFrom):
      do {
        let values = try pool.map(count: count) { index in
          if index >= failsFrom { throw Unlucky(index: index) }
          return 3 * index
        }
        return Answer(result: .success(values))
      } catch let error as Unlucky { return Answer(result: .failure(error)) }
    case .letSleep:
      while pool.sleepingWorkers < pool.threadCount - 1 { sched_yield() }
      return Answer()
    }
  }

  static func verify(_ pool: WorkerPool, against threads: Int) throws {
    #expect(pool.threadCount == threads)
  }
}

/// How often a loop visits each of its indices.
private func visits(of pool: WorkerPool, count: Int) -> [Int] {
  let visits = Mutex([Int](repeating: 0, count: count))
  pool.forEach(count: count) { index in visits.withLock { $0[index] += 1 } }
  return visits.withLock(\.self)
}

@Suite("A worker pool in whatever order it is used", .serialized)
struct WorkerPoolStoryTests {
  @Test(
    "Loops alone, inside each other, at once, behind errors and after sleep visit every index once")
  func stories() async {
    await check("a pool is a loop", .commands(from: 2)) {
      (commands: CommandSequence<PoolCommand>) in
      var pool = WorkerPool(threadCount: 2)
      try await commands.run(on: &pool)
    }
  }
}
