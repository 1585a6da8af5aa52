import Classification
import Kernels

/// The memory to run a plan on batches up to a capacity: allocated once, written over by every run.
/// A class because the memory has one owner.
///
/// Sendable although it is written to: `NetworkClassifier` lends it to one call at a time, and the
/// threads of that call write to different parts.
package final class Workspace: @unchecked Sendable {
  let plan: InferencePlan
  let capacity: Int
  private let gradientPlan: GradientPlan?
  private let layout: InferencePlan.Layout
  private let activations: AlignedBuffer
  private let gradients: AlignedBuffer?
  /// One for every thread that works on a layer.
  private let scratch: [AlignedBuffer]

  package init(
    for plan: InferencePlan, gradients gradientPlan: GradientPlan? = nil, capacity: Int,
    threadCount: Int = 1
  ) {
    self.plan = plan
    self.gradientPlan = gradientPlan
    self.capacity = capacity
    layout =
      gradientPlan == nil
      ? plan.sharedLayout(images: capacity) : plan.separateLayout(images: capacity)
    activations = AlignedBuffer(uninitialized: layout.count)
    gradients = gradientPlan == nil ? nil : AlignedBuffer(uninitialized: layout.count)
    let scratchCount = gradientPlan?.scratchCount ?? plan.scratchCount
    scratch = (0..<threadCount).map { _ in AlignedBuffer(uninitialized: scratchCount) }
  }

  var hasGradients: Bool { gradientPlan != nil }

  /// Threads that may work on one layer.
  var threadCount: Int { scratch.count }

  /// What a forward pass has just done.
  package enum Stage {
    case input
    case step(Int)
    case output
  }

  /// Pixels [images, C, H, W] → logits [images, L]. With workers, the threads share every layer.
  ///
  /// - Parameter passed: called after every stage, for each of its groups of images.
  package func forward(
    _ pixels: UnsafePointer<Float>, images: Int, logits: UnsafeMutablePointer<Float>,
    workers: WorkerPool? = nil, passed: (Stage) -> Void = { _ in }
  ) {
    precondition(images <= capacity)
    for (number, segment) in plan.segments.enumerated() {
      for first in stride(from: 0, to: images, by: segment.images) {
        let range = first..<min(first + segment.images, images)
        if number == 0 {
          plan.normalization.write(
            pixels + first * plan.architecture.imageShape.count, images: range.count,
            pixels: plan.slots[0].pixels, to: activation(0, first))
          passed(.input)
        }
        for index in segment.steps {
          run(plan.steps[index], images: range, workers: workers)
          passed(.step(index))
        }
      }
    }
    let slot = plan.slots[plan.last]
    for image in 0..<images {
      GlobalAveragePool.average(
        activation(plan.last, image), slot.pixels, slot.channels, activation(plan.pooled, image))
    }
    run(plan.dense, images: 0..<images, workers: nil)
    logits.update(
      from: activation(plan.logits, 0), count: images * plan.architecture.classCount)
    passed(.output)
  }

  /// ∂loss/∂logits [images, L] → ∂loss/∂pixels [images, C, H, W], for the images of the last
  /// forward pass.
  package func backward(
    _ logitsGradient: UnsafePointer<Float>, images: Int, pixels: UnsafeMutablePointer<Float>,
    workers: WorkerPool? = nil
  ) {
    guard let gradientPlan else { preconditionFailure("workspace made without gradients") }
    gradientPlan.dense.run(
      images: images, input: logitsGradient, bias: nil, epilogue: Epilogue(),
      output: gradient(plan.pooled, 0), scratch: scratch[0].pointer)
    // The mean's gradient is spread over the pixels and masked by the last ReLU.
    let slot = plan.slots[plan.last]
    let (output, shared) = (activation(plan.last, 0), gradient(plan.pooled, 0))
    let target = gradient(plan.last, 0)
    let share = 1 / Float(slot.pixels)
    for image in 0..<images {
      for pixel in 0..<slot.pixels {
        let start = image * slot.count + pixel * slot.channels
        for c in 0..<slot.channels {
          target[start + c] = output[start + c] > 0 ? shared[image * slot.channels + c] * share : 0
        }
      }
    }
    for segment in plan.segments.reversed() {
      for first in stride(from: 0, to: images, by: segment.images) {
        let range = first..<min(first + segment.images, images)
        for index in segment.steps.reversed() {
          run(gradientPlan.steps[index], images: range, workers: workers)
        }
      }
    }
    plan.normalization.writeGradient(
      gradient(0, 0), images: images, pixels: plan.slots[0].pixels, to: pixels)
  }

  private func run(_ step: InferencePlan.Step, images: Range<Int>, workers: WorkerPool?) {
    let first = images.lowerBound
    step.bias.withUnsafePointer { bias in
      run(
        step.convolution, images: images.count, input: activation(step.input, first), bias: bias,
        epilogue: Epilogue(
          addend: step.addend.map { UnsafePointer(activation($0, first)) },
          activation: step.relu ? .relu : .identity),
        output: activation(step.output, first), workers: workers)
    }
  }

  private func run(_ step: GradientPlan.Step, images: Range<Int>, workers: WorkerPool?) {
    let first = images.lowerBound
    run(
      step.convolution, images: images.count, input: gradient(step.input, first), bias: nil,
      epilogue: Epilogue(
        addend: step.addend.map { UnsafePointer(gradient($0, first)) },
        activation: step.masks ? .mask(activation(step.output, first)) : .identity),
      output: gradient(step.output, first), workers: workers)
  }

  private func run(
    _ convolution: PreparedConvolution, images: Int, input: UnsafePointer<Float>,
    bias: UnsafePointer<Float>?, epilogue: Epilogue, output: UnsafeMutablePointer<Float>,
    workers: WorkerPool?
  ) {
    guard let workers, threadCount > 1 else {
      convolution.run(
        images: images, input: input, bias: bias, epilogue: epilogue, output: output,
        scratch: scratch[0].pointer)
      return
    }
    nonisolated(unsafe) let (input, bias, epilogue, output) = (input, bias, epilogue, output)
    workers.forEach(count: threadCount) { [scratch, threadCount] part in
      convolution.run(
        images: images, input: input, bias: bias, epilogue: epilogue, output: output,
        scratch: scratch[part].pointer, part: PreparedConvolution.Part(part, of: threadCount))
    }
  }

  /// Where a slot's activations begin for one image. A slot with room for the images of one round of its
  /// segment begins at the same place in every round.
  private func activation(_ slot: Int, _ image: Int) -> UnsafeMutablePointer<Float> {
    activations.pointer + layout.offsets[slot]
      + (layout.images[slot] == capacity ? image * plan.slots[slot].count : 0)
  }

  private func gradient(_ slot: Int, _ image: Int) -> UnsafeMutablePointer<Float> {
    guard let gradients else { preconditionFailure("workspace made without gradients") }
    return gradients.pointer + layout.offsets[slot] + image * plan.slots[slot].count
  }
}
