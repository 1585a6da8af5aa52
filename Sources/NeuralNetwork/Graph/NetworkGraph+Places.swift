extension NetworkGraph {
  /// Numbers of one value in other places, by where they lie in memory: a value's numbers are counted row by row, in
  /// a row pixel by pixel, and in a pixel channel by channel.
  ///
  /// - Parameters:
  ///   - places: for every number of the result, the place in the input from which it comes.
  ///   - extents: those of the result.
  package mutating func gathered(
    _ name: String, _ places: [Int], of input: Int, as extents: Extents
  ) -> Int {
    precondition(places.count == extents.count, "\(name) has other extents")
    let from = values[input]
    return arrangement(name, to: extents, of: input) { row, column, channel in
      let place = places[(row * extents.width + column) * extents.channels + channel]
      let pixel = place / from.channels
      return Arrangement.Source(
        row: pixel / from.width, column: pixel % from.width, channel: place % from.channels)
    }
  }
}
