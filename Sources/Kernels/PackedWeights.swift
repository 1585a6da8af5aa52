/// The matrices W[t] of a gathered product in the order in which a kernel set reads them:
/// panels of a few output channels, within a panel tap by tap, input channel by input channel.
/// The last panel is filled up with zeros.
public struct PackedWeights: Sendable {
  /// Output channels of one panel.
  public let panelWidth: Int
  /// Taps × input channels.
  public let depth: Int
  /// Columns of every W[t].
  public let outputChannels: Int
  private let buffer: AlignedBuffer

  /// The packed values, [panels, taps, inputs, panelWidth].
  package var pointer: UnsafePointer<Float> { UnsafePointer(buffer.pointer) }

  /// The number of panels.
  package var panelCount: Int { (outputChannels + panelWidth - 1) / panelWidth }

  /// The packed form of a function of (tap, input channel, output channel).
  public init(
    for kernels: KernelSet, taps: Int, inputChannels: Int, outputChannels: Int,
    weight: (_ tap: Int, _ input: Int, _ output: Int) -> Float
  ) {
    panelWidth = kernels.panelWidth(outputChannels: outputChannels)
    depth = taps * inputChannels
    self.outputChannels = outputChannels
    let panels = (outputChannels + panelWidth - 1) / panelWidth
    buffer = AlignedBuffer(uninitialized: panels * depth * panelWidth)
    var place = buffer.pointer
    for panel in 0..<panels {
      for tap in 0..<taps {
        for input in 0..<inputChannels {
          for column in 0..<panelWidth {
            let output = panel * panelWidth + column
            place.pointee = output < outputChannels ? weight(tap, input, output) : 0
            place += 1
          }
        }
      }
    }
  }
}
