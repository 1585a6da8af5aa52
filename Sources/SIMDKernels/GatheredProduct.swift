/// out[d] = activation(bias + Σ_t in[source(d, t)] · W[t] + addend[d]) for some of the destinations
/// of one group, whose taps all meet the image: rows `firstRow`..<`endRow` of [images × pixels].
///
/// Tiles of a few destinations × one or two vectors of output channels stay in registers while the
/// sum runs; every output is one chain of fused multiply-adds in the order (tap, input channel).
package func gatheredProduct(
  taps: UnsafePointer<Int32>, tapCount: Int,
  destinations: UnsafePointer<Int32>, sources: UnsafePointer<Int32>, pixelCount: Int,
  firstRow: Int, endRow: Int, sourceCount: Int, destinationCount: Int,
  input: UnsafePointer<Float>, inputChannels: Int,
  weights: UnsafePointer<Float>, depth: Int, outputChannels: Int,
  bias: UnsafePointer<Float>?, addend: UnsafePointer<Float>?, mask: UnsafePointer<Float>?,
  relu: Bool, output: UnsafeMutablePointer<Float>, outputStride: Int
) {
  let group = Group(
    taps: taps, tapCount: tapCount, destinations: destinations, sources: sources,
    pixelCount: pixelCount, firstRow: firstRow, endRow: endRow,
    imageStride: sourceCount * inputChannels,
    destinationCount: destinationCount, input: input, inputChannels: inputChannels)
  let finish = Finish(
    columns: outputChannels, stride: outputStride, addend: addend, mask: mask, relu: relu,
    output: output)
  let columns = wholePanels(outputChannels)
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
  let firstRow: Int
  let endRow: Int
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
  private var row: Int
  private var image: Int
  private var pixel: Int

  @inline(__always)
  init(_ group: Group) {
    row = group.firstRow
    (image, pixel) = row.quotientAndRemainder(dividingBy: group.pixelCount)
  }

  @inline(__always)
  mutating func next(_ group: Group) -> Place {
    let place = Place(
      sources: group.sources + pixel * group.tapCount,
      image: group.input + image * group.imageStride,
      position: image * group.destinationCount + Int(group.destinations[pixel]))
    row += 1
    if row < group.endRow {
      pixel += 1
      if pixel == group.pixelCount {
        pixel = 0
        image += 1
      }
    }
    return place
  }
}

/// Two vectors of output channels from `column` on.
@inline(never)
private func wideTiles(
  _ group: Group, _ weights: UnsafePointer<Float>, _ depth: Int, _ column: Int,
  _ bias: UnsafePointer<Float>?, _ finish: Finish
) {
  let channels = group.inputChannels
  let (left, right) = twoPanels(weights, depth: depth, column: column)
  let start = Row(bias, column)
  var cursor = Cursor(group)
  var row = group.firstRow
  while row < group.endRow {
    let places = TileArray<Place> { _ in cursor.next(group) }
    var tile = Tile(start)
    for tap in 0..<group.tapCount {
      let offset = Int(group.taps[tap]) * channels * panelWidth
      tile.add(
        TileInput { places[$0].source(tap, channels) }, left + offset, right + offset,
        depth: channels)
    }
    tile.forEachRow(group.endRow - row) {
      finish($1, places[$0].position, column, column + Vector.scalarCount, .other)
    }
    row += tileRows
  }
}

/// One vector of output channels from `column` on. Eight rows hide the latency of the sums.
@inline(never)
private func narrowTiles(
  _ group: Group, _ weights: UnsafePointer<Float>, _ depth: Int, _ column: Int,
  _ bias: UnsafePointer<Float>?, _ finish: Finish
) {
  let channels = group.inputChannels
  let left = panel(weights, depth: depth, column: column)
  let start = bias.map { load($0 + column) } ?? .zero
  var cursor = Cursor(group)
  var row = group.firstRow
  while row < group.endRow {
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
        r0 = fused(x0[c], b, r0)
        r1 = fused(x1[c], b, r1)
        r2 = fused(x2[c], b, r2)
        r3 = fused(x3[c], b, r3)
        r4 = fused(x4[c], b, r4)
        r5 = fused(x5[c], b, r5)
        r6 = fused(x6[c], b, r6)
        r7 = fused(x7[c], b, r7)
        l += panelWidth
      }
    }
    let rows = group.endRow - row
    finish(r0, p0.position, column)
    if rows > 1 { finish(r1, p1.position, column) }
    if rows > 2 { finish(r2, p2.position, column) }
    if rows > 3 { finish(r3, p3.position, column) }
    if rows > 4 { finish(r4, p4.position, column) }
    if rows > 5 { finish(r5, p5.position, column) }
    if rows > 6 { finish(r6, p6.position, column) }
    if rows > 7 { finish(r7, p7.position, column) }
    row += 8
  }
}
