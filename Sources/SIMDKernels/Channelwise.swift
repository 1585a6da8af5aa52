// Loops over rows of channels, [pixels, channels]. Channels are independent of each other, so they lie side by side
// in vectors without changing a sum's order: the result is the same bytes on every instruction set.

import KernelTables

extension Float32 {
  package static func channelwiseAffine(
    pixels: Int, channels: Int, input: UnsafePointer<Float>, scale: UnsafePointer<Float>,
    shift: UnsafePointer<Float>, addend: UnsafePointer<Float>?, relu: Bool,
    signs: UnsafeMutablePointer<UInt8>?, output: UnsafeMutablePointer<Float>
  ) {
    // Vectors by hand: the compiler would ask at every pixel whether the arrays overlap.
    let whole = channels / Vector.scalarCount * Vector.scalarCount
    let signStride = Signs.stride(channels)
    var start = 0
    for pixel in 0..<pixels {
      let signs = signs.map { $0 + pixel * signStride }
      var c = 0
      while c < whole {
        var value = load(input + (start + c)) * load(scale + c) + load(shift + c)
        if let addend { value += load(addend + (start + c)) }
        if relu { value.replace(with: 0, where: value .< 0) }
        if let signs { storeSigns(value, signs, c) }
        store(value, output + (start + c))
        c += Vector.scalarCount
      }
      while c < channels {
        var value = input[start + c] * scale[c] + shift[c]
        if let addend { value += addend[start + c] }
        if let signs { Signs.set(value > 0, c, of: signs) }
        output[start + c] = relu && value < 0 ? 0 : value
        c += 1
      }
      start += channels
    }
  }

  package static func channelwiseSum(
    pixels: Int, channels: Int, input: UnsafePointer<Float>, sums: UnsafeMutablePointer<Float>
  ) {
    forEachPair(of: channels) { left, right in
      var sum = Row(.zero, .zero)
      var pixel = input
      for _ in 0..<pixels {
        sum.left += load(pixel + left)
        sum.right += load(pixel + right)
        pixel += channels
      }
      store(sum, sums, left, right)
    } ofOne: { c in
      sums[c] = 0
      for pixel in 0..<pixels { sums[c] += input[pixel * channels + c] }
    }
  }

  package static func channelwiseSquaredDeviation(
    pixels: Int, channels: Int, input: UnsafePointer<Float>, mean: UnsafePointer<Float>,
    sums: UnsafeMutablePointer<Float>
  ) {
    forEachPair(of: channels) { left, right in
      let means = Row(load(mean + left), load(mean + right))
      var sum = Row(.zero, .zero)
      var pixel = input
      for _ in 0..<pixels {
        let deviation = Row(load(pixel + left) - means.left, load(pixel + right) - means.right)
        sum.left += deviation.left * deviation.left
        sum.right += deviation.right * deviation.right
        pixel += channels
      }
      store(sum, sums, left, right)
    } ofOne: { c in
      sums[c] = 0
      for pixel in 0..<pixels {
        let deviation = input[pixel * channels + c] - mean[c]
        sums[c] += deviation * deviation
      }
    }
  }

  package static func channelwiseGradientSums(
    pixels: Int, channels: Int, gradient: UnsafePointer<Float>, signs: UnsafePointer<UInt8>?,
    input: UnsafePointer<Float>, mean: UnsafePointer<Float>, factor: UnsafePointer<Float>,
    sums: UnsafeMutablePointer<Float>, products: UnsafeMutablePointer<Float>
  ) {
    let signStride = Signs.stride(channels)
    forEachPair(of: channels) { left, right in
      let means = Row(load(mean + left), load(mean + right))
      let factors = Row(load(factor + left), load(factor + right))
      var (sum, product) = (Row(.zero, .zero), Row(.zero, .zero))
      var (start, row) = (0, signs)
      for _ in 0..<pixels {
        var g = Row(load(gradient + (start + left)), load(gradient + (start + right)))
        if let signs = row {
          g = Row(masked(g.left, signs, left), masked(g.right, signs, right))
          row = signs + signStride
        }
        sum.left += g.left
        sum.right += g.right
        product.left += g.left * (load(input + (start + left)) - means.left) * factors.left
        product.right += g.right * (load(input + (start + right)) - means.right) * factors.right
        start += channels
      }
      store(sum, sums, left, right)
      store(product, products, left, right)
    } ofOne: { c in
      sums[c] = 0
      products[c] = 0
      var place = c
      for pixel in 0..<pixels {
        let isKept = signs.map { Signs.isSet(c, of: $0 + pixel * signStride) } ?? true
        let g = isKept ? gradient[place] : 0
        sums[c] += g
        products[c] += g * (input[place] - mean[c]) * factor[c]
        place += channels
      }
    }
  }

  package static func channelwiseGradient(
    pixels: Int, channels: Int, gradient: UnsafePointer<Float>, signs: UnsafePointer<UInt8>?,
    input: UnsafePointer<Float>, mean: UnsafePointer<Float>, a: UnsafePointer<Float>,
    b: UnsafePointer<Float>, d: UnsafePointer<Float>, kept: UnsafeMutablePointer<Float>?,
    output: UnsafeMutablePointer<Float>
  ) {
    let whole = channels / Vector.scalarCount * Vector.scalarCount
    let signStride = Signs.stride(channels)
    var start = 0
    for pixel in 0..<pixels {
      let signs = signs.map { $0 + pixel * signStride }
      var c = 0
      while c < whole {
        let place = start + c
        var g = load(gradient + place)
        if let signs { g = masked(g, signs, c) }
        if let kept { store(g, kept + place) }
        let deviation = load(input + place) - load(mean + c)
        store(load(a + c) * g - load(b + c) * deviation - load(d + c), output + place)
        c += Vector.scalarCount
      }
      while c < channels {
        let place = start + c
        let isKept = signs.map { Signs.isSet(c, of: $0) } ?? true
        let g = isKept ? gradient[place] : 0
        if let kept { kept[place] = g }
        output[place] = a[c] * g - b[c] * (input[place] - mean[c]) - d[c]
        c += 1
      }
      start += channels
    }
  }
}

/// Calls `body` with where two vectors of channels begin, whose sums stay in registers over all pixels, and `ofOne`
/// with every channel that is left over. A last vector that is alone is both.
@inline(__always)
private func forEachPair(
  of channels: Int, _ body: (_ left: Int, _ right: Int) -> Void, ofOne: (_ channel: Int) -> Void
) {
  let whole = channels / Vector.scalarCount * Vector.scalarCount
  var channel = 0
  while channel < whole {
    body(channel, min(channel + Vector.scalarCount, whole - Vector.scalarCount))
    channel += 2 * Vector.scalarCount
  }
  for channel in whole..<channels { ofOne(channel) }
}

/// Stores the values of two vectors of channels.
@inline(__always)
private func store(_ row: Row, _ values: UnsafeMutablePointer<Float>, _ left: Int, _ right: Int) {
  store(row.left, values + left)
  store(row.right, values + right)
}
