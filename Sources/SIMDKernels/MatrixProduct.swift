internal import CVector

/// out[row] = activation(bias + in[row] · W + addend[row]): the gathered product of rows that lie one
/// behind the other, as those of a 1×1 convolution do.
///
/// Every output is one chain of fused multiply-adds in the order of the input channels.
///
/// - Parameters:
///   - inputStride, outputStride: floats from row to row.
///   - weights: panels [depth, panelWidth] of the columns wanted, `panelStride` floats apart.
///   - columns: how many of them exist.
package func matrixProduct(
  rows: Int, depth: Int, input: UnsafePointer<Float>, inputStride: Int,
  weights: UnsafePointer<Float>, panelStride: Int, columns: Int, bias: UnsafePointer<Float>?,
  addend: UnsafePointer<Float>?, mask: UnsafePointer<Float>?, relu: Bool,
  output: UnsafeMutablePointer<Float>, outputStride: Int
) {
  Finish(
    columns: columns, stride: outputStride, addend: addend, mask: mask, relu: relu, output: output
  )(
    MatrixTiles(
      rows: rows, depth: depth, input: input, inputStride: inputStride, weights: weights,
      panelStride: panelStride, columns: columns, bias: bias))
}

private struct MatrixTiles: Finish.Loop {
  let rows: Int
  let depth: Int
  let input: UnsafePointer<Float>
  let inputStride: Int
  let weights: UnsafePointer<Float>
  let panelStride: Int
  let columns: Int
  let bias: UnsafePointer<Float>?

  @inline(never)
  func run<R: Finish.Rule>(_ rule: R.Type, _ finish: Finish) {
    // A block of rows stays in the cache while all columns pass over it.
    let blockRows = max(1, cachedInputs / depth / tileRows) * tileRows
    var block = 0
    while block < rows {
      let end = min(block + blockRows, rows)
      let tileCount = (end - block + tileRows - 1) / tileRows
      let share = (depth + tileCount - 1) / tileCount
      var column = 0
      while column < columns {
        // The last vector may be a lone one.
        let isWide = wholePanels(columns) - column >= 2 * Vector.scalarCount
        let next = isWide ? column + Vector.scalarCount : column
        let left = weights + column / panelWidth * panelStride + column % panelWidth
        let right = weights + next / panelWidth * panelStride + next % panelWidth
        let start = bias.map { Row(load($0 + column), load($0 + next)) } ?? Row(.zero, .zero)
        // Every tile asks for its share of what comes next: the next panel, or behind the last one
        // that of the next matrix, which lies behind the first.
        let isLast = column + 2 * Vector.scalarCount >= columns
        var coming = isLast ? weights + depth * panelWidth : left + panelStride
        var row = block
        while row < end {
          for _ in 0..<share {
            prefetch(coming)
            coming += panelWidth
          }
          var tile = Tile(start)
          let first = input + row * inputStride
          if !isWide {
            let last = end - 1 - row
            tile.addLone(TileInput { first + min($0, last) * inputStride }, left, depth: depth)
            tile.hand(end - row, to: Lone(finish: finish, first: row, column: column, rule: rule))
          } else if end - row >= tileRows {
            if column == 0 { prefetchInput(row + 4 * tileRows) }
            finish.prefetch(row, column, rule)
            tile.add(TileInput { first + $0 * inputStride }, left, right, depth: depth)
            tile.hand(
              tileRows, to: Pair(finish: finish, first: row, column: column, next: next, rule: rule)
            )
          } else {
            // Rows past the end repeat the last one and are not stored.
            let last = end - 1 - row
            tile.add(TileInput { first + min($0, last) * inputStride }, left, right, depth: depth)
            tile.hand(
              end - row,
              to: Pair(finish: finish, first: row, column: column, next: next, rule: rule))
          }
          row += tileRows
        }
        column += 2 * Vector.scalarCount
      }
      block = end
    }
  }
}

extension MatrixTiles {
  /// Asks for the inputs of a tile that comes later: eight short streams at once are too many for the
  /// processor to foresee. Rows past the end do no harm.
  @inline(__always)
  fileprivate func prefetchInput(_ row: Int) {
    var first = input + row * inputStride
    for _ in 0..<tileRows {
      var line = 0
      while line < depth {
        prefetch(first + line)
        line += cacheLine
      }
      first += inputStride
    }
  }
}

/// Rows that lie one behind the other, two vectors wide.
private struct Pair<R: Finish.Rule>: RowReceiver {
  let finish: Finish
  let first: Int
  let column: Int
  let next: Int
  let rule: R.Type

  @inline(__always)
  func receive(_ number: Int, _ sums: Row) {
    finish.write(sums.left, first + number, column, rule)
    finish.write(sums.right, first + number, next, rule)
  }
}

/// The same, one vector wide.
private struct Lone<R: Finish.Rule>: RowReceiver {
  let finish: Finish
  let first: Int
  let column: Int
  let rule: R.Type

  @inline(__always)
  func receive(_ number: Int, _ sums: Row) {
    finish.write(sums.left, first + number, column, rule)
  }
}

/// Input values of a block of rows: 64 KiB, a part of the second-level cache.
private let cachedInputs = 16384
