/// out[d] = activation(bias + Σ_t in[source(d, t)] · W[t] + addend[d]) for the destinations of one
/// group, whose taps all meet the image.
///
/// Tiles of a few destinations × one or two vectors of output channels stay in registers while the
/// sum runs; every output is one chain of fused multiply-adds in the order (tap, input channel).
package func gatheredProduct(
  taps: UnsafePointer<Int32>, tapCount: Int,
  destinations: UnsafePointer<Int32>, sources: UnsafePointer<Int32>, pixelCount: Int,
  images: Int, sourceCount: Int, destinationCount: Int,
  input: UnsafePointer<Float>, inputChannels: Int,
  weights: UnsafePointer<Float>, depth: Int, outputChannels: Int,
  bias: UnsafePointer<Float>?, addend: UnsafePointer<Float>?, mask: UnsafePointer<Float>?,
  relu: Bool, output: UnsafeMutablePointer<Float>
) {
  let group = Group(
    taps: taps, tapCount: tapCount, destinations: destinations, sources: sources,
    pixelCount: pixelCount, rowCount: images * pixelCount, imageStride: sourceCount * inputChannels,
    destinationCount: destinationCount, input: input, inputChannels: inputChannels)
  let finish = Finish(
    outputChannels: outputChannels, addend: addend, mask: mask, relu: relu, output: output)
  let columns = (outputChannels + panelWidth - 1) / panelWidth * panelWidth
  var column = 0
  while column < columns {
    if columns - column >= 2 * Vector.scalarCount {
      wideTiles(group, weights, depth, column, bias, finish)
      column += 2 * Vector.scalarCount
    } else {
      narrowTiles(group, weights, depth, column, bias, finish)
      column += Vector.scalarCount
    }
  }
}

/// The rows of one group for all images.
private struct Group {
  let taps: UnsafePointer<Int32>
  let tapCount: Int
  let destinations: UnsafePointer<Int32>
  let sources: UnsafePointer<Int32>
  let pixelCount: Int
  let rowCount: Int
  let imageStride: Int
  let destinationCount: Int
  let input: UnsafePointer<Float>
  let inputChannels: Int
}

/// One row of a tile: where its sources are listed, the image they lie in, and where its sum goes.
private struct Place {
  var sources: UnsafePointer<Int32>
  var image: UnsafePointer<Float>
  var position: Int

  @inline(__always)
  func source(_ tap: Int, _ channels: Int) -> UnsafePointer<Float> {
    image + Int(sources[tap]) * channels
  }
}

/// Walks over the rows of a group; stays on the last one when there are no more.
private struct Cursor {
  var row = 0
  var image = 0
  var pixel = 0

  @inline(__always)
  mutating func next(_ group: Group) -> Place {
    let place = Place(
      sources: group.sources + pixel * group.tapCount,
      image: group.input + image * group.imageStride,
      position: image * group.destinationCount + Int(group.destinations[pixel]))
    row += 1
    if row < group.rowCount {
      pixel += 1
      if pixel == group.pixelCount {
        pixel = 0
        image += 1
      }
    }
    return place
  }
}

/// What happens to finished sums.
private struct Finish {
  let outputChannels: Int
  let addend: UnsafePointer<Float>?
  let mask: UnsafePointer<Float>?
  let relu: Bool
  let output: UnsafeMutablePointer<Float>

  @inline(__always)
  func callAsFunction(_ sum: Vector, _ place: Place, _ column: Int) {
    let start = place.position * outputChannels + column
    if column + Vector.scalarCount <= outputChannels {
      var value = sum
      if let addend { value += load(addend + start) }
      if relu { value.replace(with: 0, where: value .< 0) }
      if let mask { value.replace(with: 0, where: .!(load(mask + start) .> 0)) }
      store(value, output + start)
    } else {
      for lane in 0..<max(0, outputChannels - column) {
        var value = sum[lane]
        if let addend { value += addend[start + lane] }
        if relu, value < 0 { value = 0 }
        if let mask, !(mask[start + lane] > 0) { value = 0 }
        output[start + lane] = value
      }
    }
  }
}

#if AVX512
  private let tileRows = 8
#else
  private let tileRows = 6
#endif

