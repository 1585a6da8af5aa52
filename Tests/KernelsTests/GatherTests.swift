import Kernels
import Statistics
import Testing

@Suite("A gather table is a convolution without its numbers")
struct GatherTests {
  @Test("It lists every pair of pixels that a tap connects, once", arguments: geometries)
  func listsEveryPair(_ geometry: ConvolutionGeometry) {
    let gather = Gather.convolution(geometry)
    var expected: Set<[Int]> = []
    for y in 0..<geometry.outputHeight {
      for x in 0..<geometry.outputWidth {
        for i in 0..<geometry.kernel {
          for j in 0..<geometry.kernel {
            let row = y * geometry.stride + i - geometry.padding
            let column = x * geometry.stride + j - geometry.padding
            if (0..<geometry.height).contains(row), (0..<geometry.width).contains(column) {
              expected.insert([
                y * geometry.outputWidth + x, i * geometry.kernel + j,
                row * geometry.width + column,
              ])
            }
          }
        }
      }
    }
    let listed = triples(gather)
    #expect(Set(listed) == expected)
    #expect(listed.count == expected.count)
    #expect(gather.multiplyAdds == expected.count)
  }

  @Test("The input gradient's table is the transpose", arguments: geometries)
  func transposes(_ geometry: ConvolutionGeometry) {
    let forward = triples(.convolution(geometry)).map { [$0[2], $0[1], $0[0]] }
    let backward = triples(.inputGradient(of: geometry))
    #expect(Set(backward) == Set(forward) && backward.count == forward.count)
  }

  @Test("Every destination stands in exactly one group", arguments: geometries)
  func coversDestinations(_ geometry: ConvolutionGeometry) {
    for gather in [Gather.convolution(geometry), .inputGradient(of: geometry)] {
      #expect(
        gather.groups.flatMap(\.destinations).sorted()
          == (0..<Int32(gather.destinationCount)).map { $0 })
    }
  }

  @Test("Padding is not multiplied: a padded 3×3 kernel on 2×2 pixels costs four taps each")
  func skipsPadding() {
    let geometry = ConvolutionGeometry(height: 2, width: 2, kernel: 3, padding: 1)
    #expect(Gather.convolution(geometry).multiplyAdds == 16)
  }

  @Test("A row of the kernel is one run of neighbours, in the forward pass", arguments: [1, 2])
  func runs(_ stride: Int) throws {
    let gather = Gather.convolution(
      ConvolutionGeometry(height: 7, width: 9, kernel: 3, stride: stride, padding: 1))
    let inner = try #require(gather.groups.max { $0.destinations.count < $1.destinations.count })
    #expect(inner.taps == [0, 3, 6])
    #expect(inner.lengths == [3, 3, 3])
    let corner = try #require(gather.groups.first)
    #expect(corner.taps == [4, 7])
    #expect(corner.lengths == [2, 2])
  }

  // On three columns the pixel after a row's last one is the next row's first.
  @Test("Runs go on from row to row where the pixels do")
  func longRuns() {
    let gather = Gather.convolution(ConvolutionGeometry(height: 3, width: 3, kernel: 3))
    #expect(gather.groups.map(\.lengths) == [[9]])
  }

  private func triples(_ gather: Gather) -> [[Int]] {
    gather.groups.flatMap { group in
      group.destinations.indices.flatMap { place in
        group.terms(of: place).map { [Int(group.destinations[place]), $0.tap, $0.source] }
      }
    }
  }
}

/// Kernels, strides and paddings around the extents of small images, even and odd.
let geometries: [ConvolutionGeometry] = [
  ConvolutionGeometry(height: 8, width: 8, kernel: 3, padding: 1),
  ConvolutionGeometry(height: 8, width: 8, kernel: 3, stride: 2, padding: 1),
  ConvolutionGeometry(height: 7, width: 5, kernel: 3, stride: 2, padding: 1),
  ConvolutionGeometry(height: 2, width: 2, kernel: 3, padding: 1),
  ConvolutionGeometry(height: 1, width: 1, kernel: 3, padding: 1),
  ConvolutionGeometry(height: 7, width: 9, kernel: 5, padding: 2),
  ConvolutionGeometry(height: 7, width: 7, kernel: 1, stride: 2),
  ConvolutionGeometry(height: 10, width: 11, kernel: 4, stride: 3, padding: 2),
  ConvolutionGeometry(height: 1, width: 1, kernel: 1),
  ConvolutionGeometry(height: 8, width: 6, kernel: 3, stride: 2, padding: 0, paddingBehind: 1),
  ConvolutionGeometry(height: 5, width: 6, kernel: 3, padding: 2, paddingBehind: 0),
  ConvolutionGeometry(height: 3, width: 2, kernel: 1, padding: 0, paddingBehind: 2),
]
