import Foundation

/// A process of its own that is spoken to over its standard input and output, and whose last words on
/// standard error are kept. It lives as long as the value.
///
/// Its shell leads a process group, so that all that the command started can be ended with it.
struct ChildProcess: ~Copyable {
  private let process: pid_t
  /// Its standard input; −1 once it is closed.
  private var input: Int32
  private let output: Int32
  private let error: Int32
  private var errorIsOpen = true
  /// How it ended; nil as long as nobody has looked.
  private var ending: String?
  /// The question that is being sent, and how much of it is.
  private var question: [UInt8] = []
  private var sent = 0
  private var limit = Duration.zero
  private var deadline = ContinuousClock.now
  /// The end of what it wrote to standard error.
  private var lastBytes: [UInt8] = []

  /// Bytes of standard error that are kept.
  private static let kept = 4096
  /// What a pipe should hold: a question of some hundred images goes in at once.
  private static let pipeSize: Int32 = 1 << 20
  /// How long a process may take to end after nobody listens to it any more.
  private static let grace = Duration.seconds(2)

  /// Starts a command of the shell.
  init(_ command: String) throws(ProcessProblem) {
    var pipes: [Int32] = []
    func fail(_ code: Int32) -> ProcessProblem {
      for descriptor in pipes { close(descriptor) }
      return .start(String(cString: strerror(code)))
    }
    for _ in 0..<3 {
      var pair: [Int32] = [0, 0]
      guard pipe(&pair) == 0 else { throw fail(errno) }
      for descriptor in pair { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
      pipes += pair
    }
    let (its, ours) = ([pipes[0], pipes[3], pipes[5]], [pipes[1], pipes[2], pipes[4]])
    for descriptor in ours { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
    // F_SETPIPE_SZ, which the C library hides; a smaller pipe only takes more turns.
    for descriptor in ours.prefix(2) { _ = fcntl(descriptor, 1031, Self.pipeSize) }

    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    for (place, descriptor) in its.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(place))
    }
    var (none, pipeSignal) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    sigemptyset(&pipeSignal)
    sigaddset(&pipeSignal, SIGPIPE)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &pipeSignal)
    posix_spawnattr_setflags(
      &attributes,
      Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let words = ["sh", "-c", command]
    var arguments = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    let code = posix_spawn(&process, "/bin/sh", &actions, &attributes, &arguments, environ)
    guard code == 0 else { throw fail(code) }
    for descriptor in its { close(descriptor) }
    self.process = process
    (input, output, error) = (ours[0], ours[1], ours[2])
  }

  deinit {
    for descriptor in [input, output, error] where descriptor >= 0 { close(descriptor) }
    if ending == nil { _ = Self.end(of: process) }
  }

  /// The last lines of standard error, on one line.
  mutating func lastLines() -> String {
    listen()
    let lines = lastBytes.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
    return lines.map { oneLine($0) }.filter { !$0.isEmpty }.suffix(3).joined(separator: " / ")
      .suffix(600).description
  }

  // MARK: Speaking

  /// Begins to ask a question, whose answer `read` then waits for.
  mutating func ask(_ question: [UInt8], within limit: Duration) throws(ProcessProblem) {
    guard sent == self.question.count else { throw .early }
    self.question = question
    sent = 0
    self.limit = limit
    deadline = .now + limit
    flush()
  }

  /// Sends what the pipe takes.
  private mutating func flush() {
    while sent < question.count {
      let (written, reason) = question.withUnsafeBytes { bytes in
        Self.write(input, UnsafeRawBufferPointer(rebasing: bytes[sent...]))
      }
      if written > 0 {
        sent += written
      } else if reason == EPIPE {
        // It listens no more; what it still says, or that it ended, tells why.
        sent = question.count
      } else if reason != EINTR {
        return
      }
    }
  }

  /// Writes without the signal that a closed pipe sends, which would end this program.
  private static func write(
    _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer
  ) -> (count: Int, reason: Int32) {
    var (blocked, before) = (sigset_t(), sigset_t())
    sigemptyset(&blocked)
    sigaddset(&blocked, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &blocked, &before)
    let count = Foundation.write(descriptor, bytes.baseAddress, bytes.count)
    let reason = count < 0 ? errno : 0
    if reason == EPIPE {
      var atOnce = timespec()
      sigtimedwait(&blocked, nil, &atOnce)
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
    return (count, reason)
  }

  /// Waits until there is something to do, and takes what there is of standard error.
  private mutating func wait() throws(ProcessProblem) {
    let left = deadline - .now
    guard left > .zero else {
      kill(-process, SIGKILL)
      finish()
      throw .silent(limit: limit)
    }
    func descriptor(_ number: Int32, _ events: Int32, if isWanted: Bool = true) -> pollfd {
      pollfd(fd: isWanted ? number : -1, events: Int16(events), revents: 0)
    }
    var all = [
      descriptor(output, POLLIN), descriptor(error, POLLIN, if: errorIsOpen),
      descriptor(input, POLLOUT, if: sent < question.count),
    ]
    poll(&all, nfds_t(all.count), Int32(min(left / .milliseconds(1) + 1, 1e9)))
    if all[1].revents != 0 { listen() }
    if all[2].revents != 0 { flush() }
  }

  /// Takes what there is of standard error.
  private mutating func listen() {
    var buffer = [UInt8](repeating: 0, count: Self.kept)
    while errorIsOpen {
      let count = Foundation.read(error, &buffer, buffer.count)
      if count > 0 {
        lastBytes = (lastBytes + buffer.prefix(count)).suffix(Self.kept)
      } else if count == 0 {
        errorIsOpen = false
      } else if errno != EINTR {
        return
      }
    }
  }

  // MARK: Ending

  /// Lets the process end, hears its last words and says how it ended.
  @discardableResult
  mutating func finish() -> String {
    if let ending { return ending }
    close(input)
    input = -1
    sent = question.count
    deadline = .now + Self.grace
    while errorIsOpen, deadline > .now {
      var one = pollfd(fd: error, events: Int16(POLLIN), revents: 0)
      poll(&one, 1, Int32(max(1, (deadline - .now) / .milliseconds(1))))
      listen()
    }
    let how = Self.end(of: process)
    ending = how
    return how
  }

  /// Waits a while for the end of a process, and then ends it.
  private static func end(of process: pid_t) -> String {
    var status: Int32 = 0
    let deadline = ContinuousClock.now + grace
    var found = waitpid(process, &status, WNOHANG)
    while found == 0, .now < deadline {
      usleep(1000)
      found = waitpid(process, &status, WNOHANG)
    }
    if found == 0 {
      kill(-process, SIGKILL)
      waitpid(process, &status, 0)
      return "closed its standard output"
    }
    // What the command left running would go on for nobody.
    kill(-process, SIGKILL)
    let signal = status & 0x7F
    return signal == 0
      ? "ended with status \(status >> 8 & 0xFF)"
      : "was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
  }
}

extension ChildProcess: ByteSource {
  mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(ProcessProblem) {
    var filled = 0
    while filled < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
      let count = Foundation.read(output, rest.baseAddress, rest.count)
      if count > 0 {
        filled += count
      } else if count == 0 {
        throw .ended(finish())
      } else if errno == EAGAIN {
        try wait()
      } else if errno != EINTR {
        throw .ended("cannot be read: \(String(cString: strerror(errno)))")
      }
    }
  }

  mutating func rest(atMost count: Int) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: count)
    let found = Foundation.read(output, &buffer, count)
    listen()
    return Array(buffer.prefix(max(found, 0)))
  }
}
