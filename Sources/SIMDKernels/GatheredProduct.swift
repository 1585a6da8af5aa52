import KernelTables

extension Float32 {
  /// Tiles of a few destinations × one or two vectors of output channels stay in registers while the
  /// sum runs.
  package static func gatheredProduct(_ arguments: GatheredProductArguments) {
    arguments.finish(GatheredTiles(problem: arguments))
  }
}

/// One row of a tile: where its sources are listed, the image they lie in, and the row of the output
/// where its sum goes.
private struct Place {
  var sources: UnsafePointer<Int32>
  var image: UnsafePointer<Float>
  var position: Int

  @inline(__always)
  func source(_ run: Int, _ channels: Int) -> UnsafePointer<Float> {
    image + Int(sources[run]) * channels
  }
}

/// Walks over the rows of a group. Behind the last one it gives that again, to fill up a tile; such sums
/// are not stored.
private struct Cursor {
  private var row: Int
  private var image: Int
  private var pixel: Int

  @inline(__always)
  init(_ group: GatheredProductArguments) {
    row = group.firstRow
    (image, pixel) = row.quotientAndRemainder(dividingBy: group.pixelCount)
  }

  @inline(__always)
  mutating func next(_ group: GatheredProductArguments) -> Place {
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

/// Stores the sums of rows that lie anywhere in the output, one or two vectors wide.
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
  let problem: GatheredProductArguments

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
    let channels = problem.inputChannels
    let left = panel(problem.weights, depth: problem.depth, column: column)
    let right = panel(problem.weights, depth: problem.depth, column: next)
    let start = problem.bias.map { Row(load($0 + column), load($0 + next)) } ?? Row(.zero, .zero)
    var cursor = Cursor(problem)
    var row = problem.firstRow
    while row < problem.endRow {
      let places = TileArray<Place> { _ in cursor.next(problem) }
      var tile = Tile(start)
      for run in 0..<problem.runCount {
        let offset = Int(problem.taps[run]) * channels * panelWidth
        let depth = Int(problem.lengths[run]) * channels
        let sources = TileInput { places[$0].source(run, channels) }
        if next != column {
          tile.add(sources, left + offset, right + offset, depth: depth)
        } else {
          tile.addLone(sources, left + offset, depth: depth)
        }
      }
      let receiver = Scattered(
        finish: finish, places: places, column: column, next: next, rule: rule)
      if problem.endRow - row >= tileRows {
        tile.hand(tileRows, to: receiver)
      } else {
        tile.hand(problem.endRow - row, to: receiver)
      }
      row += tileRows
    }
  }
}
