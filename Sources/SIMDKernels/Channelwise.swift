// Loops over rows of channels, [pixels, channels]. Channels are independent of each other, so the
// compiler may put them side by side in vectors without changing a sum's order: the result is the
// same bytes on every instruction set.

internal import CVector

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

  package static func channelwiseGradientSums(
    pixels: Int, channels: Int, gradient: UnsafePointer<Float>, rectified: UnsafePointer<Float>?,
    input: UnsafePointer<Float>, mean: UnsafePointer<Float>, factor: UnsafePointer<Float>,
    sums: UnsafeMutablePointer<Float>, products: UnsafeMutablePointer<Float>
  ) {
    // The sums of a few channels stay in registers over all pixels.
    let whole = channels / Vector.scalarCount * Vector.scalarCount
    var c = 0
    while c < whole {
      let (mean, factor) = (load(mean + c), load(factor + c))
      var (sum, product) = (Vector.zero, Vector.zero)
      var place = c
      for _ in 0..<pixels {
        var g = load(gradient + place)
        if let rectified { g = kept(g, wherePositive: load(rectified + place)) }
        sum += g
        product += g * (load(input + place) - mean) * factor
        place += channels
      }
      store(sum, sums + c)
      store(product, products + c)
      c += Vector.scalarCount
    }
    while c < channels {
      sums[c] = 0
      products[c] = 0
      var place = c
      for _ in 0..<pixels {
        let g = rectified.map { $0[place] > 0 } ?? true ? gradient[place] : 0
        sums[c] += g
        products[c] += g * (input[place] - mean[c]) * factor[c]
        place += channels
      }
      c += 1
    }
  }

  package static func channelwiseGradient(
    pixels: Int, channels: Int, gradient: UnsafePointer<Float>, rectified: UnsafePointer<Float>?,
    input: UnsafePointer<Float>, mean: UnsafePointer<Float>, a: UnsafePointer<Float>,
    b: UnsafePointer<Float>, d: UnsafePointer<Float>, masked: UnsafeMutablePointer<Float>?,
    output: UnsafeMutablePointer<Float>
  ) {
    let whole = channels / Vector.scalarCount * Vector.scalarCount
    var start = 0
    for _ in 0..<pixels {
      var c = 0
      while c < whole {
        let place = start + c
        var g = load(gradient + place)
        if let rectified { g = kept(g, wherePositive: load(rectified + place)) }
        if let masked { store(g, masked + place) }
        let deviation = load(input + place) - load(mean + c)
        store(load(a + c) * g - load(b + c) * deviation - load(d + c), output + place)
        c += Vector.scalarCount
      }
      while c < channels {
        let place = start + c
        let g = rectified.map { $0[place] > 0 } ?? true ? gradient[place] : 0
        if let masked { masked[place] = g }
        output[place] = a[c] * g - b[c] * (input[place] - mean[c]) - d[c]
        c += 1
      }
      start += channels
    }
  }
}

/// The lanes of a vector where another is positive, 0 elsewhere.
@inline(__always)
private func kept(_ values: Vector, wherePositive other: Vector) -> Vector {
  #if AVX512
    keep_positive_16(values, other)
  #elseif AVX2
    keep_positive_8(values, other)
  #else
    keep_positive_4(values, other)
  #endif
}
