import KernelTables

/// One row of a tile: where its sources are listed, the image they lie in, and the row of the output where its sum
/// goes.
private struct BytePlace {
  var sources: UnsafePointer<Int32>
  var image: UnsafePointer<UInt8>
  var position: Int
}

/// Walks over the rows of a group. Behind the last one it gives that again, to fill up a tile; such sums are not
/// stored.
private struct ByteCursor {
  private var row: Int
  private var image: Int
  private var pixel: Int

  @inline(__always)
  init(_ group: GatheredByteArguments) {
    row = group.rows.lowerBound
    (image, pixel) = row.quotientAndRemainder(dividingBy: group.pixelCount)
  }

  @inline(__always)
  mutating func next(_ group: GatheredByteArguments) -> BytePlace {
    let place = BytePlace(
      sources: group.sources + pixel * group.runCount,
      image: group.input + image * group.imageStride,
      position: image * group.destinationCount + Int(group.destinations[pixel]))
    row += 1
    if row < group.rows.upperBound {
      pixel += 1
      if pixel == group.pixelCount {
        pixel = 0
        image += 1
      }
    }
    return place
  }
}

/// The gathered product in tiles whose sums stay in registers.
struct ByteProduct<Dot: ByteDot> {
  let problem: GatheredByteArguments

  @inline(__always)
  func run() {
    if problem.requantization.addend == nil {
      tiles(WithoutAddend.self)
    } else {
      tiles(WithAddend.self)
    }
  }

  @inline(never)
  private func tiles<R: ByteRule>(_ rule: R.Type) {
    var column = 0
    while column < problem.requantization.columns {
      let next = column + WholeVector.scalarCount
      #if AVX512
        if next == problem.requantization.columns {
          lone(column, rule)
          return
        }
      #endif
      pair(column, next, rule)
      column += 2 * WholeVector.scalarCount
    }
  }

  /// Where the weights of a vector of columns begin.
  @inline(__always)
  private func weights(_ column: Int) -> UnsafePointer<Int8> {
    problem.weights + column / panelWidth * problem.depth * panelWidth + column % panelWidth * 4
  }

  @inline(__always)
  private func pair<R: ByteRule>(_ column: Int, _ next: Int, _ rule: R.Type) {
    let (left, right) = (weights(column), weights(next))
    let channels = problem.inputChannels
    var cursor = ByteCursor(problem)
    var row = problem.rows.lowerBound
    while row < problem.rows.upperBound {
      let places = ByteArray<BytePlace> { number in
        number < byteRows
          ? cursor.next(problem)
          : BytePlace(
            sources: problem.sources, image: problem.input, position: 0)
      }
      var tile = ByteTile<Dot>()
      for run in 0..<problem.runCount {
        let offset = Int(problem.taps[run]) * channels * panelWidth
        tile.add(
          ByteArray { places[$0].image + Int(places[$0].sources[run]) * channels }, left + offset,
          right + offset, depth: Int(problem.lengths[run]) * channels)
      }
      let receiver = ScatteredBytes(
        target: problem.requantization, places: places, column: column, next: next, rule: rule)
      let left = problem.rows.upperBound - row
      if left >= byteRows {
        tile.hand(byteRows, to: receiver)
      } else {
        tile.hand(left, to: receiver)
      }
      row += byteRows
    }
  }

  #if AVX512
    @inline(__always)
    private func lone<R: ByteRule>(_ column: Int, _ rule: R.Type) {
      let weights = weights(column)
      let channels = problem.inputChannels
      var cursor = ByteCursor(problem)
      var row = problem.rows.lowerBound
      while row < problem.rows.upperBound {
        let places = ByteArray<BytePlace> { _ in cursor.next(problem) }
        var tile = ByteTile<Dot>()
        for run in 0..<problem.runCount {
          tile.addLone(
            ByteArray { places[$0].image + Int(places[$0].sources[run]) * channels },
            weights + Int(problem.taps[run]) * channels * panelWidth,
            depth: Int(problem.lengths[run]) * channels)
        }
        let receiver = ScatteredBytes(
          target: problem.requantization, places: places, column: column, next: column, rule: rule)
        let left = problem.rows.upperBound - row
        if left >= 2 * byteRows {
          tile.handLone(2 * byteRows, to: receiver)
        } else {
          tile.handLone(left, to: receiver)
        }
        row += 2 * byteRows
      }
    }
  #endif
}

/// Stores the sums of rows that lie anywhere in the output, one or two vectors wide.
private struct ScatteredBytes<R: ByteRule>: ByteReceiver {
  let target: Requantization
  let places: ByteArray<BytePlace>
  let column: Int
  let next: Int
  let rule: R.Type

  @inline(__always)
  func receive(_ number: Int, _ left: WholeVector, _ right: WholeVector) {
    let row = places[number].position * target.stride
    target.write(float(left), row + column, column, rule)
    if next != column { target.write(float(right), row + next, next, rule) }
  }
}

/// Whether there is an addend, known when a loop is compiled.
protocol ByteRule {
  static var addsUp: Bool { get }
}
private enum WithAddend: ByteRule {
  static var addsUp: Bool { true }
}
private enum WithoutAddend: ByteRule {
  static var addsUp: Bool { false }
}

extension Requantization {
  /// Stores a vector of sums at a place of the output.
  @inline(__always)
  fileprivate func write<R: ByteRule>(_ sums: Vector, _ place: Int, _ column: Int, _ rule: R.Type) {
    var value = fused(sums, load(scale + column), load(shift + column))
    if R.addsUp, let addend {
      value = fused(float(load(addend + place)), Vector(repeating: addendScale), value)
    }
    store(nearestBytes(value), output + place)
  }

  /// Stores rows of bytes as if they were sums.
  @inline(__always)
  func rows(of input: UnsafePointer<UInt8>, count: Int) {
    if addend == nil {
      rows(of: input, count: count, WithoutAddend.self)
    } else {
      rows(of: input, count: count, WithAddend.self)
    }
  }

  private func rows<R: ByteRule>(of input: UnsafePointer<UInt8>, count: Int, _ rule: R.Type) {
    for row in 0..<count {
      var column = 0
      while column < columns {
        let place = row * stride + column
        write(float(load(input + place)), place, column, rule)
        column += Vector.scalarCount
      }
    }
  }
}
