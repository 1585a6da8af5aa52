import KernelTables

extension Float32 {
  /// Tiles of a few input channels × two vectors of output channels stay in registers while the sum
  /// runs over a few pixels, which stay in the cache while all tiles pass over them.
  package static func gatheredOuterProduct(_ arguments: GatheredOuterProductArguments) {
    guard arguments.pairCount > 0, arguments.images > 0 else {
      if arguments.isFirst {
        arguments.result.update(repeating: 0, count: arguments.inputChannels * arguments.columns)
      }
      return
    }
    let images = max(1, pairsAtOnce / arguments.pairCount)
    let pairs = min(arguments.pairCount, pairsAtOnce)
    for image in stride(from: 0, to: arguments.images, by: images) {
      for pair in stride(from: 0, to: arguments.pairCount, by: pairs) {
        OuterTiles(
          problem: arguments, images: image..<min(image + images, arguments.images),
          pairs: pair..<min(pair + pairs, arguments.pairCount),
          isFirst: arguments.isFirst && image == 0 && pair == 0
        ).run()
      }
    }
  }
}

/// Pairs whose rows of input and gradient stay in the cache: 64 of 512 channels and columns fill 256 KiB.
private let pairsAtOnce = 64

/// Channels of the input over which all columns pass before the next: those of 64 pairs fill 12 or 16 KiB.
private let channelsAtOnce = 8 * tileRows

/// The product over some pairs, added to that over those before.
private struct OuterTiles {
  let problem: GatheredOuterProductArguments
  let images: Range<Int>
  let pairs: Range<Int>
  let isFirst: Bool

  @inline(never)
  func run() {
    var channel = 0
    while channel < problem.inputChannels {
      let end = min(channel + channelsAtOnce, problem.inputChannels)
      var column = 0
      while column < problem.columns {
        // A lone last vector is computed twice rather than by a kernel of its own.
        let next = column + Vector.scalarCount
        run(channel..<end, column, next < problem.columns ? next : column)
        column = next + Vector.scalarCount
      }
      channel = end
    }
  }

  @inline(__always)
  private func run(_ channels: Range<Int>, _ column: Int, _ second: Int) {
    var channel = channels.lowerBound
    if problem.inputChannels < tileRows {
      while channel < channels.upperBound {
        addFew(channel, column, second)
        channel += fewRows
      }
    } else {
      while channel < channels.upperBound {
        // The last tile ends with the last channel: it computes rows again that the tile before has stored.
        let first = min(channel, problem.inputChannels - tileRows)
        add(first, skipping: channel - first, column, second)
        channel += tileRows
      }
    }
  }

  /// A tile whose first rows are not stored.
  @inline(__always)
  private func add(_ channel: Int, skipping skipped: Int, _ column: Int, _ second: Int) {
    let (sources, destinations) = (problem.sources, problem.destinations)
    let (inputChannels, columns) = (problem.inputChannels, problem.columns)
    var tile = isFirst ? Tile(Row(.zero, .zero)) : Tile { sum(channel + $0, column, second) }
    for image in images {
      let x = problem.input + image * problem.imageStride + channel
      let g = problem.gradient + image * problem.gradientImageStride
      for pair in pairs {
        let row = g + Int(destinations[pair]) * columns
        tile.addOuter(
          x + Int(sources[pair]) * inputChannels, Row(load(row + column), load(row + second)))
      }
    }
    tile.hand(
      tileRows,
      to: Sums(
        result: problem.result + channel * columns, columns: columns, column: column,
        second: second, skipped: skipped))
  }

  /// A tile of few rows, those past the last channel being this one again: for the three channels of an image.
  @inline(__always)
  private func addFew(_ channel: Int, _ column: Int, _ second: Int) {
    let (sources, destinations) = (problem.sources, problem.destinations)
    let (inputChannels, columns) = (problem.inputChannels, problem.columns)
    let last = inputChannels - 1
    let (c1, c2) = (min(channel + 1, last), min(channel + 2, last))
    var (r0, r1, r2) = (
      sum(channel, column, second), sum(c1, column, second), sum(c2, column, second)
    )
    for image in images {
      let x = problem.input + image * problem.imageStride
      let g = problem.gradient + image * problem.gradientImageStride
      for pair in pairs {
        let row = g + Int(destinations[pair]) * columns
        let values = x + Int(sources[pair]) * inputChannels
        let b = Row(load(row + column), load(row + second))
        r0.add(values[channel], b)
        r1.add(values[c1], b)
        r2.add(values[c2], b)
      }
    }
    put(r2, problem.result + c2 * columns, column, second)
    put(r1, problem.result + c1 * columns, column, second)
    put(r0, problem.result + channel * columns, column, second)
  }

  /// The sums of the pairs before. They go on from there, so that every output is one chain.
  @inline(__always)
  private func sum(_ channel: Int, _ column: Int, _ second: Int) -> Row {
    if isFirst { return Row(.zero, .zero) }
    let row = problem.result + channel * problem.columns
    return Row(load(row + column), load(row + second))
  }
}

/// Stores the sums of a tile but for its first rows.
private struct Sums: RowReceiver {
  let result: UnsafeMutablePointer<Float>
  let columns: Int
  let column: Int
  let second: Int
  let skipped: Int

  @inline(__always)
  func receive(_ number: Int, _ sums: Row) {
    if number >= skipped { put(sums, result + number * columns, column, second) }
  }
}

/// Rows of a tile where a pixel has fewer channels than a tile has rows.
private let fewRows = 3

@inline(__always)
private func put(
  _ row: Row, _ target: UnsafeMutablePointer<Float>, _ column: Int, _ second: Int
) {
  store(row.left, target + column)
  store(row.right, target + second)
}
