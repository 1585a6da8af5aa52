/// result += inᵀ · g, [channels, columns], the sum over `rows` rows of in [rows, channels] and of
/// g [rows, columns].
///
/// - Parameters:
///   - input: readable for a tile's rows past its last value.
///   - columns: a multiple of 16.
///   - isFirst: whether the result is overwritten instead.
package func outerProduct(
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
      tile.forEachRow(channels - channel) {
        let target = result + (channel + $0) * columns
        if isFirst {
          store($1.left, target + column)
          store($1.right, target + next)
        } else {
          let (left, right) = (load(target + column), load(target + next))
          store(left + $1.left, target + column)
          store(right + $1.right, target + next)
        }
      }
      channel += tileRows
    }
    column += 2 * Vector.scalarCount
  }
}
