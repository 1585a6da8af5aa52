import Classification
import Kernels
import Synchronization

/// A network that computes in whole numbers, as a classifier of pixels. Safe to call from many threads, as
/// `NetworkClassifier` is.
///
/// It has no gradient: that of its rounding is 0 almost everywhere, and an attack that followed it would find nothing
/// and prove nothing. `StraightThrough` follows another network in its place.
package final class QuantizedClassifier: Classifier {
  /// The compiled network.
  package let plan: QuantizedPlan
  /// Threads that share every call's work, if any.
  private let workers: WorkerPool?
  /// Workspaces that no call uses at the moment.
  private let idle = Mutex<[QuantizedWorkspace]>([])

  /// The classifier that a plan computes.
  ///
  /// - Parameter workers: threads that share the images of a call, or the layers where there are few images.
  package init(_ plan: QuantizedPlan, workers: WorkerPool? = nil) {
    self.plan = plan
    self.workers = workers
  }

  package var imageShape: ImageShape { plan.imageShape }
  package var classCount: Int { plan.classCount }
  /// 1: a network decides by one forward pass.
  package var forwardPassesPerDecision: Int { 1 }
  /// False: a network gives the same logits whatever the draws.
  package var isRandomized: Bool { false }

  /// The network's logits [N, L]; the draws are not used.
  package func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try check(images)
    PassMeter.add(PassMeter.Count(forward: images.count))
    var logits = Tensor(uninitialized: [images.count, classCount])
    let passes = NetworkClassifier.Passes(of: images.count, on: workers)
    logits.withUnsafeMutablePointer { logits in
      images.tensor.withUnsafePointer { pixels in
        nonisolated(unsafe) let (logits, pixels) = (logits, pixels)
        passes.forEach(on: workers) { [imageShape, classCount] _, images in
          let workspace = borrow(passes)
          workspace.forward(
            pixels + images.lowerBound * imageShape.count, images: images.count,
            logits: logits + images.lowerBound * classCount,
            workers: passes.sharesLayers ? workers : nil)
          giveBack(workspace)
        }
      }
    }
    return logits
  }

  private func borrow(_ passes: NetworkClassifier.Passes) -> QuantizedWorkspace {
    let found = idle.withLock { idle in
      idle.firstIndex {
        $0.capacity >= passes.parts.largest && $0.threadCount == passes.threadsPerLayer
      }.map { idle.remove(at: $0) }
    }
    return found
      ?? QuantizedWorkspace(
        for: plan, capacity: passes.parts.largest, threadCount: passes.threadsPerLayer)
  }

  private func giveBack(_ workspace: QuantizedWorkspace) {
    idle.withLock { idle in
      // A larger workspace serves smaller batches too; one too small is not kept.
      idle.removeAll {
        $0.capacity < workspace.capacity && $0.threadCount == workspace.threadCount
      }
      idle.append(workspace)
    }
  }
}
