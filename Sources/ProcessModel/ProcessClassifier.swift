import Classification
import Statistics
import Synchronization

/// A model that a process of its own computes, in whatever language: the classifier asks it over its standard
/// input and output. The chapter Protocol says how.
///
/// Calls may come from many threads; the process answers one at a time. It is started with the classifier and
/// ended with it.
package final class ProcessClassifier: DifferentiableClassifier {
  /// The command of the shell that started the process.
  package let command: String
  /// What the process says of its model.
  package let model: ProcessDescription
  /// The longest that an answer may take.
  private let limit: Duration
  private let state: Mutex<State>

  private struct State: ~Copyable {
    var process: ChildProcess
    /// Of all that is asked after an error, the same error comes of.
    var failure: ProcessModelError?
    var ticket: UInt64 = 0
  }

  /// Starts a process, and asks it what its model is.
  ///
  /// - Parameters:
  ///   - command: for `/bin/sh`.
  ///   - limit: the longest that an answer may take.
  ///   - startLimit: the same for the first; `limit` if nil.
  /// - Throws: `ProcessModelError`.
  package init(
    command: String, limit: Duration, startLimit: Duration? = nil
  ) throws(ProcessModelError) {
    var process: ChildProcess
    do throws(ProcessProblem) { process = try ChildProcess(command) } catch {
      throw ProcessModelError(command: command, problem: error, lastLines: "")
    }
    do throws(ProcessProblem) {
      try process.ask(Message.hello, within: startLimit ?? limit)
      model = try process.hello()
    } catch {
      process.finish()
      throw ProcessModelError(command: command, problem: error, lastLines: process.lastLines())
    }
    self.command = command
    self.limit = limit
    state = Mutex(State(process: process))
  }

  package var imageShape: ImageShape { model.imageShape }
  package var classCount: Int { model.classCount }
  package var forwardPassesPerDecision: Int { model.forwardPassesPerDecision }
  package var isRandomized: Bool { model.isRandomized }

  /// The seed of every image: the first number of the stream of its draw.
  static func seeds(of draws: Draws) -> [UInt64] {
    draws.examples.indices.map { position in
      var stream = RandomStream(draws.key(position: position, draw: 0))
      return stream.next()
    }
  }

  package func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try check(images, draws)
    PassMeter.add(PassMeter.Count(forward: images.count * forwardPassesPerDecision))
    let seeds = Self.seeds(of: draws)
    let parts = try batches(of: images.count).map { try logits(of: images, $0, seeds, ticket: nil) }
    return try Tensor.concatenated([Tensor(shape: [0, classCount])] + parts)
  }

  package func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    guard model.hasGradient else { throw ClassifierError.noGradient }
    try check(images, draws)
    let passes = images.count * forwardPassesPerDecision
    PassMeter.add(PassMeter.Count(forward: passes, backward: passes))
    let seeds = Self.seeds(of: draws)
    // The process keeps what its backward pass needs under these numbers.
    var open: [UInt64] = []
    defer { for ticket in open { forget(ticket) } }
    let batches = batches(of: images.count)
    let parts = try batches.map { batch in
      let ticket = state.withLock { state in
        state.ticket += 1
        return state.ticket
      }
      let logits = try logits(of: images, batch, seeds, ticket: ticket)
      open.append(ticket)
      return logits
    }
    let all = try Tensor.concatenated([Tensor(shape: [0, classCount])] + parts)
    let outputs = try cotangent(of: all, by: lossGradient)
    let gradients = try batches.map { batch in
      let ticket = open.removeFirst()
      let question = outputs.withUnsafePointer { values in
        Message.gradient(
          ticket: ticket,
          outputs: UnsafeBufferPointer(
            start: values + batch.lowerBound * classCount, count: batch.count * classCount))
      }
      let shape = imageShape
      return try ask(question) { process throws(ProcessProblem) in
        try process.tensor(
          .gradient, shape: [batch.count, shape.channels, shape.height, shape.width],
          "gradients of \(batch.count) images of \(shape)")
      }
    }
    let empty = Tensor(shape: [0] + images.tensor.shape.dropFirst())
    let gradient = try Tensor.concatenated([empty] + gradients)
    try check(gradient, "gradients") { $0.allSatisfy(\.isFinite) }
    return (all, gradient)
  }

  /// The last lines of the process's standard error.
  var lastLines: String { state.withLock { $0.process.lastLines() } }

  // MARK: Questions

  /// The images of every question.
  private func batches(of count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: model.batchSize).map {
      $0..<min($0 + model.batchSize, count)
    }
  }

  private func logits(
    of images: Pixels, _ batch: Range<Int>, _ seeds: [UInt64], ticket: UInt64?
  ) throws -> Tensor {
    let width = imageShape.count
    let question = images.tensor.withUnsafePointer { pixels in
      Message.logits(
        ticket: ticket, seeds: Array(seeds[batch]),
        pixels: UnsafeBufferPointer(
          start: pixels + batch.lowerBound * width, count: batch.count * width))
    }
    let classCount = classCount
    let logits = try ask(question) { process throws(ProcessProblem) in
      try process.tensor(
        ticket == nil ? .logits : .trackedLogits, shape: [batch.count, classCount],
        "logits of \(batch.count) images and \(classCount) classes")
    }
    try check(logits, "logits") { row in
      row.allSatisfy { $0 < .infinity } && row.contains { $0 > -.infinity }
    }
    return logits
  }

  /// Lets the process forget a batch of which no gradient is wanted any more. What goes wrong here is told
  /// by the next question.
  private func forget(_ ticket: UInt64) {
    _ = try? ask(Message.forget(ticket: ticket)) { process throws(ProcessProblem) in
      try process.nothing(.forget)
    }
  }

  /// One question and its answer.
  private func ask<Answer: Sendable>(
    _ question: [UInt8], _ answer: (inout ChildProcess) throws(ProcessProblem) -> Answer
  ) throws(ProcessModelError) -> Answer {
    try state.withLock { state throws(ProcessModelError) in
      if let failure = state.failure { throw failure }
      do throws(ProcessProblem) {
        try state.process.ask(question, within: limit)
        return try answer(&state.process)
      } catch {
        // After any error but a refusal nobody knows what the next bytes would mean.
        if case .refused = error {} else { state.process.finish() }
        let failure = ProcessModelError(
          command: command, problem: error, lastLines: state.process.lastLines())
        if case .refused = error {} else { state.failure = failure }
        throw failure
      }
    }
  }

  /// - Throws: `ClassifierError.unusable` unless all rows are usable.
  private func check(
    _ answer: Tensor, _ what: String, _ isUsable: (UnsafeBufferPointer<Float>) -> Bool
  ) throws(ClassifierError) {
    let (count, width) = (answer.shape[0], answer.rowCount)
    let unusable = answer.withUnsafePointer { values in
      (0..<count).count {
        !isUsable(UnsafeBufferPointer(start: values + $0 * width, count: width))
      }
    }
    guard unusable > 0 else { return }
    throw .unusable(
      "\(subject(command)) answered \(what) of \(unusable) of \(count) images that are not a number or "
        + "infinite\(ending(lastLines))")
  }
}
