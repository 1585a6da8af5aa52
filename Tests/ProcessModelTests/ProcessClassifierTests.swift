import Classification
import Foundation
import ProcessModel
import Statistics
import Synchronization
import TestSupport
import Testing

private let shape = ImageShape(channels: 1, height: 4, width: 4)

@Suite("Models that a process answers for")
struct ProcessClassifierTests {
  private func images(_ count: Int) throws -> Pixels {
    var stream = RandomStream(RandomKey(seed: 7, purpose: .test))
    return try Pixels(
      Tensor((0..<count * 16).map { _ in stream.uniform() as Float }, shape: [count, 1, 4, 4]))
  }

  private func draws(_ examples: some Sequence<Int>, step: Int = 0) -> Draws {
    Draws(seed: 3, purpose: .test, examples: Array(examples), step: step)
  }

  /// The classifier of a program that begins with `import process_model`.
  private func withProgram<Result>(
    _ program: String, limit: Duration = .seconds(60),
    _ body: (ProcessClassifier) throws -> Result
  ) throws -> Result {
    try withTemporaryFolder { folder in
      try body(
        ProcessClassifier(command: PythonModel.command(program, in: folder), limit: limit))
    }
  }

  /// How a program in any language ends that answers the hello with a model of 1×4×4 images and 3 classes,
  /// and the second question with `answer`. What is done `beforehand` is done before the hello is answered.
  private func problem(
    _ answer: String, beforehand: String = "pass", limit: Duration = .seconds(60)
  ) throws -> (problem: ProcessProblem, lastLines: String) {
    let program = """
      import os, struct, sys
      def take(count):
          data = b""
          while len(data) < count:
              data += os.read(0, count - len(data))
          return data
      def question():
          magic, kind, length = struct.unpack("<4sIQ", take(16))
          return kind, take(length)
      def say(kind, payload, length=None):
          length = len(payload) if length is None else length
          os.write(1, struct.pack("<4sIQ", b"\\x93MIP", kind, length) + payload)
      question()
      \(beforehand)
      say(1, struct.pack("<8I", 1, 2, 1, 4, 4, 3, 64, 1) + struct.pack("<I3sI", 3, b"toy", 0))
      print("first line\\n\\nsecond line\\nlast line", file=sys.stderr, flush=True)
      \(answer)
      """
    return try withTemporaryFolder { folder in
      let file = folder.appending(path: "program.py")
      try Data(program.utf8).write(to: file)
      let classifier = try ProcessClassifier(
        command: PythonModel.command(running: file, in: folder), limit: limit)
      #expect(classifier.model.name == "toy")
      let error = try #require(
        #expect(throws: ProcessModelError.self) {
          _ = try classifier.logits(of: images(2), draws: draws(0..<2))
        })
      return (error.problem, error.lastLines)
    }
  }

  // MARK: Answers

  private static let mlp = """
    def load(name, *shape):
        return np.fromfile(name, "<f4").reshape(shape)
    first, bias, second = load("first", 12, 16), load("bias", 12), load("second", 3, 12)
    def model(images, seeds, tracked):
        hidden = np.tanh(images.reshape(-1, 16) @ first.T + bias)
        return hidden @ second.T, lambda outputs: (outputs @ second * (1 - hidden**2)) @ first
    process_model.serve(model, shape=(1, 4, 4), classes=3, name="mlp", batch=4)
    """

  @Test("give logits and gradients that agree with our own computation of the same network")
  func agreesWithOwnComputation() throws {
    var stream = RandomStream(RandomKey(seed: 5, purpose: .test))
    func tensor(_ shape: [Int]) throws -> Tensor {
      try Tensor(
        (0..<shape.reduce(1, *)).map { _ in Float(stream.standardNormal()) }, shape: shape)
    }
    let (first, bias, second) = (try tensor([12, 16]), try tensor([12]), try tensor([3, 12]))
    let own = TanhMLP(imageShape: shape, first: first, bias: bias, second: second)
    let images = try images(10)
    let outputs = try tensor([10, 3])
    let draws = draws(0..<10)
    try withTemporaryFolder { folder in
      for (name, tensor) in [("first", first), ("bias", bias), ("second", second)] {
        try rawBytes(tensor.values).write(to: folder.appending(path: name))
      }
      let model = try ProcessClassifier(
        command: PythonModel.command(Self.mlp, in: folder), limit: .seconds(60))
      #expect(model.imageShape == shape && model.classCount == 3 && !model.isRandomized)
      #expect(model.model.identity.wholeMatch(of: /sha256 [0-9a-f]{64}/) != nil)
      // Ten images are three questions, as four are the most.
      let found = try model.checkedLogitsAndGradient(of: images, draws: draws) { _ in outputs }
      let logits = try model.checkedLogits(of: images, draws: draws)
      let expected = try own.logitsAndGradient(of: images, draws: draws) { _ in outputs }

      // Both sides add the same up to 16 products, a bias and 12 products in another order, and tanh is within
      // two units; 64 roundings of the sum of all magnitudes, in which an error of a hidden unit reaches the
      // result undiminished, are more than both sides make.
      let hidden = (0..<12).map { h in
        1 + abs(bias[h]) + (0..<16).reduce(Float(0)) { $0 + abs(first[16 * h + $1]) }
      }
      for n in 0..<10 {
        for k in 0..<3 {
          let scale = (0..<12).reduce(Float(0)) { $0 + abs(second[12 * k + $1]) * hidden[$1] }
          let place = 3 * n + k
          #expect(abs(logits[place] - expected.logits[place]) <= 64 * 0x1p-24 * scale)
          #expect(abs(found.logits[place] - expected.logits[place]) <= 64 * 0x1p-24 * scale)
        }
        for place in 0..<16 {
          let scale = (0..<12).reduce(Float(0)) { sum, h in
            let outer = (0..<3).reduce(Float(0)) {
              $0 + abs(second[12 * $1 + h] * outputs[3 * n + $1])
            }
            return sum + 2 * abs(first[16 * h + place]) * outer * hidden[h]
          }
          #expect(
            abs(found.gradient[16 * n + place] - expected.gradient[16 * n + place])
              <= 64 * 0x1p-24 * scale)
        }
      }
    }
  }

  /// z = (Σ (x + r)², 0) for r that follows from the seed, so that half the gradient of the first logit is
  /// x + r, as the logit saw it.
  private static let random = """
    def model(images, seeds, tracked):
        seen = images + process_model.noise(seeds, (1, 4, 4))
        logits = np.stack([(seen**2).sum(axis=(1, 2, 3)), np.zeros(len(seen))], axis=1)
        return logits, lambda outputs: outputs[:, :1, None, None] * 2 * seen
    process_model.serve(
        model, shape=(1, 4, 4), classes=2, name="random", randomised=True, batch=3, passes=5)
    """

  @Test("draw from the seed alone, and the gradient shares the draw of its logits")
  func seedsDecide() throws {
    try withProgram(Self.random) { model in
      #expect(try model.checkedConsistency() == 0)
      #expect(model.isRandomized && model.forwardPassesPerDecision == 5)
      let images = try images(7)
      let all = try model.logits(of: images, draws: draws(0..<7))
      let order = [3, 0, 6, 6]
      let some = try model.logits(of: images[order], draws: draws(order))
      #expect(some == all.rows(order))
      let other = try model.logits(of: images, draws: draws(0..<7, step: 1))
      #expect((0..<7).allSatisfy { all[2 * $0] != other[2 * $0] })
      #expect(
        try model.logits(of: images, draws: draws(Array(repeating: 1, count: 7)))
          != all)
      let (logits, gradient) = try model.logitsAndGradient(of: images, draws: draws(0..<7)) {
        try Tensor($0.values.indices.map { $0 % 2 == 0 ? 1 : 0 }, shape: $0.shape)
      }
      #expect(logits == all)
      for n in 0..<7 {
        let sum = gradient.rows([n]).values.reduce(Float(0)) { $0 + $1 * $1 / 4 }
        // Two sums of 16 squares.
        #expect(abs(sum - logits[2 * n]) <= 32 * 0x1p-24 * logits[2 * n])
      }
    }
  }

  @Test("are asked from many threads at once, each getting its own answer")
  func manyThreads() throws {
    try withProgram(Self.random) { model in
      let images = try images(8)
      let expected = try model.logits(of: images, draws: draws(0..<8))
      let wrong = Mutex(0)
      DispatchQueue.concurrentPerform(iterations: 16) { n in
        let n = n % 8
        let found = try? model.logitsAndGradient(of: images[[n]], draws: draws([n])) { logits in
          // Another question between logits and gradient.
          _ = try model.logits(of: images, draws: draws(0..<8))
          return try Tensor([1, 0], shape: logits.shape)
        }
        let sum = found?.gradient.values.reduce(Float(0)) { $0 + $1 * $1 / 4 } ?? 0
        if found?.logits != expected.rows([n])
          || abs(sum - expected[2 * n]) > 32 * 0x1p-24 * expected[2 * n]
        {
          wrong.withLock { $0 += 1 }
        }
      }
      #expect(wrong.withLock(\.self) == 0)
    }
  }

  @Test("go on after a loss that failed, and after a question that they refused")
  func refusals() throws {
    struct Stop: Error {}
    let program = """
      print("a word by mistake")
      def model(images, seeds, tracked):
          if images[0, 0, 0, 0] == 1:
              raise ValueError("too bright")
          return images.reshape(-1, 16)[:, :3], lambda outputs: np.pad(outputs, ((0, 0), (0, 13)))
      process_model.serve(model, shape=(1, 4, 4), classes=3, name="picky")
      """
    try withProgram(program) { model in
      let images = try images(2)
      for _ in 0..<3 {
        #expect(throws: Stop.self) {
          try model.logitsAndGradient(of: images, draws: draws(0..<2)) { _ in throw Stop() }
        }
      }
      var bright = images.tensor
      bright[0] = 1
      let pixels = try Pixels(bright)
      let error = #expect(throws: ProcessModelError.self) {
        try model.logits(of: pixels, draws: draws(0..<2))
      }
      #expect(error?.problem == .refused("ValueError: too bright"))
      #expect(error?.description.contains("ValueError: too bright") == true)
      #expect(
        try model.logits(of: images, draws: draws(0..<2)).rows([0]).values.first == images.tensor[0]
      )
    }
  }

  // MARK: What goes wrong

  @Test(
    "end with one line that says what went wrong, and with the last lines of standard error",
    arguments: [
      ("question(); sys.exit(3)", ProcessProblem.ended("ended with status 3")),
      ("os.kill(os.getpid(), 9)", .ended("was ended by signal 9 (Killed)")),
      ("os.close(0); sys.exit(3)", .ended("ended with status 3")),
      (
        "question(); say(2, bytes(20))",
        .length(expected: "logits of 2 images and 3 classes", bytes: 24, found: 20)
      ),
      (
        "question(); say(2, bytes(24), 1 << 62)",
        .length(expected: "logits of 2 images and 3 classes", bytes: 24, found: 1 << 62)
      ),
      ("question(); say(4, bytes(24))", .kind(expected: 2, found: 4)),
      ("question(); say(255, b'cannot\\n\\x07now')", .refused("cannot now")),
      ("question(); say(255, b'x', 1); sys.exit(0)", .refused("x")),
      ("question(); os.write(1, b'epoch 1 of 5\\n')", .text(Array("epoch 1 of 5\n".utf8))),
      ("question(); say(2, bytes(8), 24); sys.exit(0)", .ended("ended with status 0")),
    ])
  func failures(_ answer: String, _ expected: ProcessProblem) throws {
    let (problem, lastLines) = try problem(answer)
    #expect(problem == expected)
    #expect(lastLines == "first line / second line / last line")
  }

  @Test("may have closed their input before they are asked, which sends no signal here")
  func closedInput() throws {
    let (problem, _) = try problem("sys.exit(3)", beforehand: "os.close(0)")
    #expect(problem == .ended("ended with status 3"))
  }

  @Test(
    "end with all that they started, where they do not answer in time and where they end alone",
    arguments: [
      ("child.wait()", Duration.milliseconds(50)), ("os._exit(5)", .seconds(300)),
    ])
  func silence(_ answer: String, _ limit: Duration) throws {
    let program = """
      import os, subprocess, sys
      os.mkfifo("alive")
      alive = os.open("alive", os.O_RDWR)
      child = subprocess.Popen(["sh", "-c", "sleep 100; touch finished"], stdin=subprocess.DEVNULL, pass_fds=[alive])
      print("stuck", file=sys.stderr, flush=True)
      def model(images, seeds, tracked):
          \(answer)
      process_model.serve(model, shape=(1, 4, 4), classes=3, name="slow")
      """
    try withTemporaryFolder { folder in
      let model = try ProcessClassifier(
        command: PythonModel.command(program, in: folder), limit: limit, startLimit: .seconds(300))
      let error = #expect(throws: ProcessModelError.self) {
        try model.logits(of: images(1), draws: draws([0]))
      }
      #expect(
        error?.problem
          == (answer == "child.wait()" ? .silent(limit: limit) : .ended("ended with status 5")))
      #expect(error?.lastLines == "stuck")
      // All of them hold the pipe: it ends with the last of them, which finishes only if nobody ended it.
      let pipe = open(folder.appending(path: "alive").path, O_RDONLY | O_NONBLOCK)
      #expect(pipe >= 0 && fcntl(pipe, F_SETFL, 0) == 0)
      var byte: UInt8 = 0
      #expect(read(pipe, &byte, 1) == 0)
      close(pipe)
      #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "finished").path))
    }
  }

  @Test("give every caller the same error once they have ended, and no signal")
  func afterTheEnd() throws {
    let program = """
      def model(images, seeds, tracked):
          import os
          os._exit(7)
      process_model.serve(model, shape=(1, 4, 4), classes=3, name="mortal")
      """
    try withProgram(program) { model in
      let images = try images(64)
      let errors = Mutex<[ProcessProblem?]>([])
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        do { _ = try model.logits(of: images, draws: draws(0..<64)) } catch {
          errors.withLock { $0.append((error as? ProcessModelError)?.problem) }
        }
      }
      #expect(
        errors.withLock(\.self) == Array(repeating: .ended("ended with status 7"), count: 8))
    }
  }

  @Test("answer numbers, or an error names what is none")
  func notANumber() throws {
    let program = """
      import sys
      def model(images, seeds, tracked):
          print("division by zero", file=sys.stderr)
          logits = images.reshape(-1, 16)[:, :3].copy()
          if not tracked:
              logits[1] = VALUE
          return logits, lambda outputs: np.full((len(outputs), 16), np.nan)
      process_model.serve(model, shape=(1, 4, 4), classes=3, name="faulty")
      """
    let images = try images(3)
    for value in ["[0, np.nan, 0]", "[0, np.inf, 0]", "-np.inf"] {
      try withProgram(program.replacing("VALUE", with: value)) { model in
        let error = #expect(throws: ClassifierError.self) {
          try model.checkedLogits(of: images, draws: draws(0..<3))
        }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("logits of 1 of 3 images"))
        #expect(text.hasSuffix("its standard error ends: division by zero"))
        #expect(throws: ClassifierError.self) {
          try model.checkedLogitsAndGradient(of: images, draws: draws(0..<3)) { $0 }
        }
      }
    }
    try withProgram(program.replacing("VALUE", with: "[0, -np.inf, 0]")) { model in
      let logits = try model.checkedLogits(of: images, draws: draws(0..<3))
      #expect(logits[4] == -.infinity)
    }
  }

  @Test(
    "are found out where they depend on the batch, on nothing that is known, or on the seeds in secret"
  )
  func consistency() throws {
    func problem(_ logits: String, _ isRandomized: Bool) throws -> String? {
      let program = """
        import sys
        calls = 0
        def model(images, seeds, tracked):
            global calls
            calls += 1
            images = images.reshape(-1, 16)
            return \(logits), None
        process_model.serve(
            model, shape=(1, 4, 4), classes=3, name="odd", gradients=False,
            randomised=\(isRandomized ? "True" : "False"))
        """
      return try withProgram(program) { model in
        do {
          _ = try model.checkedConsistency()
          return nil
        } catch let error as ProcessModelError { return "\(error.problem)" }
      }
    }
    let training = "(images - images.mean(axis=0))[:, :3] + 1"
    let seeded = "images[:, :3] + process_model.noise(seeds, (3,))"
    #expect(try problem("images[:, :3]", false) == nil)
    #expect(try problem(seeded, true) == nil)
    // Rounding differs with the batch.
    #expect(try problem("images[:, :3] * (1 + 1e-3 * len(images))", false) == nil)
    #expect(try problem(training, false)?.contains("alone") == true)
    #expect(try problem("images[:, :3] * calls", false)?.contains("evaluation mode") == true)
    #expect(try problem("images[:, :3] * calls", true)?.contains("from the seeds") == true)
    #expect(try problem(seeded, false)?.contains("by its own words") == true)
    // The noise of the batch's first seed for all.
    #expect(
      try problem("images[:, :3] + process_model.noise(seeds[:1], (3,))", true)?.contains(
        "own seed")
        == true)
  }

  @Test("have no gradient if they say so")
  func withoutGradient() throws {
    let program = """
      def model(images, seeds, tracked):
          return images.reshape(-1, 16)[:, :3], None
      process_model.serve(model, shape=(1, 4, 4), classes=3, name="black-box", gradients=False)
      """
    try withProgram(program) { model in
      let images = try images(2)
      #expect(try model.logits(of: images, draws: draws(0..<2)).shape == [2, 3])
      #expect(throws: ClassifierError.noGradient) {
        try model.logitsAndGradient(of: images, draws: draws(0..<2)) { $0 }
      }
    }
  }
}
