internal import CVector
import KernelTables

extension Float32 {
  /// All points in one call, and a loop of its own beside that of `matrixProduct`: with few channels a product is so
  /// short that a call for each, and asking for memory that is in the cache already, would take a good part of its time.
  package static func winogradProducts(_ arguments: WinogradProductsArguments) {
    let (depth, columns) = (arguments.depth, arguments.columns)
    let panelStride = arguments.points * depth * panelWidth
    for point in 0..<arguments.points {
      let weights = arguments.weights + point * depth * panelWidth
      var column = 0
      while column < columns {
        let next = column + Vector.scalarCount
        let left = weights + column / panelWidth * panelStride + column % panelWidth
        let isLast = next + Vector.scalarCount >= columns
        let products = PointProducts(
          tiles: arguments.tiles, depth: depth, columns: columns,
          input: arguments.input + point * arguments.inputStride, left: left,
          coming: isLast ? weights + depth * panelWidth : left + panelStride,
          sums: arguments.sums + point * arguments.sumStride + column)
        if next < columns {
          products.formPairs(
            right: weights + next / panelWidth * panelStride + next % panelWidth)
        } else {
          products.formLone()
        }
        column += 2 * Vector.scalarCount
      }
    }
  }
}

/// The products at one point for one or two vectors of columns.
private struct PointProducts {
  let tiles: Int
  let depth: Int
  let columns: Int
  let input: UnsafePointer<Float>
  /// The weights of the first of these columns.
  let left: UnsafePointer<Float>
  /// The weights that are needed next: of the following columns, or of the next point.
  let coming: UnsafePointer<Float>
  let sums: UnsafeMutablePointer<Float>

  @inline(__always)
  func formPairs(right: UnsafePointer<Float>) {
    forEachTile { first, last, target in
      var tile = Tile(Row(.zero, .zero))
      if last == tileRows - 1 {
        tile.add(TileInput { first + $0 * depth }, left, right, depth: depth)
        tile.hand(tileRows, to: Pair(target: target, stride: columns))
      } else {
        tile.add(TileInput { first + min($0, last) * depth }, left, right, depth: depth)
        tile.hand(last + 1, to: Pair(target: target, stride: columns))
      }
    }
  }

  @inline(__always)
  func formLone() {
    forEachTile { first, last, target in
      var tile = Tile(Row(.zero, .zero))
      tile.addLone(TileInput { first + min($0, last) * depth }, left, depth: depth)
      tile.hand(last + 1, to: Lone(target: target, stride: columns))
    }
  }

  /// Calls `body` with where the rows of a tile begin, the last that is stored, and where. Rows behind that repeat it.
  @inline(__always)
  private func forEachTile(
    _ body: (UnsafePointer<Float>, _ last: Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    // Every tile asks for its share of the weights that come next.
    let tileCount = (tiles + tileRows - 1) / tileRows
    let share = (depth + tileCount - 1) / tileCount
    var coming = coming
    var row = 0
    while row < tiles {
      for _ in 0..<share {
        prefetch(coming)
        coming += panelWidth
      }
      body(input + row * depth, min(tileRows, tiles - row) - 1, sums + row * columns)
      row += tileRows
    }
  }
}

/// Stores the sums of rows that lie one behind the other, two vectors wide.
private struct Pair: RowReceiver {
  let target: UnsafeMutablePointer<Float>
  let stride: Int

  @inline(__always)
  func receive(_ number: Int, _ sums: Row) {
    store(sums.left, target + number * stride)
    store(sums.right, target + number * stride + Vector.scalarCount)
  }
}

/// Stores the sums of rows that lie one behind the other, one vector wide.
private struct Lone: RowReceiver {
  let target: UnsafeMutablePointer<Float>
  let stride: Int

  @inline(__always)
  func receive(_ number: Int, _ sums: Row) { store(sums.left, target + number * stride) }
}
