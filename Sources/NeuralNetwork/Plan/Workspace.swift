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
  private let layout: ActivationLayout
  private let gradientLayout: ActivationLayout?
  /// Of one pass, forwards or backwards.
  private let memory: AlignedBuffer
  /// One for every thread that works on a layer.
  private let scratch: [AlignedBuffer]

  package init(
    for plan: InferencePlan, gradients gradientPlan: GradientPlan? = nil, capacity: Int,
    threadCount: Int = 1
  ) {
    self.plan = plan
    self.gradientPlan = gradientPlan
    self.capacity = capacity
    layout = plan.layout(images: capacity)
    gradientLayout = gradientPlan?.layout(images: capacity)
    memory = AlignedBuffer(uninitialized: max(layout.count, gradientLayout?.count ?? 0))
    let scratchCount =
      gradientPlan?.scratchCount(images: capacity) ?? plan.scratchCount(images: capacity)
    scratch = (0..<threadCount).map { _ in AlignedBuffer(uninitialized: scratchCount) }
  }

  var hasGradients: Bool { gradientPlan != nil }

  /// Threads that may work on one layer.
  var threadCount: Int { scratch.count }

  /// What a forward pass has just done.
  package enum Stage {
    case input
    case step(Int)
  }

  /// Pixels [images, C, H, W] → logits [images, L]. With workers, the threads share every layer.
  ///
  /// - Parameters:
  ///   - tape: where to keep what a backward pass needs; nil if there will be none.
  ///   - passed: called after every stage, for each of its groups of images.
  package func forward(
    _ pixels: UnsafePointer<Float>, images: Int, logits: UnsafeMutablePointer<Float>,
    tape: Tape? = nil, workers: WorkerPool? = nil, passed: (Stage) -> Void = { _ in }
  ) {
    precondition(images <= capacity && images <= tape?.capacity ?? images)
    for (number, segment) in plan.segments.enumerated() {
      for first in stride(from: 0, to: images, by: segment.images) {
        let range = first..<min(first + segment.images, images)
        if number == 0 {
          plan.normalization.write(
            pixels + first * plan.imageShape.count, images: range.count,
            pixels: plan.slots[0].pixels, to: activation(0, first, tape))
          passed(.input)
        }
        for index in segment.steps {
          run(plan.steps[index], images: range, tape: tape, workers: workers)
          passed(.step(index))
        }
        if number == plan.segments.count - 1 {
          (logits + first * plan.classCount).update(
            from: activation(plan.slots.count - 1, first, tape),
            count: range.count * plan.classCount)
        }
      }
    }
  }

  /// ∂loss/∂logits [images, L] → ∂loss/∂pixels [images, C, H, W], for the images of the forward pass that wrote the
  /// tape.
  package func backward(
    _ logitsGradient: UnsafePointer<Float>, images: Int, tape: Tape,
    pixels: UnsafeMutablePointer<Float>, workers: WorkerPool? = nil
  ) {
    guard let gradientPlan else { preconditionFailure("workspace made without gradients") }
    precondition(images <= capacity && images <= tape.capacity)
    for (number, segment) in plan.segments.enumerated().reversed() {
      for first in stride(from: 0, to: images, by: segment.images) {
        let range = first..<min(first + segment.images, images)
        if number == plan.segments.count - 1 {
          gradient(plan.slots.count - 1, first).update(
            from: logitsGradient + first * plan.classCount, count: range.count * plan.classCount)
        }
        for index in segment.steps.reversed() {
          for step in gradientPlan.steps[index] {
            run(step, images: range, tape: tape, workers: workers)
          }
        }
        if number == 0 {
          plan.normalization.writeGradient(
            gradient(0, first), images: range.count, pixels: plan.slots[0].pixels,
            to: pixels + first * plan.imageShape.count)
        }
      }
    }
  }

  // MARK: Steps

  private func run(
    _ step: InferencePlan.Step, images: Range<Int>, tape: Tape?, workers: WorkerPool?
  ) {
    let (first, slot) = (images.lowerBound, plan.slots[step.input])
    let input = activation(step.input, first, tape)
    let output = activation(step.output, first, tape)
    let addend = step.addend.map { UnsafePointer(activation($0, first, tape)) }
    let signs = tape?.signs(step.output, first)
    switch step.core {
    case .product(let product):
      product.bias.withUnsafePointer { bias in
        run(
          product.convolution, images: images.count, input: input, bias: bias,
          epilogue: Epilogue(
            addend: addend, activation: step.relu ? .relu(signs: signs) : .identity),
          output: output, workers: workers)
      }
    case .affine(let scale, let shift):
      let rows = images.count * slot.pixels
      withPointers(scale, shift, shift) { scale, shift, _ in
        plan.kernels.float32.channelwiseAffine(
          pixels: rows, channels: slot.channels, input: input, scale: scale,
          shift: shift, addend: addend, relu: step.relu, signs: signs, output: output)
      }
    case .other(let operation):
      operation.run(
        Operands(step.inputs, in: self, firstImage: first, tape: tape), images: images.count,
        kernels: plan.kernels, to: output)
    }
  }

  private func run(
    _ step: GradientPlan.Step, images: Range<Int>, tape: Tape, workers: WorkerPool?
  ) {
    let (first, slot) = (images.lowerBound, plan.slots[step.output])
    let (input, output) = (gradient(step.input, first), gradient(step.output, first))
    let addend = step.addend.map { UnsafePointer(gradient($0, first)) }
    let mask = step.masks ? tape.signs(step.output, first) : nil
    switch step.core {
    case .product(let product):
      run(
        product.convolution, images: images.count, input: input, bias: nil,
        epilogue: Epilogue(addend: addend, activation: mask.map { .mask($0) } ?? .identity),
        output: output, workers: workers)
      return
    case .scaling(let scale, let zeros):
      withPointers(scale, zeros, zeros) { scale, zeros, _ in
        plan.kernels.float32.channelwiseAffine(
          pixels: images.count * slot.pixels, channels: slot.channels, input: input, scale: scale,
          shift: zeros, addend: addend, relu: false, signs: nil, output: output)
      }
    case .other(let operation, let place, let inputs):
      let count = images.count * slot.count
      if let addend {
        if addend != output { output.update(from: addend, count: count) }
      } else {
        output.update(repeating: 0, count: count)
      }
      operation.addGradient(
        ofInput: place, input, inputs: Operands(inputs, in: self, firstImage: first, tape: tape),
        images: images.count, kernels: plan.kernels, to: output)
    }
    if let mask {
      plan.kernels.float32.mask(
        rows: images.count * slot.pixels, channels: slot.channels, signs: mask, values: output)
    }
  }

  private func run(
    _ convolution: PreparedConvolution, images: Int, input: UnsafePointer<Float>,
    bias: UnsafePointer<Float>?, epilogue: Epilogue, output: UnsafeMutablePointer<Float>,
    workers: WorkerPool?
  ) {
    // Threads would take longer to meet than the smallest products take.
    guard let workers, threadCount > 1, images * convolution.multiplyAdds > 1 << 16 else {
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

  /// Where a slot's activations begin for one image: on the tape, if they are kept there.
  func activation(_ slot: Int, _ image: Int, _ tape: Tape?) -> UnsafeMutablePointer<Float> {
    tape?.activation(slot, image) ?? memory.pointer + layout.offset(slot, image)
  }

  private func gradient(_ slot: Int, _ image: Int) -> UnsafeMutablePointer<Float> {
    guard let gradientLayout else { preconditionFailure("workspace made without gradients") }
    return memory.pointer + gradientLayout.offset(slot, image)
  }
}
