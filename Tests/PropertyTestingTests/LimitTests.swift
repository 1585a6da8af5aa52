import PropertyTesting
import Synchronization
import Testing

private struct Fault: Error {}

@Suite("What the engine did not do is said")
struct LimitTests {
  @Test("shrinking that ends for want of attempts says so, and only then")
  func cutShort() async throws {
    func found(_ attempts: Int) async throws -> PropertyReport {
      var settings = PropertySettings()
      settings.shrinkAttempts = attempts
      settings.cases = 1_000
      return await runProperty("p", .array(of: .integer()), settings: settings) { (list: [Int]) in
        if Set(list).count > 2 { throw Fault() }
      }
    }
    let cut = try await found(5)
    #expect(cut.counterexample?.isCutShort == true && cut.counterexample?.attempts == 5)
    #expect("\(cut)".contains("\nshrinking ended after 5 attempts"))
    let whole = try await found(5_000)
    #expect(
      whole.counterexample?.isCutShort == false && whole.counterexample?.shrunk == ["[0, 1, 2]"])
    #expect(!"\(whole)".contains("shrinking ended"))
    // Who asks for none knows.
    #expect(try await found(0).counterexample?.isCutShort == false)
  }

  @Test("lists of a wide range are long as often as short")
  func wide() async {
    let counts = Mutex<[Int]>([])
    _ = await runProperty("p", .array(of: .bool, count: 0...5_000)) { (list: [Bool]) in
      counts.withLock { $0.append(list.count) }
    }
    let sorted = counts.withLock { $0.sorted() }
    #expect(sorted[50] > 5 && sorted[0] <= 2 && sorted[99] > 100)
  }

  @Test("arguments that may be anything are named, and no other")
  func free() async {
    func free(_ holds: @escaping @Sendable (Int, Bool, [Int]) -> Bool) async -> PropertyReport {
      await runProperty("p", .integer(in: 0...999), .bool, .array(of: .integer())) {
        (n: Int, flag: Bool, list: [Int]) in if !holds(n, flag, list) { throw Fault() }
      }
    }
    let first = await free { n, _, _ in n < 100 }
    #expect(first.counterexample?.shrunk == ["100", "false", "[]"])
    #expect(first.counterexample?.free == [1, 2])
    #expect("\(first)".contains("\nmay be anything: argument 2, 3\n"))
    #expect(await free { n, _, list in n < list.count + 100 }.counterexample?.free == [1])
    let any = await free { _, _, _ in false }
    #expect(any.counterexample?.free == [0, 1, 2])
    #expect("\(any)".contains("\nevery argument may be anything, by itself\n"))
    #expect(
      await free { n, flag, list in n < 100 || flag || !list.isEmpty }.counterexample?.free == [])
  }
}
