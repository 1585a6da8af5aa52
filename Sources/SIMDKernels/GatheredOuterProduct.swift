import KernelTables

extension Float32 {
  /// Tiles of a few input channels × two vectors of output channels stay in registers while the sum
  /// runs over a few pixels, which stay in the cache while all tiles pass over them.
  package static func gatheredOuterProduct(_ arguments: GatheredOuterProductArguments) {
    guard arguments.pairCount > 0, arguments.images > 0 else {
      arguments.result.update(repeating: 0, count: arguments.inputChannels * arguments.columns)
      return
    }
    let images = max(1, pairsAtOnce / arguments.pairCount)
    let pairs = min(arguments.pairCount, pairsAtOnce)
    for image in stride(from: 0, to: arguments.images, by: images) {
      for pair in stride(from: 0, to: arguments.pairCount, by: pairs) {
        OuterTiles(
          problem: arguments, images: image..<min(image + images, arguments.images),
          pairs: pair..<min(pair + pairs, arguments.pairCount), isFirst: image == 0 && pair == 0
        ).run()
      }
    }
  }
}

/// Pairs whose rows of input and gradient stay in the cache: 64 of 512 channels and columns fill 256 KiB.
private let pairsAtOnce = 64

/// The product over some pairs, added to that over those before.
private struct OuterTiles {
  let problem: GatheredOuterProductArguments
  let images: Range<Int>
  let pairs: Range<Int>
  let isFirst: Bool

  @inline(never)
  func run() {
    let (sources, destinations) = (problem.sources, problem.destinations)
    let (inputChannels, columns) = (problem.inputChannels, problem.columns)
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
        var (r0, r1, r2) = (
          sum(c0, column, second), sum(c1, column, second), sum(c2, column, second)
        )
        var (r3, r4, r5) = (
          sum(c3, column, second), sum(c4, column, second), sum(c5, column, second)
        )
        #if AVX512
          let (c6, c7) = (min(channel + 6, last), min(channel + 7, last))
          var (r6, r7) = (sum(c6, column, second), sum(c7, column, second))
        #endif
        for image in images {
          let x = problem.input + image * problem.imageStride
          let g = problem.gradient + image * problem.gradientImageStride
          for pair in pairs {
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
        let target = problem.result + channel * columns
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

  /// The sums of the pairs before. They go on from there, so that every output is one chain.
  @inline(__always)
  private func sum(_ channel: Int, _ column: Int, _ second: Int) -> Row {
    if isFirst { return Row(.zero, .zero) }
    let row = problem.result + channel * problem.columns
    return Row(load(row + column), load(row + second))
  }
}

@inline(__always)
private func put(
  _ row: Row, _ target: UnsafeMutablePointer<Float>, _ column: Int, _ second: Int
) {
  store(row.left, target + column)
  store(row.right, target + second)
}
