import Classification

/// For every destination pixel of one image, the source pixels under the taps of a kernel: a
/// convolution without its numbers.
///
/// Every layer of a network is one product with such a table in front:
/// `out[d] = Σ_t in[source(d, t)] · W[t]`, where `in[s]` is a row of channels and `W[t]` a matrix
/// [inputs × outputs]. The forward pass, the gradient with respect to the input (destinations and
/// sources exchanged) and a dense layer (one pixel, one tap) differ only in the table.
///
/// Destinations are grouped by the set of taps that meet the image, so padding is never multiplied:
/// on a 2×2 image a padded 3×3 kernel costs four taps, not nine, and a strided input gradient costs
/// only the taps that reach each pixel.
public struct Gather: Sendable {
  /// Destination pixels that all use the same taps.
  ///
  /// Taps with successive numbers whose sources are successive pixels at every destination form a *run*.
  /// The channels of its sources lie side by side in memory, and so do the rows of its matrices, so a
  /// run is a single product. In the forward pass every row of the kernel is a run.
  package struct Group: Sendable {
    /// The first tap of every run, ascending.
    package var taps: [Int32]
    /// How many taps every run has.
    package var lengths: [Int32]
    /// Indices of the destination pixels.
    package var destinations: [Int32]
    /// For every destination the source under the first tap of every run, [destinations, runs].
    package var sources: [Int32]

    /// - Parameter sources: for every destination the source under every tap, [destinations][taps].
    fileprivate init(taps: [Int32], destinations: [Int32], sources: [[Int32]]) {
      let starts = taps.indices.filter { index in
        index == 0 || taps[index] != taps[index - 1] + 1
          || sources.contains { $0[index] != $0[index - 1] + 1 }
      }
      self.taps = starts.map { taps[$0] }
      lengths = zip(starts, starts.dropFirst() + [taps.count]).map { Int32($1 - $0) }
      self.destinations = destinations
      self.sources = sources.flatMap { row in starts.map { row[$0] } }
    }

    /// Calls `body` with the addresses of taps, lengths, destinations and sources.
    func withTables(
      _ body: (
        _ taps: UnsafePointer<Int32>, _ lengths: UnsafePointer<Int32>,
        _ destinations: UnsafePointer<Int32>, _ sources: UnsafePointer<Int32>
      ) -> Void
    ) {
      body(taps, lengths, destinations, sources)
    }

    /// Every tap with its source, for the destination at a place of the group.
    package func terms(of place: Int) -> [(tap: Int, source: Int)] {
      taps.indices.flatMap { run in
        (0..<lengths[run]).map { next in
          (Int(taps[run] + next), Int(sources[place * taps.count + run] + next))
        }
      }
    }
  }

  /// The pairs of a source and a destination that one tap connects, in one image.
  package struct Pairs: Sendable {
    package var sources: [Int32] = []
    package var destinations: [Int32] = []

    /// Calls `body` with the addresses of both.
    func withTables(
      _ body: (_ sources: UnsafePointer<Int32>, _ destinations: UnsafePointer<Int32>) -> Void
    ) {
      body(sources, destinations)
    }
  }

  /// Pixels of one source image.
  public let sourceCount: Int
  /// Pixels of one destination image.
  public let destinationCount: Int
  /// T, the number of taps.
  public let tapCount: Int
  /// All destinations, each in one group, in the order of the groups' first destinations.
  package let groups: [Group]
  /// The pairs of every tap.
  package let pairs: [Pairs]
  /// The extents of the images, where it is the table of a 3×3 convolution with stride 1 and a border one pixel wide, at
  /// least 2 pixels wide.
  let bordered: (height: Int, width: Int)?
  /// Whether every destination has one source, the pixel of the same number, as in a 1×1 convolution
  /// and in a dense layer.
  let isIdentity: Bool

  /// Multiply-adds for one image and one pair of an input and an output channel; padding costs none.
  public var multiplyAdds: Int { pairs.reduce(0) { $0 + $1.sources.count } }

  /// The table of a convolution's forward pass.
  public static func convolution(_ geometry: ConvolutionGeometry) -> Gather {
    Gather(
      sourceCount: geometry.height * geometry.width,
      destinationCount: geometry.outputHeight * geometry.outputWidth, geometry: geometry,
      exchanged: false)
  }

  /// The table of a convolution's gradient with respect to its input: the transpose.
  public static func inputGradient(of geometry: ConvolutionGeometry) -> Gather {
    Gather(
      sourceCount: geometry.outputHeight * geometry.outputWidth,
      destinationCount: geometry.height * geometry.width, geometry: geometry, exchanged: true)
  }

  /// The table of a dense layer: every image is one pixel.
  public static let dense = convolution(ConvolutionGeometry(height: 1, width: 1, kernel: 1))

  private init(
    sourceCount: Int, destinationCount: Int, geometry: ConvolutionGeometry, exchanged: Bool
  ) {
    self.sourceCount = sourceCount
    self.destinationCount = destinationCount
    tapCount = geometry.kernel * geometry.kernel

    var pairs = [Pairs](repeating: Pairs(), count: tapCount)
    var sourcesOfDestination = [[(tap: Int32, source: Int32)]](
      repeating: [], count: destinationCount)
    for tap in 0..<tapCount {
      let (kernelRow, kernelColumn) = (tap / geometry.kernel, tap % geometry.kernel)
      for outputRow in 0..<geometry.outputHeight {
        let row = outputRow * geometry.stride + kernelRow - geometry.padding
        guard row >= 0, row < geometry.height else { continue }
        for outputColumn in 0..<geometry.outputWidth {
          let column = outputColumn * geometry.stride + kernelColumn - geometry.padding
          guard column >= 0, column < geometry.width else { continue }
          let input = Int32(row * geometry.width + column)
          let output = Int32(outputRow * geometry.outputWidth + outputColumn)
          let (source, destination) = exchanged ? (output, input) : (input, output)
          pairs[tap].sources.append(source)
          pairs[tap].destinations.append(destination)
          sourcesOfDestination[Int(destination)].append((Int32(tap), source))
        }
      }
    }
    self.pairs = pairs
    bordered =
      !exchanged && geometry.kernel == 3 && geometry.stride == 1 && geometry.padding == 1
        && geometry.paddingBehind == 1 && geometry.width > 1
      ? (geometry.height, geometry.width) : nil
    isIdentity =
      tapCount == 1 && sourceCount == destinationCount && geometry.stride == 1
      && geometry.padding == 0 && geometry.paddingBehind == 0

    let destinationsOfTaps = Dictionary(grouping: sourcesOfDestination.indices) {
      sourcesOfDestination[$0].map(\.tap)
    }
    groups = destinationsOfTaps.map { taps, destinations in
      Group(
        taps: taps, destinations: destinations.map(Int32.init),
        sources: destinations.map { sourcesOfDestination[$0].map(\.source) })
    }.sorted { $0.destinations[0] < $1.destinations[0] }
  }
}
