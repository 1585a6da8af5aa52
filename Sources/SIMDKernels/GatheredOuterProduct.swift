import KernelTables

extension Float32 {
  /// Tiles of a few input channels × two vectors of output channels stay in registers while the sum
  /// runs over the pixels.
  package static func gatheredOuterProduct(_ arguments: GatheredOuterProductArguments) {
    let (sources, destinations) = (arguments.sources, arguments.destinations)
    let (pairCount, images) = (arguments.pairCount, arguments.images)
    let (input, inputChannels) = (arguments.input, arguments.inputChannels)
    let (gradient, columns) = (arguments.gradient, arguments.columns)
    let result = arguments.result
    let width = Vector.scalarCount
    var column = 0
    while column < columns {
      // A lone last vector is computed twice rather than by a kernel of its own.
      let second = column + width < columns ? column + width : column
      var channel = 0
      while channel < inputChannels {
        // Rows past the last channel repeat it and are not stored.
        let last = inputChannels - 1
        let (c0, c1, c2) = (channel, min(channel + 1, last), min(channel + 2, last))
        let (c3, c4, c5) = (min(channel + 3, last), min(channel + 4, last), min(channel + 5, last))
        let zero = Row(.zero, .zero)
        var (r0, r1, r2, r3, r4, r5) = (zero, zero, zero, zero, zero, zero)
        #if AVX512
          let (c6, c7) = (min(channel + 6, last), min(channel + 7, last))
          var (r6, r7) = (zero, zero)
        #endif
        for image in 0..<images {
          let x = input + image * arguments.imageStride
          let g = gradient + image * arguments.gradientImageStride
          for pair in 0..<pairCount {
            let xs = x + Int(sources[pair]) * inputChannels
            let gs = g + Int(destinations[pair]) * columns
            let b = Row(load(gs + column), load(gs + second))
            r0.add(xs[c0], b)
            r1.add(xs[c1], b)
            r2.add(xs[c2], b)
            r3.add(xs[c3], b)
            r4.add(xs[c4], b)
            r5.add(xs[c5], b)
            #if AVX512
              r6.add(xs[c6], b)
              r7.add(xs[c7], b)
            #endif
          }
        }
        let rows = inputChannels - channel
        let target = result + channel * columns
        put(r0, target, column, second)
        if rows > 1 { put(r1, target + columns, column, second) }
        if rows > 2 { put(r2, target + 2 * columns, column, second) }
        if rows > 3 { put(r3, target + 3 * columns, column, second) }
        if rows > 4 { put(r4, target + 4 * columns, column, second) }
        if rows > 5 { put(r5, target + 5 * columns, column, second) }
        #if AVX512
          if rows > 6 { put(r6, target + 6 * columns, column, second) }
          if rows > 7 { put(r7, target + 7 * columns, column, second) }
        #endif
        channel += tileRows
      }
      column += 2 * width
    }
  }
}

@inline(__always)
private func put(
  _ row: Row, _ target: UnsafeMutablePointer<Float>, _ column: Int, _ second: Int
) {
  store(row.left, target + column)
  store(row.right, target + second)
}
