import Classification

/// The products as their definitions say them, one number at a time.
enum Reference {
  static func multiply(
    _ gather: Gather, images: Int, input: UnsafePointer<Float>, inputChannels: Int,
    weights: PackedWeights, bias: UnsafePointer<Float>?, epilogue: Epilogue,
    output: UnsafeMutablePointer<Float>
  ) {
    let outputChannels = weights.outputChannels
    for image in 0..<images {
      for group in gather.groups {
        for (place, destination) in group.destinations.enumerated() {
          let terms = group.terms(of: place)
          for channel in 0..<outputChannels {
            let panel =
              weights.pointer + channel / weights.panelWidth * weights.depth * weights.panelWidth
            var sum = bias?[channel] ?? 0
            for (tap, source) in terms {
              for c in 0..<inputChannels {
                let x = input[(image * gather.sourceCount + source) * inputChannels + c]
                let row = tap * inputChannels + c
                let w = panel[row * weights.panelWidth + channel % weights.panelWidth]
                sum.addProduct(x, w)
              }
            }
            let position =
              (image * gather.destinationCount + Int(destination)) * outputChannels + channel
            output[position] = epilogue(sum, at: position)
          }
        }
      }
    }
  }

  static func outerProduct(
    _ gather: Gather, images: Int, input: UnsafePointer<Float>, inputChannels: Int,
    outputGradient: UnsafePointer<Float>, columns: Int, result: UnsafeMutablePointer<Float>
  ) {
    result.update(repeating: 0, count: gather.tapCount * inputChannels * columns)
    for (tap, pairs) in gather.pairs.enumerated() {
      for c in 0..<inputChannels {
        let row = result + (tap * inputChannels + c) * columns
        for image in 0..<images {
          for (source, destination) in zip(pairs.sources, pairs.destinations) {
            let x = input[(image * gather.sourceCount + Int(source)) * inputChannels + c]
            let g = outputGradient + (image * gather.destinationCount + Int(destination)) * columns
            for column in 0..<columns { row[column].addProduct(x, g[column]) }
          }
        }
      }
    }
  }
}

extension Epilogue {
  /// The stored value for a finished sum at a position of the output.
  func callAsFunction(_ sum: Float, at position: Int) -> Float {
    let value = sum + (addend?[position] ?? 0)
    return switch activation {
    case .identity: value
    case .relu: value < 0 ? 0 : value
    case .mask(let reference): reference[position] > 0 ? value : 0
    }
  }
}
