// Loops over rows of channels, [pixels, channels]. Channels are independent of each other, so the
// compiler may put them side by side in vectors without changing a sum's order: the result is the
// same bytes on every instruction set.

extension Float32 {
  package static func channelwiseAffine(
    pixels: Int, channels: Int, input: UnsafePointer<Float>, scale: UnsafePointer<Float>,
    shift: UnsafePointer<Float>, addend: UnsafePointer<Float>?, relu: Bool,
    output: UnsafeMutablePointer<Float>
  ) {
    // One loop per variant: a test inside would keep the loop from being vectorised.
    var start = 0
    for _ in 0..<pixels {
      if let addend {
        if relu {
          for c in 0..<channels {
            let v = input[start + c] * scale[c] + shift[c] + addend[start + c]
            output[start + c] = v < 0 ? 0 : v
          }
        } else {
          for c in 0..<channels {
            output[start + c] = input[start + c] * scale[c] + shift[c] + addend[start + c]
          }
        }
      } else if relu {
        for c in 0..<channels {
          let v = input[start + c] * scale[c] + shift[c]
          output[start + c] = v < 0 ? 0 : v
        }
      } else {
        for c in 0..<channels { output[start + c] = input[start + c] * scale[c] + shift[c] }
      }
      start += channels
    }
  }

  package static func channelwiseSum(
    pixels: Int, channels: Int, input: UnsafePointer<Float>, sums: UnsafeMutablePointer<Float>
  ) {
    for c in 0..<channels { sums[c] = 0 }
    var start = 0
    for _ in 0..<pixels {
      for c in 0..<channels { sums[c] += input[start + c] }
      start += channels
    }
  }

  package static func channelwiseSquaredDeviation(
    pixels: Int, channels: Int, input: UnsafePointer<Float>, mean: UnsafePointer<Float>,
    sums: UnsafeMutablePointer<Float>
  ) {
    for c in 0..<channels { sums[c] = 0 }
    var start = 0
    for _ in 0..<pixels {
      for c in 0..<channels {
        let deviation = input[start + c] - mean[c]
        sums[c] += deviation * deviation
      }
      start += channels
    }
  }

  package static func mask(
    count: Int, gradient: UnsafeMutablePointer<Float>, output: UnsafePointer<Float>
  ) {
    for position in 0..<count {
      gradient[position] = output[position] > 0 ? gradient[position] : 0
    }
  }

  package static func channelwiseGradientSums(
    pixels: Int, channels: Int, gradient: UnsafePointer<Float>, input: UnsafePointer<Float>,
    mean: UnsafePointer<Float>, factor: UnsafePointer<Float>, sums: UnsafeMutablePointer<Float>,
    products: UnsafeMutablePointer<Float>
  ) {
    for c in 0..<channels {
      sums[c] = 0
      products[c] = 0
    }
    var start = 0
    for _ in 0..<pixels {
      for c in 0..<channels {
        let g = gradient[start + c]
        sums[c] += g
        products[c] += g * (input[start + c] - mean[c]) * factor[c]
      }
      start += channels
    }
  }

  package static func channelwiseGradient(
    pixels: Int, channels: Int, gradient: UnsafePointer<Float>, input: UnsafePointer<Float>,
    mean: UnsafePointer<Float>, a: UnsafePointer<Float>, b: UnsafePointer<Float>,
    d: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>
  ) {
    var start = 0
    for _ in 0..<pixels {
      for c in 0..<channels {
        output[start + c] = a[c] * gradient[start + c] - b[c] * (input[start + c] - mean[c]) - d[c]
      }
      start += channels
    }
  }
}
