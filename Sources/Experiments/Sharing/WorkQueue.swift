import Dispatch
import Foundation
import Reporting
import Synchronization

/// Units of work that processes share out among themselves through a folder, on however many machines see it.
///
/// There is no server, no lock and no clock that two machines would have to agree on. A process claims unit 7 by
/// creating the file `7.1`, which a file system lets one process do only. While it works it lengthens that file
/// now and then; when the unit's results are kept it creates `7.done`, and where it gives the unit back, `7.1.left`.
/// Others see whether a claim still grows. One that has not for as long as the lease, by the onlooker's own
/// clock, is taken over by creating `7.2`. So a process that dies, or whose machine does, costs the others a lease and
/// nothing else. One that was only slow may be taken for dead; then a unit is measured twice, which has to
/// do no harm: what is kept of it must be the same both times.
///
/// It asks of the file system that one process alone succeeds in creating a file, and that a file which was closed on
/// one machine is seen by those that open it afterwards on another: what NFS promises. What a listing of the
/// folder says may be old.
package final class WorkQueue: Sendable {
  /// A unit that this process has, to be worked on.
  package struct Claim: Sendable, Hashable {
    /// The unit, from 0.
    package var unit: Int
    /// How often it has been claimed, this time included.
    package var number: Int

    package init(unit: Int, number: Int) {
      self.unit = unit
      self.number = number
    }
  }

  /// What time is, so that tests need not spend it.
  package struct Clock: Sendable {
    /// Seconds since any fixed moment, never going back.
    package var now: @Sendable () -> Double
    /// Lets so many seconds pass.
    package var wait: @Sendable (Double) -> Void

    package init(now: @escaping @Sendable () -> Double, wait: @escaping @Sendable (Double) -> Void)
    {
      self.now = now
      self.wait = wait
    }

    /// That of this machine.
    package static let monotonic = Clock(
      now: monotonicSeconds, wait: { Thread.sleep(forTimeInterval: $0) })
  }

  /// The folder of the claims.
  private let folder: URL
  /// The number of units.
  package let count: Int
  /// What a claim's file says of who made it, for a person.
  private let holder: String
  /// The unit to begin with, so that many processes do not begin with the same.
  private let first: Int
  /// Seconds after which a claim that has not grown is taken over.
  package let lease: Double
  private let clock: Clock
  private let state: Mutex<State>

  private struct State {
    var done: Set<Int> = []
    /// The last claim of every unit that is known to have one.
    var claims: [Int: Claim] = [:]
    /// Claims that were given back.
    var left: Set<Claim> = []
    /// Claims of this process.
    var held: Set<Claim> = []
    /// Other processes' claims: their sizes when last looked at, and since when they have had them.
    var watched: [Claim: (size: Int, since: Double)] = [:]
    /// When the folder was last read.
    var looked = 0.0
  }

  /// A queue of `count` units.
  ///
  /// - Parameters:
  ///   - folder: where the claims of these units are, and those of no others.
  ///   - holder: who this process is.
  ///   - first: the unit to begin with; taken modulo the number of units.
  ///   - lease: seconds.
  /// - Throws: `FileWriteError` if the folder cannot be created.
  package init(
    _ folder: URL, count: Int, holder: String, beginningWith first: Int, lease: Double,
    clock: Clock = .monotonic
  ) throws {
    self.folder = folder
    self.count = count
    self.holder = holder
    self.first = count == 0 ? 0 : first % count
    self.lease = lease
    self.clock = clock
    state = Mutex(State())
    try AtomicFile.createFolder(of: folder.appending(path: "0.1"))
    state.withLock { look(&$0) }
  }

  /// The units that were done when the folder was last looked at.
  package var done: Set<Int> { state.withLock { $0.done } }

  /// A unit for this process to work on; nil once all are done, by whomever. Waits while others
  /// have all that are left.
  ///
  /// - Parameter waiting: called now and then while it waits; what it throws ends the wait.
  /// - Throws: `FileWriteError` if no claim can be made.
  package func take(waiting: () throws -> Void = {}) throws -> Claim? {
    while true {
      let (claim, isOver) = try state.withLock { state in
        (try claimed(&state), state.done.count == count)
      }
      if let claim { return claim }
      if isOver { return nil }
      try waiting()
      // A thread beside this one may be done at any moment; others' folder is not asked that often.
      clock.wait(min(0.05, lease / 8))
      state.withLock { state in
        if clock.now() - state.looked >= min(1, lease / 8) { look(&state) }
      }
    }
  }

  /// Says that a unit's results are kept.
  ///
  /// - Throws: `FileWriteError`.
  package func finish(_ claim: Claim) throws { try finish(claim.unit) }

  /// Says that a unit's results are kept, whoever had it.
  ///
  /// - Throws: `FileWriteError`.
  package func finish(_ unit: Int) throws {
    try create("\(unit).done")
    state.withLock { state in
      state.done.insert(unit)
      state.held = state.held.filter { $0.unit != unit }
    }
  }

  /// Lets others have a unit at once.
  ///
  /// - Throws: `FileWriteError`.
  package func giveBack(_ claim: Claim) throws {
    state.withLock { _ = $0.held.remove(claim) }
    try create(name(claim) + ".left")
  }

  /// Takes back what was said of a unit whose results turn out not to be there.
  ///
  /// - Throws: `FileWriteError`.
  package func reopen(_ unit: Int) throws {
    let claim = state.withLock { state -> Claim? in
      state.done.remove(unit)
      return state.claims[unit]
    }
    if let claim { try create(name(claim) + ".left") }
    let path = path("\(unit).done")
    if unlink(path) != 0, errno != ENOENT { throw FileWriteError(path: path, code: errno) }
    state.withLock { look(&$0) }
  }

  /// Shows that this process is alive. What cannot be written is no reason to stop: others then take the unit
  /// over, and measure the same.
  package func renew() {
    for claim in state.withLock({ $0.held }) {
      let descriptor = open(path(name(claim)), O_WRONLY | O_APPEND | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      _ = Array(".".utf8).withUnsafeBytes { writeAll($0, to: descriptor) }
      close(descriptor)
    }
  }

  /// Renews the claims from time to time while `body` runs.
  package func renewing<Result>(_ body: () throws -> Result) rethrows -> Result {
    let timer = DispatchSource.makeTimerSource(queue: .global())
    timer.schedule(deadline: .now() + lease / 6, repeating: lease / 6)
    timer.setEventHandler { [weak self] in self?.renew() }
    timer.resume()
    defer { timer.cancel() }
    return try body()
  }

  // MARK: Files

  private func name(_ claim: Claim) -> String { "\(claim.unit).\(claim.number)" }

  private func path(_ name: String) -> String {
    folder.appending(path: name).path(percentEncoded: false)
  }

  /// Creates a file, or leaves it as it is.
  private func create(_ name: String) throws(FileWriteError) {
    let descriptor = open(path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileWriteError(path: path(name), code: errno) }
    close(descriptor)
  }

  /// Creates a claim's file, unless it is there.
  ///
  /// - Returns: whether this process has created it.
  private func make(_ claim: Claim) throws(FileWriteError) -> Bool {
    let path = path(name(claim))
    guard let descriptor = try AtomicFile.create(path) else { return false }
    defer { close(descriptor) }
    let code = Array("\(holder)\n".utf8).withUnsafeBytes { writeAll($0, to: descriptor) }
    if let code {
      unlink(path)
      throw FileWriteError(path: path, code: code)
    }
    return true
  }

  /// Reads the folder.
  private func look(_ state: inout State) {
    state.looked = clock.now()
    let names = try? FileManager.default.contentsOfDirectory(
      atPath: folder.path(percentEncoded: false))
    for name in names ?? [] {
      let parts = name.split(separator: ".", omittingEmptySubsequences: false)
      guard let unit = Int(parts[0]), 0..<count ~= unit else { continue }
      if parts.dropFirst() == ["done"] {
        state.done.insert(unit)
      } else if parts.count >= 2, let number = Int(parts[1]), number >= 1,
        parts.count == 2 || parts.dropFirst(2) == ["left"]
      {
        let claim = Claim(unit: unit, number: number)
        if state.claims[unit].map({ $0.number < number }) ?? true { state.claims[unit] = claim }
        if parts.count == 3 { state.left.insert(claim) }
      }
    }
  }

  // MARK: Choosing

  /// The next unit that nobody has; else one whose holder shows no life; nil if there is neither.
  private func claimed(_ state: inout State) throws -> Claim? {
    // A listing may be old, and others are at it too: after so many disappointments it is read again.
    var patience = 8
    for looksForDead in [false, true] {
      for place in 0..<count {
        let unit = (first + place) % count
        guard !state.done.contains(unit) else { continue }
        let last = state.claims[unit]
        if let last, !state.left.contains(last) {
          guard looksForDead, !state.held.contains(last), !isAlive(last, &state) else { continue }
        }
        let claim = Claim(unit: unit, number: (last?.number ?? 0) + 1)
        state.claims[unit] = claim
        if try make(claim) {
          // What was done a moment ago may not have been in the listing.
          if access(path("\(unit).done"), F_OK) == 0 {
            state.done.insert(unit)
            continue
          }
          state.held.insert(claim)
          return claim
        }
        patience -= 1
        if patience == 0 {
          look(&state)
          patience = 8
        }
      }
    }
    return nil
  }

  /// Whether a claim has grown within the last lease, or may have: nobody is taken for dead at first sight.
  private func isAlive(_ claim: Claim, _ state: inout State) -> Bool {
    let now = clock.now()
    // Opened, as only then a file system that several machines share has to say how long it is now.
    let descriptor = open(path(name(claim)), O_RDONLY | O_CLOEXEC)
    var status = stat()
    let size = descriptor >= 0 && fstat(descriptor, &status) == 0 ? Int(status.st_size) : -1
    if descriptor >= 0 { close(descriptor) }
    guard let seen = state.watched[claim], seen.size == size else {
      state.watched[claim] = (size, now)
      return true
    }
    return now - seen.since < lease
  }
}
