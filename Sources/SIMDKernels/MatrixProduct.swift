internal import CVector
import KernelTables

extension Float32 {
  package static func matrixProduct(_ arguments: MatrixProductArguments) {
    arguments.finish(MatrixTiles(problem: arguments))
  }
}

private struct MatrixTiles: Finish.Loop {
  let problem: MatrixProductArguments

  @inline(never)
  func run<R: Finish.Rule>(_ rule: R.Type, _ finish: Finish) {
    let (rows, depth, columns) = (problem.rows, problem.depth, finish.columns)
    let input = problem.input
    let (weights, panelStride) = (problem.weights, depth * panelWidth)
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
        let start =
          problem.bias.map { Row(load($0 + column), load($0 + next)) } ?? Row(.zero, .zero)
        // Every tile asks for its share of the panel that comes next.
        var coming = left + panelStride
        var row = block
        while row < end {
          for _ in 0..<share {
            prefetch(coming)
            coming += panelWidth
          }
          var tile = Tile(start)
          let first = input + row * depth
          if !isWide {
            let last = end - 1 - row
            tile.addLone(TileInput { first + min($0, last) * depth }, left, depth: depth)
            tile.hand(end - row, to: Lone(finish: finish, first: row, column: column, rule: rule))
          } else if end - row >= tileRows {
            if column == 0 { prefetchInput(row + 4 * tileRows) }
            finish.prefetch(row, column, rule)
            tile.add(TileInput { first + $0 * depth }, left, right, depth: depth)
            tile.hand(
              tileRows, to: Pair(finish: finish, first: row, column: column, next: next, rule: rule)
            )
          } else {
            // Rows past the end repeat the last one and are not stored.
            let last = end - 1 - row
            tile.add(TileInput { first + min($0, last) * depth }, left, right, depth: depth)
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
  /// Asks for the inputs of a later tile: its rows are six or eight short streams at once, too many for
  /// the processor to prefetch by itself. Rows past the end do no harm.
  @inline(__always)
  fileprivate func prefetchInput(_ row: Int) {
    var first = problem.input + row * problem.depth
    for _ in 0..<tileRows {
      var line = 0
      while line < problem.depth {
        prefetch(first + line)
        line += cacheLine
      }
      first += problem.depth
    }
  }
}

/// Stores the sums of rows that lie one behind the other, two vectors wide.
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

/// Stores the sums of rows that lie one behind the other, one vector wide.
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

/// Floats of a block of input rows: 64 KiB, a part of the second-level cache.
private let cachedInputs = 16384
