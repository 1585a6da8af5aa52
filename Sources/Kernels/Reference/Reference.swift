import Classification
import KernelTables

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
            epilogue.finish(
              sum, row: image * gather.destinationCount + Int(destination), column: channel,
              of: outputChannels, output: output)
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
  /// Stores finished sums at their places in one column of the output, from a row on. Sums that are stored as they are have
  /// a loop of their own: 3% of a step of an attack on ResNet-8.
  func finish(
    _ sums: UnsafePointer<Float>, rows first: Int, count: Int, column: Int, of columns: Int,
    output: UnsafeMutablePointer<Float>
  ) {
    if addend == nil, case .identity = activation {
      var place = output + first * columns + column
      for number in 0..<count {
        place.pointee = sums[number]
        place += columns
      }
    } else {
      for number in 0..<count {
        finish(sums[number], row: first + number, column: column, of: columns, output: output)
      }
    }
  }

  /// Stores a finished sum at its place of the output, [rows, columns].
  func finish(
    _ sum: Float, row: Int, column: Int, of columns: Int, output: UnsafeMutablePointer<Float>
  ) {
    let position = row * columns + column
    let value = sum + (addend?[position] ?? 0)
    switch activation {
    case .identity: output[position] = value
    case .relu(let signs):
      output[position] = value < 0 ? 0 : value
      if let signs { Signs.set(value > 0, column, of: signs + row * Signs.stride(columns)) }
    case .mask(let signs):
      let isSet = Signs.isSet(column, of: signs + row * Signs.stride(columns))
      output[position] = isSet ? value : 0
    }
  }
}
