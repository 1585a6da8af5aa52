import Classification
import KernelTables

/// What a backward pass needs of the forward pass before it: of a ReLU's output only which numbers are positive, one bit
/// each, and whole activations only where an operator's derivative depends on them.
///
/// A class because the memory has one owner. Sendable although it is written to: one pass owns it at a time, and the
/// threads of that pass write to different parts.
package final class Tape: @unchecked Sendable {
  /// Images for which there is room.
  let capacity: Int
  private let values: AlignedBuffer
  private let signs: UnsafeMutablePointer<UInt8>
  private let layout: Layout

  package init(for plan: GradientPlan, capacity: Int) {
    self.capacity = capacity
    layout = plan.tape
    values = AlignedBuffer(uninitialized: layout.valueCount * capacity)
    signs = .allocate(capacity: max(1, layout.signCount * capacity))
  }

  deinit { signs.deallocate() }

  /// Where an image's activation is kept, if the slot's is.
  func activation(_ slot: Int, _ image: Int) -> UnsafeMutablePointer<Float>? {
    layout.values[slot].map { values.pointer + $0.start * capacity + image * $0.size }
  }

  /// Where an image's signs are kept, if the slot's are.
  func signs(_ slot: Int, _ image: Int) -> UnsafeMutablePointer<UInt8>? {
    layout.signs[slot].map { signs + $0.start * capacity + image * $0.size }
  }

  /// What is kept of every slot, for one image.
  package struct Layout: Sendable {
    struct Place: Sendable {
      var start: Int
      var size: Int
    }

    /// In floats.
    private(set) var values: [Place?]
    /// In bytes.
    private(set) var signs: [Place?]
    package private(set) var valueCount = 0
    package private(set) var signCount = 0

    /// - Parameters:
    ///   - kept: slots whose activations are kept.
    ///   - masking: those whose signs are.
    init(_ slots: [InferencePlan.Slot], kept: Set<Int>, masking: Set<Int>) {
      values = slots.map { _ in nil }
      signs = values
      for (slot, extents) in slots.enumerated() {
        if kept.contains(slot) {
          // Whole cache lines.
          let size = (extents.count + 15) / 16 * 16
          values[slot] = Place(start: valueCount, size: extents.count)
          valueCount += size
        }
        if masking.contains(slot) {
          let size = extents.pixels * Signs.stride(extents.channels)
          signs[slot] = Place(start: signCount, size: size)
          signCount += size
        }
      }
    }
  }
}
