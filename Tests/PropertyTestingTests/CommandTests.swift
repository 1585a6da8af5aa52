import PropertyChecks
import PropertyTesting
import Synchronization
import Testing

/// A queue in a ring of places.
private struct RingQueue {
  enum Fault: CaseIterable {
    case none
    /// There is a place too few behind the last one.
    case wrapsLate
    /// Once the ring was full, the first is read where the last was written.
    case forgetsHead
    /// A full queue takes one more, over the first.
    case overwrites
  }

  private var places: [Int]
  private var head = 0
  private(set) var count = 0
  private let fault: Fault

  init(capacity: Int, fault: Fault) {
    places = Array(repeating: 0, count: capacity)
    self.fault = fault
  }

  mutating func enqueue(_ number: Int) -> Bool {
    guard count < places.count || fault == .overwrites else { return false }
    var place = head + count
    if place >= places.count { place = fault == .wrapsLate ? 0 : place % places.count }
    places[place] = number
    count = min(count + 1, places.count)
    if fault == .forgetsHead, count == places.count { head = place }
    return true
  }

  mutating func dequeue() -> Int? {
    guard count > 0 else { return nil }
    defer {
      head = (head + 1) % places.count
      count -= 1
    }
    return places[head]
  }
}

private enum QueueCommand: Command, Equatable {
  case dequeue
  case enqueue(Int)

  enum Response: Equatable {
    case taken(Bool)
    case given(Int?)
  }

  static let capacity = 3
  static let all = [dequeue, enqueue(0), enqueue(1)]

  static func any(in model: [Int]) -> Generator<QueueCommand> {
    .oneOf(.always(.dequeue), Generator<Int>.integer(in: 0...9).map { .enqueue($0) })
  }

  func run(onModel model: inout [Int]) -> Response {
    switch self {
    case .dequeue: return .given(model.isEmpty ? nil : model.removeFirst())
    case .enqueue(let number):
      let hasRoom = model.count < Self.capacity
      if hasRoom { model.append(number) }
      return .taken(hasRoom)
    }
  }

  func run(on queue: inout RingQueue) -> Response {
    switch self {
    case .dequeue: .given(queue.dequeue())
    case .enqueue(let number): .taken(queue.enqueue(number))
    }
  }

  struct WrongCount: Error {}
  static func verify(_ queue: RingQueue, against model: [Int]) throws {
    if queue.count != model.count { throw WrongCount() }
  }
}

/// A cache of two entries in front of a slow store, written back when an entry has to make room.
private struct Cache {
  enum Fault: CaseIterable {
    case none
    /// An entry that is read counts as written back: the update is lost.
    case readCleans
    /// An entry that is changed while it is in the cache is not written back.
    case losesUpdate
    /// Flushing empties the cache without writing.
    case flushDrops
  }

  private var store: [Int: Int] = [:]
  /// The entry that was used least recently comes first.
  private var entries: [(key: Int, value: Int, isChanged: Bool)] = []
  private let fault: Fault

  init(fault: Fault) { self.fault = fault }

  private mutating func makeRoom() {
    guard entries.count == 2 else { return }
    let first = entries.removeFirst()
    if first.isChanged { store[first.key] = first.value }
  }

  mutating func read(_ key: Int) -> Int {
    if let place = entries.firstIndex(where: { $0.key == key }) {
      var entry = entries.remove(at: place)
      if fault == .readCleans { entry.isChanged = false }
      entries.append(entry)
      return entry.value
    }
    makeRoom()
    let value = store[key, default: 0]
    entries.append((key, value, false))
    return value
  }

  mutating func write(_ key: Int, _ value: Int) {
    var isChanged = true
    if let place = entries.firstIndex(where: { $0.key == key }) {
      let before = entries.remove(at: place)
      if fault == .losesUpdate { isChanged = before.isChanged }
    } else {
      makeRoom()
    }
    entries.append((key, value, isChanged))
  }

  mutating func flush() {
    if fault != .flushDrops { for entry in entries { store[entry.key] = entry.value } }
    entries = []
  }
}

private enum CacheCommand: Command, Equatable {
  case flush
  case read(Int)
  case write(Int, Int)

  static let all = [flush] + (0...2).map { read($0) } + (0...2).map { write($0, 1) }

