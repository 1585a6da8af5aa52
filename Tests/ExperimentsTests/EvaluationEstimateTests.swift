import Classification
import Experiments
import Foundation
import PropertyChecks
import PropertyTesting
import Testing

@Suite("What an evaluation will take")
struct EvaluationEstimateTests {
  private func estimate(
    _ seconds: [[Double]], units: Int, threads: Int = 1, start: Double = 0
  ) -> EvaluationEstimate {
    EvaluationEstimate(
      columns: seconds.map {
        EvaluationEstimate.Column(
          title: "pgd", units: units, size: 8, seconds: $0, images: 8, passes: PassMeter.Count())
      }, threads: threads, start: start, memory: 1 << 20)
  }

  @Test("More tasks are never slower, and no faster than the work divided among their threads")
  func bounds() async {
    await check(
      "columns", .array(of: .array(of: .double(in: 0.1...20), count: 1...5), count: 1...4),
      .integer(in: 1...60), .integer(in: 1...3), .double(in: 0...5)
    ) { seconds, units, threads, start in
      let estimate = estimate(seconds, units: units, threads: threads, start: start)
      let longest = seconds.flatMap(\.self).max() ?? 0
      // Each unit takes its time by chance; the drawn total is bounded by the extremes.
      let least = seconds.reduce(0) { $0 + Double(units) * ($1.min() ?? 0) }
      let most = seconds.reduce(0) { $0 + Double(units) * ($1.max() ?? 0) }
      var last = Double.infinity
      for tasks in [1, 2, 4, 8, 64] {
        let time = estimate.seconds(tasks: tasks)
        let all = Double(tasks * threads)
        #expect(time >= start + least / all - 1e-9)
        // Graham's bound for whoever takes the next unit when it is free.
        #expect(time <= start + most / all + longest + 1e-9)
        #expect(time <= last + longest + 1e-9)
        last = time
      }
    }
  }

  @Test("Units of one length fill threads in rounds, exactly", arguments: [1, 2, 3, 7, 100])
  func rounds(tasks: Int) {
    let estimate = estimate([[2]], units: 30, threads: 2, start: 0.5)
    let rounds = (30 + 2 * tasks - 1) / (2 * tasks)
    #expect(estimate.seconds(tasks: tasks) == 0.5 + 2 * Double(rounds))
    #expect(estimate.work == 60)
  }

  @Test("The table ends where twice as many tasks win less than a tenth")
  func table() {
    let rows = estimate([[1]], units: 64, start: 1).table
    #expect(rows.map(\.tasks) == [1, 2, 4, 8, 16, 32, 64])
    #expect(rows.map(\.seconds) == [65, 33, 17, 9, 5, 3, 2])
    #expect(rows[0].efficiency == 1 && rows[6].efficiency == 65.0 / 128)
  }
}
