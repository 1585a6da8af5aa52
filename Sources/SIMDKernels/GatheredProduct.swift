/// out[d] = activation(bias + Σ_t in[source(d, t)] · W[t] + addend[d]) for some of the destinations
/// of one group, whose taps all meet the image: rows `firstRow`..<`endRow` of [images × pixels]. Its
/// taps come in runs of neighbours, whose sources are neighbours too.
///
/// Tiles of a few destinations × one or two vectors of output channels stay in registers while the
/// sum runs; every output is one chain of fused multiply-adds in the order (tap, input channel).
package func gatheredProduct(
  taps: UnsafePointer<Int32>, lengths: UnsafePointer<Int32>, runCount: Int,
  destinations: UnsafePointer<Int32>, sources: UnsafePointer<Int32>, pixelCount: Int,
  firstRow: Int, endRow: Int, sourceCount: Int, destinationCount: Int,
  input: UnsafePointer<Float>, inputChannels: Int,
  weights: UnsafePointer<Float>, depth: Int, outputChannels: Int,
  bias: UnsafePointer<Float>?, addend: UnsafePointer<Float>?, mask: UnsafePointer<Float>?,
  relu: Bool, output: UnsafeMutablePointer<Float>, outputStride: Int
) {
  let group = Group(
    taps: taps, lengths: lengths, runCount: runCount, destinations: destinations, sources: sources,
    pixelCount: pixelCount, firstRow: firstRow, endRow: endRow,
    imageStride: sourceCount * inputChannels,
    destinationCount: destinationCount, input: input, inputChannels: inputChannels)
  Finish(
    columns: outputChannels, stride: outputStride, addend: addend, mask: mask, relu: relu,
    output: output
  )(GatheredTiles(group: group, weights: weights, depth: depth, bias: bias))
}

/// The rows of one group for all images.
private struct Group {
  let taps: UnsafePointer<Int32>
  let lengths: UnsafePointer<Int32>
  let runCount: Int
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
  func source(_ run: Int, _ channels: Int) -> UnsafePointer<Float> {
    image + Int(sources[run]) * channels
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
      sources: group.sources + pixel * group.runCount,
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

/// Rows that lie anywhere, one or two vectors wide.
private struct Scattered<R: Finish.Rule>: RowReceiver {
  let finish: Finish
  let places: TileArray<Place>
  let column: Int
  let next: Int
  let rule: R.Type

  @inline(__always)
  func receive(_ number: Int, _ sums: Row) {
    finish.write(sums.left, places[number].position, column, rule)
    if next != column { finish.write(sums.right, places[number].position, next, rule) }
  }
}

private struct GatheredTiles: Finish.Loop {
  let group: Group
  let weights: UnsafePointer<Float>
  let depth: Int
  let bias: UnsafePointer<Float>?

  @inline(never)
  func run<R: Finish.Rule>(_ rule: R.Type, _ finish: Finish) {
    let columns = wholePanels(finish.columns)
    var column = 0
    while column < columns {
      let next = column + Vector.scalarCount
      // The last vector may be a lone one.
      tiles(column, next < columns ? next : column, rule, finish)
      column += 2 * Vector.scalarCount
    }
  }

  /// Two vectors of output channels from `column` and `next` on, or one if they are the same.
  @inline(__always)
  private func tiles<R: Finish.Rule>(
    _ column: Int, _ next: Int, _ rule: R.Type, _ finish: Finish
  ) {
    let channels = group.inputChannels
    let left = panel(weights, depth: depth, column: column)
    let right = panel(weights, depth: depth, column: next)
    let start = bias.map { Row(load($0 + column), load($0 + next)) } ?? Row(.zero, .zero)
    var cursor = Cursor(group)
    var row = group.firstRow
    while row < group.endRow {
      let places = TileArray<Place> { _ in cursor.next(group) }
      var tile = Tile(start)
      for run in 0..<group.runCount {
        let offset = Int(group.taps[run]) * channels * panelWidth
        let depth = Int(group.lengths[run]) * channels
        let sources = TileInput { places[$0].source(run, channels) }
        if next != column {
          tile.add(sources, left + offset, right + offset, depth: depth)
        } else {
          tile.addLone(sources, left + offset, depth: depth)
        }
      }
      let receiver = Scattered(
        finish: finish, places: places, column: column, next: next, rule: rule)
      if group.endRow - row >= tileRows {
        tile.hand(tileRows, to: receiver)
      } else {
        tile.hand(group.endRow - row, to: receiver)
      }
      row += tileRows
    }
  }
}
