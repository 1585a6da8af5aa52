import CPUFeatures
import Synchronization

/// A loop whose indices threads share out: a room that they enter while its door is open.
///
/// The thread that began it shuts the door when no index is left, and waits only for those inside: a worker that
/// sleeps, or that the system has given no processor, holds nobody up.
///
/// Sendable by hand: `body` and `count` are written only while the door is shut and nobody is inside, and read
/// only by those inside and by the thread that writes them.
final class SharedLoop: @unchecked Sendable {
  /// The loop's number in the upper bits, whether the door is open, how many are inside.
  private let room = Atomic(0)
  private static let open = 1 << 16
  private static let insideMask = open - 1
  private static let numberShift = 17
  /// Indices that are left to be taken; negative once threads have asked in vain.
  private let left = Atomic(0)
  private var body: (@Sendable (Int) -> Void)?
  private var count = 0

  /// What `isOpen` and `number` tell of.
  var state: Int { room.load(ordering: .sequentiallyConsistent) }
  static func isOpen(_ state: Int) -> Bool { state & open != 0 }
  static func number(_ state: Int) -> Int { state >> numberShift }

  /// Whether nobody is inside, but for the thread that began the loop.
  var isEmpty: Bool { state & Self.insideMask == 0 }

  /// Threads that are inside, with the one that began the loop while it takes indices.
  var workingThreads: Int {
    let state = state
    return state & Self.insideMask + (Self.isOpen(state) ? 1 : 0)
  }

  /// Whether an index is left.
  var hasIndices: Bool { left.load(ordering: .relaxed) > 0 }

  /// Whether the calling thread is inside the body of this loop, and in no loop inside that.
  var isWorkOfThisThread: Bool { thread_work() == address }

  private var address: UnsafeRawPointer {
    UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
  }

  /// Begins the next loop and opens the door.
  func open(count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    self.body = body
    self.count = count
    left.store(count, ordering: .relaxed)
    let number = Self.number(room.load(ordering: .relaxed)) &+ 1
    room.store(number << Self.numberShift | Self.open, ordering: .sequentiallyConsistent)
  }

  func shut() { room.subtract(Self.open, ordering: .sequentiallyConsistent) }

  /// Lets go of the body, once the door is shut and nobody is inside.
  func clear() { body = nil }

  /// Enters unless the door is shut or, if a number is given, the loop is another.
  func enter(number: Int? = nil) -> Bool {
    var present = state
    while Self.isOpen(present), number == nil || number == Self.number(present) {
      let attempt = room.compareExchange(
        expected: present, desired: present + 1, ordering: .sequentiallyConsistent)
      if attempt.exchanged { return true }
      present = attempt.original
    }
    return false
  }

  /// Leaves; whether the door is shut and nobody is left inside.
  func leave() -> Bool {
    let state = room.subtract(1, ordering: .sequentiallyConsistent).newValue
    return state & (Self.open | Self.insideMask) == 0
  }

  /// Calls the body with indices that nobody has taken yet, in rising order, until none is left.
  func takeIndices() {
    guard let body else { return }
    let before = thread_work()
    set_thread_work(address)
    while true {
      let left = left.subtract(1, ordering: .relaxed).oldValue
      guard left > 0 else { break }
      body(count - left)
    }
    set_thread_work(before)
  }
}
