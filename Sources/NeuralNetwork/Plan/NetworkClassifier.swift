import Classification
import Kernels
import Synchronization

/// A trained network as a classifier of pixels. Safe to call from many threads: each call borrows
/// workspaces, and works on its own thread unless it has a pool of workers.
public final class NetworkClassifier: DifferentiableClassifier {
  /// The compiled network, for forward passes alone.
  public let plan: InferencePlan
  /// Threads that share every call's work, if any.
  private let workers: WorkerPool?
  private let gradients: Mutex<Gradients>
  /// Workspaces that no call uses at the moment.
  private let idle = Mutex<[Workspace]>([])
  /// Tapes that no call uses at the moment.
  private let idleTapes = Mutex<[Tape]>([])

  private enum Gradients {
    /// Made of this plan when one is first asked for.
    case of(InferencePlan)
    case made(GradientPlan)
    case none
  }

  /// Images that a forward pass takes at a time: few, so that their activations stay in the cache,
  /// but enough for a weight that is read to be used often.
  private static let imagesPerPass = 15

  /// The classifier that a plan computes.
  ///
  /// - Parameters:
  ///   - plan: one that is `forwardOnly` takes less memory, and has no gradient.
  ///   - workers: threads that share the images of a call, or the layers where there are
  ///     few images; of a call from a loop on the same pool, those that have no part in the loop.
  ///     Without a pool a call stays on its thread. A result does not depend on it.
  public init(_ plan: InferencePlan, workers: WorkerPool? = nil) {
    self.plan = plan.forwardOnly
    gradients = Mutex(.of(plan))
    self.workers = workers
  }

  /// The shape of the images that the network takes.
  public var imageShape: ImageShape { plan.imageShape }
  /// L, the number of classes that the network tells apart.
  public var classCount: Int { plan.classCount }
  /// 1: a network decides by one forward pass.
  public var forwardPassesPerDecision: Int { 1 }
  /// False: a network gives the same logits whatever the draws.
  public var isRandomized: Bool { false }

