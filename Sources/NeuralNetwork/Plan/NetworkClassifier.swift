import Synchronization

/// A trained network as a classifier of pixels. Safe to call from many threads: each call borrows a
/// workspace and works on its own thread.
public final class NetworkClassifier: DifferentiableClassifier {
  /// What runs.
  public let plan: InferencePlan
  /// Workspaces that no call uses at the moment.
  private let idle = Mutex<[Workspace]>([])

  /// Images that a forward pass takes at a time: few, so that their activations stay in the cache.
  private static let imagesPerPass = 16

  /// The classifier that a plan computes.
  public init(_ plan: InferencePlan) { self.plan = plan }

  /// The network's.
  public var imageShape: ImageShape { plan.architecture.imageShape }
  /// The network's.
  public var classCount: Int { plan.architecture.classCount }
  /// 1.
  public var forwardPassesPerDecision: Int { 1 }

  /// The network's logits [N, L]; the draws are not used.
  public func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try check(images)
    var logits = Tensor(uninitialized: [images.count, classCount])
    let workspace = borrow(capacity: min(images.count, Self.imagesPerPass), withGradients: false)
    logits.withUnsafeMutablePointer { logits in
      images.tensor.withUnsafePointer { pixels in
        for start in stride(from: 0, to: images.count, by: Self.imagesPerPass) {
          workspace.forward(
            pixels + start * imageShape.count,
            images: min(Self.imagesPerPass, images.count - start),
            logits: logits + start * classCount)
        }
      }
    }
    giveBack(workspace)
    try check(logits)
    return logits
  }

  /// The network's logits [N, L] and the gradient [N, C, H, W]; the draws are not used.
  public func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    try check(images)
    var logits = Tensor(uninitialized: [images.count, classCount])
    var gradient = Tensor(uninitialized: images.tensor.shape)
    let workspace = borrow(capacity: images.count, withGradients: true)
    defer { giveBack(workspace) }
    logits.withUnsafeMutablePointer { logits in
      images.tensor.withUnsafePointer {
        workspace.forward($0, images: images.count, logits: logits)
      }
    }
    try check(logits)
    let logitsGradient = try lossGradient(logits)
    guard logitsGradient.shape == logits.shape else {
      throw TensorError.shapeMismatch(expected: logits.shape, found: logitsGradient.shape)
    }
    gradient.withUnsafeMutablePointer { gradient in
      logitsGradient.withUnsafePointer {
        workspace.backward($0, images: images.count, pixels: gradient)
      }
    }
    return (logits, gradient)
  }

  private func check(_ images: Pixels) throws(ClassifierError) {
    guard images.imageShape == imageShape else {
      throw .imageShape(expected: imageShape, found: images.imageShape)
    }
  }

  private func check(_ logits: Tensor) throws(ClassifierError) {
    let bad = logits.withUnsafePointer { values in
      (0..<logits.count).first { !values[$0].isFinite }
    }
    if let bad { throw .notFinite(image: bad / classCount) }
  }

  // MARK: Workspaces

  private func borrow(capacity: Int, withGradients: Bool) -> Workspace {
    let found = idle.withLock { idle in
      idle.firstIndex { $0.capacity >= capacity && $0.hasGradients == withGradients }
        .map { idle.remove(at: $0) }
    }
    return found ?? Workspace(for: plan, capacity: capacity, withGradients: withGradients)
  }

  private func giveBack(_ workspace: Workspace) {
    idle.withLock { idle in
      // A larger workspace serves smaller batches too; one too small is not kept.
      idle.removeAll {
        $0.capacity < workspace.capacity && $0.hasGradients == workspace.hasGradients
      }
      idle.append(workspace)
    }
  }
}
