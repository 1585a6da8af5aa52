import Classification

/// The matrices W[t] of a gathered product in the order in which a kernel set reads them:
/// panels of a few output channels, within a panel tap by tap, input channel by input channel.
/// The last panel is filled up with zeros.
public struct PackedWeights: Sendable {
  /// Output channels of one panel.
  public let panelWidth: Int
  /// Taps × input channels: the rows of a panel.
  public let depth: Int
  /// Channels of the output, the columns of every W[t].
  public let outputChannels: Int
  private let buffer: AlignedBuffer

  /// The packed values, [panels, taps, inputs, panelWidth].
  package var pointer: UnsafePointer<Float> { UnsafePointer(buffer.pointer) }

  /// The number of panels.
  package var panelCount: Int { (outputChannels + panelWidth - 1) / panelWidth }

  /// How far apart neighbours lie in the weights to be packed.
  public struct Strides: Sendable {
    /// Floats from one tap to the next.
    public var tap: Int
    /// Floats from one input channel to the next.
    public var input: Int
    /// Floats from one output channel to the next.
    public var output: Int

    /// The three strides, in floats.
    public init(tap: Int, input: Int, output: Int) {
      self.tap = tap
      self.input = input
      self.output = output
    }
  }

  /// The packed form of W[t][c][o] = weights[t · strides.tap + c · strides.input + o ·
  /// strides.output].
  public init(
    for kernels: KernelSet, taps: Int, inputChannels: Int, outputChannels: Int,
    weights: UnsafePointer<Float>, strides: Strides
  ) {
    panelWidth = kernels.panelWidth(outputChannels: outputChannels)
    depth = taps * inputChannels
    self.outputChannels = outputChannels
    let panels = (outputChannels + panelWidth - 1) / panelWidth
    buffer = AlignedBuffer(uninitialized: panels * depth * panelWidth)
    var place = buffer.pointer
    for panel in 0..<panels {
      let firstOutput = panel * panelWidth
      let filled = min(panelWidth, outputChannels - firstOutput)
      for tap in 0..<taps {
        for input in 0..<inputChannels {
          let row =
            weights + tap * strides.tap + input * strides.input
            + firstOutput * strides.output
          for column in 0..<filled { place[column] = row[column * strides.output] }
          for column in filled..<panelWidth { place[column] = 0 }
          place += panelWidth
        }
      }
    }
  }

  /// The transforms of 3×3 kernels for Winograd's algorithm, one tap for every point of a tile.
  init(transforming weights: PackedWeights, for tiles: WinogradTiles, kernels: KernelSet) {
    panelWidth = weights.panelWidth
    outputChannels = weights.outputChannels
    let channels = weights.depth / 9
    depth = tiles.pointCount * channels
    buffer = AlignedBuffer(uninitialized: weights.panelCount * depth * panelWidth)
    let half = AlignedBuffer(uninitialized: 3 * 6 * 16)
    kernels.float32.winogradWeights(
      outputExtent: tiles.outputExtent, panels: weights.panelCount, channels: channels,
      weights: weights.pointer, result: buffer.pointer, half: half.pointer)
  }
}
