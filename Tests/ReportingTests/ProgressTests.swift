import Reporting
import Synchronization
import Testing

/// A clock that a test sets, and everything that was written.
private final class Fake: Sendable {
  private struct State {
    var time = 100.0
    var texts: [String] = []
  }
  private let state = Mutex(State())

  var texts: [String] { state.withLock { $0.texts } }

  func wait(_ seconds: Double) {
    state.withLock { $0.time += seconds }
  }

  func reporter(columns: Int? = nil) -> ProgressReporter {
    var output = ProgressReporter.Output(columns: nil) { text in
      self.state.withLock { $0.texts.append(text) }
    }
    if let columns { output.columns = { columns } }
    return ProgressReporter(output: output, now: { self.state.withLock { $0.time } })
  }
}

@Suite("Progress")
struct ProgressTests {
  @Test("Elsewhere than in a terminal: a line at most every ten seconds and one at the end")
  func plain() throws {
    let fake = Fake()
    let stage = fake.reporter().stage("attack", total: 2000, unit: "images")
    for _ in 0..<25 {
      fake.wait(1)
      try stage.advance(by: 80)
    }
    stage.finish()
    stage.finish()
    try stage.advance()
    #expect(
      fake.texts == [
        "attack: 800/2,000 images, 40%, 80.0 images/s, 15 s left\n",
        "attack: 1,600/2,000 images, 80%, 80.0 images/s, 5.0 s left\n",
        "attack: 2,000 images in 25 s (80.0 images/s)\n",
      ])
  }

  @Test("In a terminal one line redraws itself, at most ten times a second")
  func terminal() throws {
    let fake = Fake()
    let stage = fake.reporter(columns: 80).stage("train", total: 10, unit: "epochs")
    for _ in 0..<4 {
      fake.wait(0.0625)  // exact in binary, so that the sums below are
      try stage.advance()
    }
    fake.wait(0.75)
    stage.finish()
    #expect(
      fake.texts == [
        "\rtrain  ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌    0%  0/10 epochs\u{1B}[K",
        "\rtrain  ━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌   20%  2/10 epochs  16.0 epochs/s  0.50 s left\u{1B}[K",
        "\rtrain  ━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌   40%  4/10 epochs  16.0 epochs/s  0.38 s left\u{1B}[K",
        "\rtrain: 4 of 10 epochs in 1.0 s (4.00 epochs/s)\u{1B}[K\n",
      ])
  }

  // 100 of work in 10 s in the first stage, whose other half was left out; then 100 in 20 s.
  @Test(
    "The time left of all stages is their work at the pace so far, and is told as long as others follow"
  )
  func allStages() throws {
    let fake = Fake()
    let reporter = fake.reporter()
    reporter.expect(atLeast: 700)
    reporter.expect(atLeast: 200)
    let first = reporter.stage("first", total: 20, unit: "images", work: 200)
    fake.wait(10)
    try first.advance(by: 20, work: 100)
    first.finish()
    reporter.skip("second", because: "done before", work: 100)
    let third = reporter.stage("third", total: 20, unit: "images", work: 200)
    fake.wait(20)
    try third.advance(by: 10)
    try third.advance(by: 10)
    third.finish()
    let last = reporter.stage("last", total: 2, unit: "units", work: 200)
    fake.wait(10)
    // A tenth of the work in one unit of two.
    try last.advance(planned: 20)
    last.finish()
    #expect(
      fake.texts == [
        "first: 20/20 images, 100%, 2.00 images/s, all stages up to 50 s\n",
        "first: 20 images in 10 s (2.00 images/s)\n",
        "second: done before\n",
        "third: 10/20 images, 50%, 0.500 images/s, 20 s left, all stages up to 50 s\n",
        "third: 20 images in 20 s (1.00 images/s)\n",
        "last: 1/2 units, 50%, 0.100 units/s, 1 min 30 s left\n",
        "last: 1 of 2 units in 10 s (0.100 units/s)\n",
      ])
  }

  @Test("A stage whose work nobody knows says nothing of all stages, nor do others by it")
  func unknownWork() throws {
    let fake = Fake()
    let reporter = fake.reporter()
    reporter.expect(atLeast: 100)
    let first = reporter.stage("first", total: 4, unit: "checks")
    fake.wait(10)
    try first.advance()
    first.finish()
    let second = reporter.stage("second", total: 4, unit: "images", work: 50)
    fake.wait(10)
    try second.advance(by: 2)
    #expect(
      fake.texts == [
        "first: 1/4 checks, 25%, 0.100 checks/s, 30 s left\n",
        "first: 1 of 4 checks in 10 s (0.100 checks/s)\n",
        "second: 2/4 images, 50%, 0.200 images/s, 10 s left, all stages up to 30 s\n",
      ])
  }

  @Test("Where a line is narrow, the time left stays longest")
  func narrowLine() throws {
    for (columns, line) in [
      (60, "first   25%  1/4 images  30 s left  all stages up to 50 s"),
      (50, "first   25%  30 s left  all stages up to 50 s"),
    ] {
      let fake = Fake()
      let reporter = fake.reporter(columns: columns)
      reporter.expect(atLeast: 48)
      let stage = reporter.stage("first", total: 4, unit: "images", work: 32)
      fake.wait(10)
      try stage.advance()
      #expect(fake.texts.last == "\r\(line)\u{1B}[K")
    }
  }

  @Test("A bar is never as wide as the terminal", arguments: [1, 10, 20, 40, 79, 80, 200])
  func narrow(columns: Int) throws {
    let fake = Fake()
    let stage = fake.reporter(columns: columns).stage("wählen λ", total: 3000, unit: "images")
    for _ in 0..<10 {
      fake.wait(60)
      try stage.advance(by: 350)
    }
    #expect(fake.texts.count == 11)
    for text in fake.texts {
      let line = text.dropFirst().dropLast("\u{1B}[K".count)
      #expect(displayWidth(String(line)) < columns)
    }
  }

  @Test("A stage that is dropped by an error leaves the terminal on a line of its own")
  func dropped() {
    let fake = Fake()
    do { _ = fake.reporter(columns: 80).stage("attack", total: 5, unit: "images") }
    #expect(fake.texts.last == "\n")
    let plain = Fake()
    do { _ = plain.reporter().stage("attack", total: 5, unit: "images") }
    #expect(plain.texts.isEmpty)
  }

  @Test("Counts from several threads all arrive")
  func threads() async throws {
    let fake = Fake()
    let stage = fake.reporter().stage("attack", total: 8000, unit: "images")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask { for _ in 0..<1000 { try stage.advance() } }
      }
      try await group.waitForAll()
    }
    fake.wait(2)
    stage.finish()
    #expect(fake.texts == ["attack: 8,000 images in 2.0 s (4,000 images/s)\n"])
  }

  @Test("Work that is asked to end does so at the next advance, which is still shown")
  func interrupted() {
    let asked = Mutex(false)
    let stage = ProgressReporter(
      output: .init(columns: nil) { _ in },
      interruption: Interruption(advice: "go on") { asked.withLock(\.self) }
    ).stage("attack", total: 3, unit: "images")
    #expect(throws: Never.self) { try stage.advance() }
    asked.withLock { $0 = true }
    #expect(throws: Interrupted(advice: "go on")) { try stage.advance() }
    #expect("\(Interrupted(advice: "go on"))" == "interrupted; go on")
  }

  @Test("A stage that needs no work is one line")
  func skipped() {
    let fake = Fake()
    fake.reporter().skip("attack", because: "done\nbefore")
    #expect(fake.texts == ["attack: done before\n"])
  }

  @Test("An empty stage ends at once")
  func empty() {
    let fake = Fake()
    fake.reporter().stage("attack", total: 0, unit: "images").finish()
    #expect(fake.texts == ["attack: 0 images in 0.00 s\n"])
  }

  @Test(
    "Time spans read as a person says them",
    arguments: [
      (0.004, "0.00 s"), (0.42, "0.42 s"), (0.996, "1.0 s"), (9.94, "9.9 s"), (9.96, "10 s"),
      (59.6, "1 min 00 s"), (185, "3 min 05 s"), (3600, "1 h 00 min"),
      (4_000_000, "1,111 h 06 min"),
      (.infinity, "very long"), (-1, "0.00 s"),
    ])
  func spans(seconds: Double, text: String) {
    #expect(duration(seconds) == text)
  }
}
