import Kernels

/// The memory that one thread needs to run a plan on batches up to a capacity: allocated once,
/// written over by every run. A class because the memory has one owner.
///
/// Sendable although it is written to: `NetworkClassifier` lends it to one call at a time.
final class Workspace: @unchecked Sendable {
  let plan: InferencePlan
  let capacity: Int
  private let activations: AlignedBuffer
  private let gradients: AlignedBuffer?
  private let scratch: AlignedBuffer?
  private let offsets: [Int]

  init(for plan: InferencePlan, capacity: Int, withGradients: Bool) {
    self.plan = plan
    self.capacity = capacity
    var offsets: [Int] = []
    var total = 0
    for slot in plan.slots {
      offsets.append(total)
      total += (slot.count * capacity + 15) / 16 * 16
    }
    self.offsets = offsets
    activations = AlignedBuffer(uninitialized: total)
    gradients = withGradients ? AlignedBuffer(uninitialized: total) : nil
    scratch = plan.scratchCount > 0 ? AlignedBuffer(uninitialized: plan.scratchCount) : nil
  }

  var hasGradients: Bool { gradients != nil }

  /// Pixels [images, C, H, W] → logits [images, L].
  func forward(
    _ pixels: UnsafePointer<Float>, images: Int, logits: UnsafeMutablePointer<Float>
  ) {
    precondition(images <= capacity)
    let input = plan.slots[0]
    plan.normalization.write(pixels, images: images, pixels: input.pixels, to: activation(0))
    for step in plan.steps { run(step, images: images) }
    let slot = plan.slots[plan.last]
    for image in 0..<images {
      GlobalAveragePool.average(
        activation(plan.last) + image * slot.count, slot.pixels, slot.channels,
        activation(plan.pooled) + image * slot.channels)
    }
    run(plan.dense, images: images)
    logits.update(
      from: activation(plan.logits), count: images * plan.architecture.classCount)
  }

  /// ∂loss/∂logits [images, L] → ∂loss/∂pixels [images, C, H, W], for the images of the last
  /// forward pass.
  func backward(
    _ logitsGradient: UnsafePointer<Float>, images: Int, pixels: UnsafeMutablePointer<Float>
  ) {
    plan.kernels.multiply(
      .dense, images: images, input: logitsGradient,
      inputChannels: plan.architecture.classCount, weights: plan.denseBackward, bias: nil,
      epilogue: Epilogue(), output: gradient(plan.pooled), scratch: scratch?.pointer)
    // The mean's gradient is spread over the pixels and masked by the last ReLU.
    let slot = plan.slots[plan.last]
    let (output, shared) = (activation(plan.last), gradient(plan.pooled))
    let target = gradient(plan.last)
    let share = 1 / Float(slot.pixels)
    for image in 0..<images {
      for pixel in 0..<slot.pixels {
        let start = image * slot.count + pixel * slot.channels
        for c in 0..<slot.channels {
          target[start + c] = output[start + c] > 0 ? shared[image * slot.channels + c] * share : 0
        }
      }
    }
    for step in plan.backwardSteps {
      plan.kernels.multiply(
        step.table, images: images, input: gradient(step.input),
        inputChannels: plan.slots[step.input].channels, weights: step.weights, bias: nil,
        epilogue: Epilogue(
          addend: step.addend.map { UnsafePointer(gradient($0)) },
          activation: step.masks ? .mask(activation(step.output)) : .identity),
        output: gradient(step.output), scratch: scratch?.pointer)
    }
    plan.normalization.writeGradient(
      gradient(0), images: images, pixels: plan.slots[0].pixels, to: pixels)
  }

  private func run(_ step: InferencePlan.Step, images: Int) {
    step.bias.withUnsafePointer { bias in
      plan.kernels.multiply(
        step.table, images: images, input: activation(step.input),
        inputChannels: plan.slots[step.input].channels, weights: step.weights, bias: bias,
        epilogue: Epilogue(
          addend: step.addend.map { UnsafePointer(activation($0)) },
          activation: step.relu ? .relu : .identity),
        output: activation(step.output), scratch: scratch?.pointer)
    }
  }

  private func activation(_ slot: Int) -> UnsafeMutablePointer<Float> {
    activations.pointer + offsets[slot]
  }

  private func gradient(_ slot: Int) -> UnsafeMutablePointer<Float> {
    guard let gradients else { preconditionFailure("workspace made without gradients") }
    return gradients.pointer + offsets[slot]
  }
}
