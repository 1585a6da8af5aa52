import Classification
import KernelTables
import Kernels

/// The memory to run a quantized plan on batches up to a capacity; as `Workspace`, lent to one call at a time.
package final class QuantizedWorkspace: @unchecked Sendable {
  let plan: QuantizedPlan
  let capacity: Int
  let threadCount: Int
  private let layout: ActivationLayout
  /// Bytes for one number of the layout: more than one where channels do not fill whole panels.
  private let enlargement: Int
  private let activations: AlignedBuffer
  private let image: AlignedBuffer
  private let floats: AlignedBuffer
  /// Where the floats of a slot begin for one image, by slot.
  private let floatOffsets: [Int]
  private let floatCount: Int

  init(for plan: QuantizedPlan, capacity: Int, threadCount: Int) {
    self.plan = plan
    self.capacity = capacity
    self.threadCount = threadCount
    let slots = plan.float.slots
    layout = plan.float.layout(images: capacity)
    enlargement =
      slots.indices.dropFirst().map {
        (plan.stride($0) + slots[$0].channels - 1) / slots[$0].channels
      }.max()
      ?? 1
    // The kernels read four bytes at a time, which may end behind a pixel's last channel.
    activations = AlignedBuffer(uninitialized: (layout.count * enlargement + 3) / 4 + 16)
    image = AlignedBuffer(uninitialized: capacity * slots[0].pixels * plan.stride(0) / 4 + 16)
    image.pointer.update(repeating: 0, count: image.count)
    var (offsets, count) = ([Int](repeating: 0, count: slots.count), 0)
    for slot in slots.indices where plan.forms[slot] == .floats {
      offsets[slot] = count
      count += (slots[slot].count + 15) / 16 * 16
    }
    (floatOffsets, floatCount) = (offsets, count)
    floats = AlignedBuffer(uninitialized: count * capacity)
  }

  /// Pixels [images, C, H, W] → logits [images, L]. With workers, the threads share every product.
  func forward(
    _ pixels: UnsafePointer<Float>, images: Int, logits: UnsafeMutablePointer<Float>,
    workers: WorkerPool? = nil, passed: (Workspace.Stage) -> Void = { _ in }
  ) {
    precondition(images <= capacity)
    for (number, segment) in plan.float.segments.enumerated() {
      for first in stride(from: 0, to: images, by: segment.images) {
        let range = first..<min(first + segment.images, images)
        if number == 0 {
          write(pixels + first * plan.imageShape.count, images: range)
          passed(.input)
        }
        for index in segment.steps {
          run(plan.steps[index], images: range, workers: workers)
          passed(.step(index))
        }
      }
    }
    let last = plan.forms.count - 1
    for image in 0..<images {
      (logits + image * plan.classCount).update(from: floats(last, image), count: plan.classCount)
    }
  }

  /// Pixels [images, C, H, W] as [images, H, W, 2, C], two bytes with the sum ⌊510 · p⌉ each.
  private func write(_ source: UnsafePointer<Float>, images: Range<Int>) {
    let (count, channels) = (plan.float.slots[0].pixels, plan.imageShape.channels)
    let stride = plan.stride(0)
    for image in images {
      let target = bytes(0, image)
      for channel in 0..<channels {
        let plane = source + ((image - images.lowerBound) * channels + channel) * count
        if stride == 8 {
          let words = UnsafeMutableRawPointer(target).assumingMemoryBound(to: UInt64.self)
          Self.write(plane, count, channel, of: channels, to: words)
        } else {
          for pixel in 0..<count {
            let (first, second) = Self.halves(plane[pixel])
            target[pixel * stride + channel] = UInt8(truncatingIfNeeded: first)
            target[pixel * stride + channels + channel] = UInt8(truncatingIfNeeded: second)
          }
        }
      }
    }
  }

  /// Writes a channel of pixels of eight bytes, in ascending order of channels: the first one clears the others.
  private static func write(
    _ plane: UnsafePointer<Float>, _ count: Int, _ channel: Int, of channels: Int,
    to words: UnsafeMutablePointer<UInt64>
  ) {
    let places = (UInt64(8 * channel), UInt64(8 * (channels + channel)))
    func word(_ pixel: Int) -> UInt64 {
      let (first, second) = halves(plane[pixel])
      return UInt64(first) &<< places.0 | UInt64(second) &<< places.1
    }
    if channel == 0 {
      for pixel in 0..<count { words[pixel] = word(pixel) }
    } else {
      for pixel in 0..<count { words[pixel] |= word(pixel) }
    }
  }

  /// Two bytes with the sum ⌊510 · p⌉. As in the kernels: behind the sum there is no room for a fraction.
  @inline(__always)
  package static func halves(_ pixel: Float) -> (UInt32, UInt32) {
    let sum = (max(0, min(510, 510 * pixel)) + 12_582_912).bitPattern & 511
    return (sum / 2, sum - sum / 2)
  }

  // MARK: Steps

  private func run(_ step: QuantizedPlan.Step, images: Range<Int>, workers: WorkerPool?) {
    let first = images.lowerBound
    let table = plan.float.kernels.integer8
    let (from, to) = (plan.float.slots[step.input], plan.float.slots[step.output])
    switch step.core {
    case .product(let product):
      let (input, output) = (bytes(step.input, first), bytes(step.output, first))
      let addend = step.addend.map { UnsafePointer(bytes($0, first)) }
      guard let workers, threadCount > 1 else {
        product.run(
          on: table, images: images.count, input: input, addend: addend, output: output)
        return
      }
      nonisolated(unsafe) let (from, added, to) = (UnsafePointer(input), addend, output)
      workers.forEach(count: threadCount) { [threadCount] part in
        product.run(
          on: table, images: images.count, input: from, addend: added, output: to,
          part: PreparedConvolution.Part(part, of: threadCount))
      }
    case .affine(let map):
      requantize(
        bytes(step.input, first), pixels: images.count * from.pixels, map,
        addend: step.addend.map { UnsafePointer(bytes($0, first)) }, to: step.output, first)
    case .maximum(let pooling):
      forEachWindow(pooling, step, images) { input, channels, places, output in
        for c in 0..<channels {
          var largest: UInt8 = 0
          for place in places { largest = max(largest, input[place + c]) }
          output[c] = largest
        }
      }
    case .mean(let pooling, let map, let zero):
      let countsPadding = pooling.kind == .average(countsPadding: true)
      let window = pooling.window.height * pooling.window.width
      map.scale.withUnsafePointer { scale in
        map.shift.withUnsafePointer { shift in
          forEachWindow(pooling, step, images) { input, channels, places, output in
            let count = countsPadding ? window : places.count
            let share = 1 / Float(count)
            for c in 0..<channels {
              let sum = places.reduce(Int32(count - places.count) * zero) {
                $0 + Int32(input[$1 + c])
              }
              let value = shift[c].addingProduct(Float(sum) * share, scale[c])
              output[c] = UInt8(max(0, min(255, value)).rounded(.toNearestOrEven))
            }
          }
        }
      }
    case .overall(let factor, let shift):
      // Whole panels of 16 channels.
      typealias Sums = SIMD16<UInt32>
      let stride = plan.stride(step.input)
      for image in images {
        let input = UnsafeRawPointer(bytes(step.input, image))
        let output = floats(step.output, image)
        for first in Swift.stride(from: 0, to: from.channels, by: 16) {
          var sums = Sums()
          for pixel in 0..<from.pixels {
            let bytes = (input + pixel * stride + first).loadUnaligned(as: SIMD16<UInt8>.self)
            sums &+= Sums(truncatingIfNeeded: bytes)
          }
          for c in first..<min(first + 16, from.channels) {
            output[c] = shift.addingProduct(Float(sums[c - first]), factor)
          }
        }
      }
    case .float(let core):
      for image in images {
        let (input, output) = (floats(step.input, image), floats(step.output, image))
        let addend = step.addend.map { UnsafePointer(floats($0, image)) }
        switch core {
        case .product(let product):
          product.bias.withUnsafePointer { bias in
            product.convolution.run(
              images: 1, input: input, bias: bias,
              epilogue: Epilogue(addend: addend, activation: step.relu ? .relu : .identity),
              output: output, scratch: nil)
          }
        case .affine(let scale, let shift):
          scale.withUnsafePointer { scale in
            shift.withUnsafePointer { shift in
              plan.floatKernels.float32.channelwiseAffine(
                pixels: 1, channels: to.channels, input: input, scale: scale, shift: shift,
                addend: addend, relu: step.relu, signs: nil, output: output)
            }
          }
        case .other(let operation):
          operation.run(Operands(input), images: 1, kernels: plan.floatKernels, to: output)
        }
      }
    }
  }

  private func requantize(
    _ input: UnsafePointer<UInt8>, pixels: Int, _ map: QuantizedPlan.ByteMap,
    addend: UnsafePointer<UInt8>?, to slot: Int, _ first: Int
  ) {
    let stride = plan.stride(slot)
    map.scale.withUnsafePointer { scale in
      map.shift.withUnsafePointer { shift in
        plan.float.kernels.integer8.requantize(
          pixels: pixels, input: input,
          Requantization(
            columns: stride, stride: stride, scale: scale, shift: shift, addend: addend,
            addendScale: map.addendScale, output: bytes(slot, first)))
      }
    }
  }

  /// Calls `body` with every window: the image, its channels, where the window's pixels begin, the pixel of the output.
  private func forEachWindow(
    _ pooling: Pooling, _ step: QuantizedPlan.Step, _ images: Range<Int>,
    _ body: (UnsafePointer<UInt8>, Int, [Int], UnsafeMutablePointer<UInt8>) -> Void
  ) {
    let (from, to) = (plan.stride(step.input), plan.stride(step.output))
    let windows = (0..<pooling.extents.pixels).map { pixel in
      let (rows, columns) = pooling.window.seen(pixel, of: pooling.extents, in: pooling.input)
      return rows.flatMap { row in columns.map { (row * pooling.input.width + $0) * from } }
    }
    for image in images {
      let output = bytes(step.output, image)
      output.update(repeating: 0, count: pooling.extents.pixels * to)
      for (pixel, places) in windows.enumerated() {
        body(bytes(step.input, image), pooling.extents.channels, places, output + pixel * to)
      }
    }
  }

  // MARK: Places

  private func bytes(_ slot: Int, _ image: Int) -> UnsafeMutablePointer<UInt8> {
    let size = plan.float.slots[slot].pixels * plan.stride(slot)
    if slot == 0 {
      return UnsafeMutableRawPointer(self.image.pointer).assumingMemoryBound(to: UInt8.self)
        + image * size
    }
    return UnsafeMutableRawPointer(activations.pointer).assumingMemoryBound(to: UInt8.self)
      + layout.offsets[slot] * enlargement + layout.place(image, of: slot) * size
  }

  private func floats(_ slot: Int, _ image: Int) -> UnsafeMutablePointer<Float> {
    floats.pointer + image * floatCount + floatOffsets[slot]
  }
}
