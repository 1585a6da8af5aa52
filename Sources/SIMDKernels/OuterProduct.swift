extension Float32 {
  package static func outerProduct(
    rows: Int, input: UnsafePointer<Float>, channels: Int, gradient: UnsafePointer<Float>,
    columns: Int, isFirst: Bool, result: UnsafeMutablePointer<Float>
  ) {
    var column = 0
    while column < columns {
      // A lone last vector is computed twice rather than by a kernel of its own.
      let next = column + Vector.scalarCount < columns ? column + Vector.scalarCount : column
      var channel = 0
      while channel < channels {
        var tile = Tile(Row(.zero, .zero))
        var (x, g) = (input + channel, gradient)
        for _ in 0..<rows {
          tile.addOuter(x, Row(load(g + column), load(g + next)))
          x += channels
          g += columns
        }
        let receiver = Accumulation(
          result: result + channel * columns, columns: columns, column: column, next: next,
          isFirst: isFirst)
        if channels - channel >= tileRows {
          tile.hand(tileRows, to: receiver)
        } else {
          tile.hand(channels - channel, to: receiver)
        }
        channel += tileRows
      }
      column += 2 * Vector.scalarCount
    }
  }
}

/// Adds the sums of a tile to rows of a matrix, or overwrites these.
private struct Accumulation: RowReceiver {
  let result: UnsafeMutablePointer<Float>
  let columns: Int
  let column: Int
  let next: Int
  let isFirst: Bool

  @inline(__always)
  func receive(_ number: Int, _ sums: Row) {
    let target = result + number * columns
    if isFirst {
      store(sums.left, target + column)
      store(sums.right, target + next)
    } else {
      let (left, right) = (load(target + column), load(target + next))
      store(left + sums.left, target + column)
      store(right + sums.right, target + next)
    }
  }
}