  static func any(in model: [Int: Int]) -> Generator<CacheCommand> {
    let (key, value) = (Generator<Int>.integer(in: 0...3), Generator<Int>.integer(in: 0...9))
    return .oneOf(
      .always(.flush), key.map { .read($0) },
      key.flatMap { key in value.map { .write(key, $0) } })
  }

  func run(onModel model: inout [Int: Int]) -> Int? {
    switch self {
    case .flush: return nil
    case .read(let key): return model[key, default: 0]
    case .write(let key, let value):
      model[key] = value
      return nil
    }
  }

  func run(on cache: inout Cache) -> Int? {
    switch self {
    case .flush: cache.flush()
    case .read(let key): return cache.read(key)
    case .write(let key, let value): cache.write(key, value)
    }
    return nil
  }
}

/// A door that may only be closed when it is open; the model is whether it is.
private enum DoorCommand: Command {
  case open
  case close

  static func any(in model: Bool) -> Generator<DoorCommand> { .element(of: [.open, .close]) }
  func isAllowed(in isOpen: Bool) -> Bool { isOpen == (self == .close) }
  func run(onModel isOpen: inout Bool) -> Int {
    isOpen.toggle()
    return 0
  }
  /// Creaks when it is closed for the third time.
  func run(on closings: inout Int) -> Int {
    if self == .close { closings += 1 }
    return closings == 3 ? 1 : 0
  }
}

@Suite("Sequences of commands find what no single call shows, and shrink to the shortest story")
struct CommandTests {
  /// What the fault shrinks to, from ten seeds.
  private func shrunk<C: Command>(
    from start: C.Model, _ run: @escaping @Sendable (CommandSequence<C>) async throws -> Void
  ) async -> Set<String> {
    var results: Set<String> = []
    for seed in 0..<10 as Range<UInt64> {
      var settings = PropertySettings()
      settings.seed = seed
      settings.cases = 300
      let report = await runProperty("p", .commands(from: start), settings: settings, run)
      results.insert(report.counterexample?.shrunk.first ?? "\(report.outcome)")
    }
    return results
  }

  /// All shortest sequences that fail, by trying all there are in the order of their lengths.
  private func shortest<C: Command>(
    of commands: [C], from start: C.Model, upTo count: Int, _ makeSystem: () -> C.System
  ) async -> Set<String> {
    var sequences: [[C]] = [[]]
    for _ in 0...count {
      var failing: Set<String> = []
      for commands in sequences {
        let sequence = CommandSequence(commands, from: start)
        var system = makeSystem()
        do { try await sequence.run(on: &system) } catch {
          failing.insert(sequence.debugDescription)
        }
      }
      if !failing.isEmpty { return failing }
      sequences = sequences.flatMap { sequence in commands.map { sequence + [$0] } }
    }
    return []
  }

  private static let queueStories: [RingQueue.Fault: String] = [
    // The ring has to be read twice, and be full beyond its end.
    .wrapsLate:
      ".enqueue(0), .dequeue, .enqueue(0), .dequeue, "
      + ".enqueue(0), .enqueue(0), .enqueue(1), .dequeue, .dequeue",
    .forgetsHead: ".enqueue(0), .enqueue(0), .enqueue(1), .dequeue",
    .overwrites: ".enqueue(0), .enqueue(0), .enqueue(0), .enqueue(0)",
  ]

  private static let cacheStories: [Cache.Fault: String] = [
    .readCleans: ".write(0, 1), .read(0), .read(1), .read(2), .read(0)",
    .losesUpdate: ".read(0), .write(0, 1), .read(1), .read(2), .read(0)",
    .flushDrops: ".write(0, 1), .flush, .read(0)",
  ]