/// Two vectors of output channels from `column` on.
@inline(never)
private func wideTiles(
  _ group: Group, _ weights: UnsafePointer<Float>, _ depth: Int, _ column: Int,
  _ bias: UnsafePointer<Float>?, _ finish: Finish
) {
  let channels = group.inputChannels
  let next = column + Vector.scalarCount
  let left = weights + column / panelWidth * depth * panelWidth + column % panelWidth
  let right = weights + next / panelWidth * depth * panelWidth + next % panelWidth
  let start = bias.map { Row(load($0 + column), load($0 + next)) } ?? Row(.zero, .zero)
  var cursor = Cursor()
  var row = 0
  while row < group.rowCount {
    let (p0, p1, p2) = (cursor.next(group), cursor.next(group), cursor.next(group))
    let (p3, p4, p5) = (cursor.next(group), cursor.next(group), cursor.next(group))
    var (r0, r1, r2, r3, r4, r5) = (start, start, start, start, start, start)
    #if AVX512
      let (p6, p7) = (cursor.next(group), cursor.next(group))
      var (r6, r7) = (start, start)
    #endif
    for tap in 0..<group.tapCount {
      let offset = Int(group.taps[tap]) * channels * panelWidth
      var (l, r) = (left + offset, right + offset)
      let (x0, x1, x2) = (
        p0.source(tap, channels), p1.source(tap, channels), p2.source(tap, channels)
      )
      let (x3, x4, x5) = (
        p3.source(tap, channels), p4.source(tap, channels), p5.source(tap, channels)
      )
      #if AVX512
        let (x6, x7) = (p6.source(tap, channels), p7.source(tap, channels))
      #endif
      for c in 0..<channels {
        let b = Row(load(l), load(r))
        r0.add(x0[c], b)
        r1.add(x1[c], b)
        r2.add(x2[c], b)
        r3.add(x3[c], b)
        r4.add(x4[c], b)
        r5.add(x5[c], b)
        #if AVX512
          r6.add(x6[c], b)
          r7.add(x7[c], b)
        #endif
        l += panelWidth
        r += panelWidth
      }
    }
    let rows = group.rowCount - row
    finish(r0, p0, column)
    if rows > 1 { finish(r1, p1, column) }
    if rows > 2 { finish(r2, p2, column) }
    if rows > 3 { finish(r3, p3, column) }
    if rows > 4 { finish(r4, p4, column) }
    if rows > 5 { finish(r5, p5, column) }
    #if AVX512
      if rows > 6 { finish(r6, p6, column) }
      if rows > 7 { finish(r7, p7, column) }
    #endif
    row += tileRows
  }
}

extension Finish {
  @inline(__always)
  fileprivate func callAsFunction(_ row: Row, _ place: Place, _ column: Int) {
    self(row.left, place, column)
    self(row.right, place, column + Vector.scalarCount)
  }
}

/// One vector of output channels from `column` on. Eight rows hide the latency of the sums.
@inline(never)
private func narrowTiles(
  _ group: Group, _ weights: UnsafePointer<Float>, _ depth: Int, _ column: Int,
  _ bias: UnsafePointer<Float>?, _ finish: Finish
) {
  let channels = group.inputChannels
  let left = weights + column / panelWidth * depth * panelWidth + column % panelWidth
  let start = bias.map { load($0 + column) } ?? .zero
  var cursor = Cursor()
  var row = 0
  while row < group.rowCount {
    let (p0, p1, p2, p3) = (
      cursor.next(group), cursor.next(group), cursor.next(group), cursor.next(group)
    )
    let (p4, p5, p6, p7) = (
      cursor.next(group), cursor.next(group), cursor.next(group), cursor.next(group)
    )
    var (r0, r1, r2, r3, r4, r5, r6, r7) = (start, start, start, start, start, start, start, start)
    for tap in 0..<group.tapCount {
      var l = left + Int(group.taps[tap]) * channels * panelWidth
      let (x0, x1, x2, x3) = (
        p0.source(tap, channels), p1.source(tap, channels), p2.source(tap, channels),
        p3.source(tap, channels)
      )
      let (x4, x5, x6, x7) = (
        p4.source(tap, channels), p5.source(tap, channels), p6.source(tap, channels),
        p7.source(tap, channels)
      )
      for c in 0..<channels {
        let b = load(l)
        r0 = r0.addingProduct(Vector(repeating: x0[c]), b)
        r1 = r1.addingProduct(Vector(repeating: x1[c]), b)
        r2 = r2.addingProduct(Vector(repeating: x2[c]), b)
        r3 = r3.addingProduct(Vector(repeating: x3[c]), b)
        r4 = r4.addingProduct(Vector(repeating: x4[c]), b)
        r5 = r5.addingProduct(Vector(repeating: x5[c]), b)
        r6 = r6.addingProduct(Vector(repeating: x6[c]), b)
        r7 = r7.addingProduct(Vector(repeating: x7[c]), b)
        l += panelWidth
      }
    }
    let rows = group.rowCount - row
    finish(r0, p0, column)
    if rows > 1 { finish(r1, p1, column) }
    if rows > 2 { finish(r2, p2, column) }
    if rows > 3 { finish(r3, p3, column) }
    if rows > 4 { finish(r4, p4, column) }
    if rows > 5 { finish(r5, p5, column) }
    if rows > 6 { finish(r6, p6, column) }
    if rows > 7 { finish(r7, p7, column) }
    row += 8
  }
}