  /// The network's logits [N, L]; the draws are not used.
  public func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try check(images)
    PassMeter.add(PassMeter.Count(forward: images.count))
    var logits = Tensor(uninitialized: [images.count, classCount])
    let passes = Passes(of: images.count, on: workers)
    logits.withUnsafeMutablePointer { logits in
      images.tensor.withUnsafePointer { pixels in
        nonisolated(unsafe) let (logits, pixels) = (logits, pixels)
        passes.forEach(on: workers) { [imageShape, classCount] _, images in
          let workspace = borrow(passes, nil)
          workspace.forward(
            pixels + images.lowerBound * imageShape.count, images: images.count,
            logits: logits + images.lowerBound * classCount,
            workers: passes.sharesLayers ? workers : nil)
          giveBack(workspace)
        }
      }
    }
    try check(logits, of: draws)
    return logits
  }

  /// The network's logits [N, L] and the gradient of the loss in the pixels, [N, C, H, W]; the draws are
  /// not used.
  ///
  /// - Throws: `ClassifierError.noGradient` if the plan is one for forward passes alone.
  public func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    try check(images)
    let gradients = try gradientPlan()
    PassMeter.add(PassMeter.Count(forward: images.count, backward: images.count))
    var logits = Tensor(uninitialized: [images.count, classCount])
    var gradient = Tensor(uninitialized: images.tensor.shape)
    let passes = Passes(of: images.count, on: workers)
    let tapes = (0..<passes.parts.count).map { _ in borrowTape(passes, gradients) }
    defer { giveBack(tapes) }
    logits.withUnsafeMutablePointer { logits in
      images.tensor.withUnsafePointer { pixels in
        nonisolated(unsafe) let (logits, pixels) = (logits, pixels)
        passes.forEach(on: workers) { [imageShape, classCount] pass, images in
          let workspace = borrow(passes, gradients)
          workspace.forward(
            pixels + images.lowerBound * imageShape.count, images: images.count,
            logits: logits + images.lowerBound * classCount, tape: tapes[pass],
            workers: passes.sharesLayers ? workers : nil)
          giveBack(workspace)
        }
      }
    }
    try check(logits, of: draws)
    let logitsGradient = try cotangent(of: logits, by: lossGradient)
    gradient.withUnsafeMutablePointer { gradient in
      logitsGradient.withUnsafePointer { logitsGradient in
        nonisolated(unsafe) let (gradient, logitsGradient) = (gradient, logitsGradient)
        passes.forEach(on: workers) { [imageShape, classCount] pass, images in
          let workspace = borrow(passes, gradients)
          workspace.backward(
            logitsGradient + images.lowerBound * classCount, images: images.count,
            tape: tapes[pass], pixels: gradient + images.lowerBound * imageShape.count,
            workers: passes.sharesLayers ? workers : nil)
          giveBack(workspace)
        }
      }
    }
    return (logits, gradient)
  }

  /// How the images of a call are shared out.
  struct Passes {
    /// Images of every pass.
    let parts: EvenParts
    /// Threads that work on one layer together.
    let threadsPerLayer: Int

    var sharesLayers: Bool { threadsPerLayer > 1 }

    init(of images: Int, on workers: WorkerPool?) {
      // A call from a loop on the same pool has the threads that the loop leaves idle.
      let threads = workers?.joiningThreads ?? 1
      threadsPerLayer = images < 4 * threads ? workers?.threadCount ?? 1 : 1
      parts =
        threadsPerLayer > 1
        ? EvenParts(of: images, among: 1, atMost: images)
        : EvenParts(of: images, among: threads, atMost: imagesPerPass)
    }

    /// Calls `body` with every pass, from several threads unless these share the layers.
    func forEach(on workers: WorkerPool?, _ body: @Sendable (Int, Range<Int>) -> Void) {
      guard let workers, !sharesLayers else {
        for pass in 0..<parts.count { body(pass, parts[pass]) }
        return
      }
      workers.forEach(count: parts.count) { body($0, parts[$0]) }
    }
  }

  /// Throws unless all logits are finite. Other classifiers may give −∞, the logarithm of the probability
  /// 0; a network's logit is infinite only where it overflowed.
  private func check(_ logits: Tensor, of draws: Draws) throws(ClassifierError) {
    let bad = logits.withUnsafePointer { values in
      (0..<logits.count).first { !values[$0].isFinite }
    }
    guard let row = bad.map({ $0 / classCount }) else { return }
    throw .notFinite(image: draws.examples.indices.contains(row) ? draws.examples[row] : row)
  }

  // MARK: Workspaces

  private func borrow(_ passes: Passes, _ gradients: GradientPlan?) -> Workspace {
    let found = idle.withLock { idle in
      idle.firstIndex {
        $0.capacity >= passes.parts.largest && $0.hasGradients == (gradients != nil)
          && $0.threadCount == passes.threadsPerLayer
      }.map { idle.remove(at: $0) }
    }
    return found
      ?? Workspace(
        for: plan, gradients: gradients, capacity: passes.parts.largest,
        threadCount: passes.threadsPerLayer)
  }

  /// The weights are free once the gradients are made, and one by one while they are.
  private func gradientPlan() throws(ClassifierError) -> GradientPlan {
    let found: GradientPlan? = gradients.withLock { gradients in
      if case .of(let plan) = gradients {
        gradients = .none
        if let made = GradientPlan(of: consume plan) { gradients = .made(made) }
      }
      return if case .made(let made) = gradients { made } else { nil }
    }
    guard let found else { throw .noGradient }
    return found
  }

  private func giveBack(_ workspace: Workspace) {
    idle.withLock { idle in
      // A larger workspace serves smaller batches too; one too small is not kept.
      idle.removeAll {
        $0.capacity < workspace.capacity && $0.hasGradients == workspace.hasGradients
          && $0.threadCount == workspace.threadCount
      }
      idle.append(workspace)
    }
  }

  private func borrowTape(_ passes: Passes, _ gradients: GradientPlan) -> Tape {
    let found = idleTapes.withLock { idle in
      idle.firstIndex { $0.capacity >= passes.parts.largest }.map { idle.remove(at: $0) }
    }
    return found ?? Tape(for: gradients, capacity: passes.parts.largest)
  }

  private func giveBack(_ tapes: [Tape]) {
    idleTapes.withLock { idle in
      // As with workspaces, one too small is not kept.
      idle.removeAll { tape in tapes.contains { $0.capacity > tape.capacity } }
      idle += tapes
    }
  }
}