  @Test("A ring that is a queue passes, and each fault has a shortest story")
  func queue() async {
    for fault in RingQueue.Fault.allCases {
      @Sendable func makeQueue() -> RingQueue {
        RingQueue(capacity: QueueCommand.capacity, fault: fault)
      }
      let found = await shrunk(from: []) { (commands: CommandSequence<QueueCommand>) in
        var queue = makeQueue()
        try await commands.run(on: &queue)
      }
      let shortest = await shortest(
        of: QueueCommand.all, from: [], upTo: fault == .none ? 5 : 9, makeQueue)
      #expect(
        found == (fault == .none ? ["passed"] : ["[\(Self.queueStories[fault, default: ""])]"]))
      #expect(fault == .none ? shortest.isEmpty : found.isSubset(of: shortest), "\(fault)")
    }
  }

  @Test("A cache in front of a store passes, and each fault has a shortest story")
  func cache() async {
    for fault in Cache.Fault.allCases {
      let found = await shrunk(from: [:]) { (commands: CommandSequence<CacheCommand>) in
        var cache = Cache(fault: fault)
        try await commands.run(on: &cache)
      }
      let shortest = await shortest(of: CacheCommand.all, from: [:], upTo: 5) {
        Cache(fault: fault)
      }
      #expect(
        found == (fault == .none ? ["passed"] : ["[\(Self.cacheStories[fault, default: ""])]"]))
      #expect(fault == .none ? shortest.isEmpty : found.isSubset(of: shortest), "\(fault)")
    }
  }

  @Test("What is not allowed is never given, also where shrinking has left out what would allow it")
  func preconditions() async {
    let found = await shrunk(from: false) { (commands: CommandSequence<DoorCommand>) in
      var closings = 0
      try await commands.run(on: &closings)
    }
    #expect(found == ["[.open, .close, .open, .close, .open, .close]"])
  }

  @Test("Every number of commands is as likely as the others")
  func counts() async {
    let counts = Mutex<[Int: Int]>([:])
    await check("the range is kept", .commands(from: [], count: 2...6), cases: 2_000) {
      (commands: CommandSequence<QueueCommand>) in
      counts.withLock { $0[commands.commands.count, default: 0] += 1 }
    }
    let found = counts.withLock { counts in (0...8).map { counts[$0, default: 0] } }
    expect(.frequencies(found, are: [0, 0, 0.2, 0.2, 0.2, 0.2, 0.2, 0, 0]))
  }

  /// Answers as it likes, and counts to one too many.
  private struct Odd: Command {
    enum Refusal: Error { case tooMany }
    let text: String

    static func any(in model: Int) -> Generator<Odd> {
      Generator<String>.string().map { Odd(text: $0) }
    }
    func isAllowed(in model: Int) -> Bool { text != "never" }
    func run(onModel model: inout Int) -> String? {
      model += 1
      return "a"
    }
    func run(on system: inout Int) throws -> String? {
      system += 1
      return text == "nothing" ? nil : "a"
    }
    static func verify(_ system: Int, against model: Int) throws {
      if system != model || system > 2 { throw Refusal.tooMany }
    }
  }

  @Test("A failure says which command it was, what was answered, and what the model answers")
  func failures() async throws {
    func failure(_ texts: String...) async -> String {
      var system = 0
      do {
        let model = try await CommandSequence(texts.map { Odd(text: $0) }, from: 0).run(on: &system)
        return "\(model)"
      } catch { return "\(error)" }
    }
    #expect(await failure("x", "y") == "2")
    #expect(await failure() == "0")
    #expect(
      await failure("x", "nothing") == "Odd answers `nil`, the model `\"a\"` (command 2 of 2)")
    #expect(await failure("never", "x") == "Odd is not allowed (command 1 of 2)")
    #expect(await failure("x", "y", "z") == "tooMany")
    // An invariant that does not hold of a new system shows before the first command.
    var system = 1
    await #expect(throws: Odd.Refusal.self) {
      try await CommandSequence<Odd>([], from: 0).run(on: &system)
    }
  }

  /// What can stand in a command.
  private indirect enum Shown: Equatable {
    case none
    case one(Int)
    case named(count: Int)
    case two(String, at: [Float])
    case inner(Shown?)
  }

  @Test("Commands print as source that can be pasted")
  func pasteable() async {
    func printed(_ value: Shown) async -> String? {
      await runProperty("p", .always(value)) { (_: Shown) in throw Odd.Refusal.tooMany }
        .counterexample?.shrunk.first
    }
    #expect(await printed(.none) == ".none")
    #expect(await printed(.one(-1)) == ".one(-1)")
    #expect(await printed(.named(count: 2)) == ".named(count: 2)")
    #expect(await printed(.two("a\"b", at: [.nan])) == #".two("a\"b", at: [Float.nan])"#)
    #expect(await printed(.inner(.one(3))) == ".inner(.one(3))")
    #expect(await printed(.inner(nil)) == ".inner(nil)")
  }
}
