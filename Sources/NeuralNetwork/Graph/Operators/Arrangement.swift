import Kernels

/// Numbers of its inputs in another order, and zeros where none is put: concatenation, padding, slices,
/// flattening and every other change of places.
struct Arrangement: GraphOperator {
  /// Numbers side by side that stay side by side.
  private struct Run {
    // Half as wide as usual, as there can be one for every number.
    private let place: (from: Int32, to: Int32)
    private var length: Int32 = 1

    /// One number.
    init(from: Int, to: Int) { place = (Int32(from), Int32(to)) }

    var from: Int { Int(place.from) }
    var to: Int { Int(place.to) }
    var count: Int { Int(length) }

    /// Takes in the number behind the last one, if it is that.
    mutating func extend(from: Int, to: Int) -> Bool {
      guard self.from + count == from, self.to + count == to else { return false }
      length += 1
      return true
    }
  }

  /// Where a number of the result comes from.
  struct Source {
    /// Which input.
    var input = 0
    var row: Int
    var column: Int
    var channel: Int
  }

  let extents: NetworkGraph.Extents
  /// By input.
  private let runs: [[Run]]
  private let inputs: [NetworkGraph.Extents]
  /// Whether some numbers of the result come from nowhere.
  private let hasZeros: Bool

  /// - Parameter source: for every row, column and channel of the result; nil for a zero.
  init(
    _ inputs: [NetworkGraph.Extents], to extents: NetworkGraph.Extents,
    source: (_ row: Int, _ column: Int, _ channel: Int) -> Source?
  ) {
    self.extents = extents
    self.inputs = inputs
    var runs = [[Run]](repeating: [], count: inputs.count)
    var covered = 0
    for to in 0..<extents.count {
      let (pixel, channel) = (to / extents.channels, to % extents.channels)
      guard let source = source(pixel / extents.width, pixel % extents.width, channel) else {
        continue
      }
      let input = inputs[source.input]
      precondition(
        0..<input.height ~= source.row && 0..<input.width ~= source.column
          && 0..<input.channels ~= source.channel, "a number from outside of its input")
      let from = (source.row * input.width + source.column) * input.channels + source.channel
      covered += 1
      let last = runs[source.input].count - 1
      if last < 0 || !runs[source.input][last].extend(from: from, to: to) {
        runs[source.input].append(Run(from: from, to: to))
      }
    }
    self.runs = runs
    hasZeros = covered < extents.count
  }

  var described: NetworkGraph.Described {
    var places = [(input: Int, place: Int)?](repeating: nil, count: extents.count)
    for (input, runs) in runs.enumerated() {
      for run in runs {
        for number in 0..<run.count { places[run.to + number] = (input, run.from + number) }
      }
    }
    return .arrangement(places)
  }

  var gradientReadsInputs: Bool { false }

  func run(
    _ inputs: Operands, images: Int, kernels: KernelSet, to output: UnsafeMutablePointer<Float>
  ) {
    if hasZeros { output.update(repeating: 0, count: images * extents.count) }
    for place in runs.indices {
      let (input, size) = (inputs[place], self.inputs[place].count)
      for image in 0..<images {
        let (from, to) = (input + image * size, output + image * extents.count)
        for run in runs[place] {
          if run.count == 1 {
            to[run.to] = from[run.from]
          } else {
            (to + run.to).update(from: from + run.from, count: run.count)
          }
        }
      }
    }
  }

  func addGradient(
    ofInput place: Int, _ gradient: UnsafePointer<Float>, inputs: Operands, images: Int,
    kernels: KernelSet, to sum: UnsafeMutablePointer<Float>
  ) {
    let size = self.inputs[place].count
    for image in 0..<images {
      let (from, to) = (gradient + image * extents.count, sum + image * size)
      for run in runs[place] {
        let (from, to) = (from + run.to, to + run.from)
        for position in 0..<run.count { to[position] += from[position] }
      }
    }
  }
}
