import KernelTables

/// The kernels in whole numbers of eight bits as their definitions say them, one number at a time.
enum Integer8Reference: Integer8Kernels {
  static func gatheredProduct(_ arguments: GatheredByteArguments) {
    let (channels, target) = (arguments.inputChannels, arguments.requantization)
    for row in arguments.rows {
      let (image, pixel) = row.quotientAndRemainder(dividingBy: arguments.pixelCount)
      let position = image * arguments.outputImageStride + Int(arguments.destinations[pixel])
      for column in 0..<target.columns {
        var sum: Int32 = 0
        for run in 0..<arguments.runCount {
          let source = Int(arguments.sources[pixel * arguments.runCount + run])
          let x = arguments.input + image * arguments.imageStride + source
          for c in 0..<Int(arguments.lengths[run]) * channels {
            let place = Int(arguments.taps[run]) * channels + c
            let panel = arguments.weights + column / 16 * arguments.depth * 16
            sum += Int32(x[c]) * Int32(panel[place / 4 * 64 + column % 16 * 4 + place % 4])
          }
        }
        target.store(sum, at: position + column, column: column)
      }
    }
  }

  static func convolution(_ arguments: ByteConvolutionArguments) -> Bool { false }

  static func requantize(
    pixels: Int, input: UnsafePointer<UInt8>, _ requantization: Requantization
  ) {
    for row in 0..<pixels {
      for column in 0..<requantization.columns {
        let place = row * requantization.stride + column
        requantization.store(Int32(input[place]), at: place, column: column)
      }
    }
  }
}

extension Requantization {
  fileprivate func store(_ sum: Int32, at place: Int, column: Int) {
    var value = shift[column].addingProduct(Float(sum), scale[column])
    if let addend { value = value.addingProduct(Float(addend[place]), addendScale) }
    output[place] = UInt8(min(max(value, 0), 255).rounded(.toNearestOrEven))
  }
}
