/// How the image of a 3×3 convolution with stride 1 falls into tiles of m×m outputs for Winograd's
/// F(m×m, 3×3).
public struct WinogradTiles: Sendable {
  /// m: a tile has m×m outputs and is computed from (m+2)² inputs.
  public let outputExtent: Int
  /// Tiles of one image.
  public let tilesPerImage: Int
  /// Pixels of one image, of the input and of the output.
  public let pixelCount: Int
  /// The pixels of every tile's inputs, [tiles, (m+2)²]; −1 for the zeros around the image.
  package let sources: [Int32]
  /// The pixels of every tile's outputs, [tiles, m²]; −1 where a tile sticks out of the image.
  package let destinations: [Int32]

  /// (m+2)²: the products of a tile and a pair of channels, in place of 9·m².
  public var pointCount: Int { (outputExtent + 2) * (outputExtent + 2) }

  /// The tiles of a convolution, or nil if it is not 3×3 with stride 1 and padding 1 on every side.
  public init?(_ geometry: ConvolutionGeometry, outputExtent: Int) {
    guard geometry.kernel == 3, geometry.stride == 1, geometry.padding == 1,
      geometry.paddingBehind == 1, outputExtent == 2 || outputExtent == 4
    else { return nil }
    let (height, width, m) = (geometry.height, geometry.width, outputExtent)
    func pixel(_ row: Int, _ column: Int) -> Int32 {
      0..<height ~= row && 0..<width ~= column ? Int32(row * width + column) : -1
    }
    var sources: [Int32] = []
    var destinations: [Int32] = []
    for top in stride(from: 0, to: height, by: m) {
      for left in stride(from: 0, to: width, by: m) {
        for row in -1...m {
          for column in -1...m { sources.append(pixel(top + row, left + column)) }
        }
        for row in 0..<m {
          for column in 0..<m { destinations.append(pixel(top + row, left + column)) }
        }
      }
    }
    self.outputExtent = m
    self.sources = sources
    self.destinations = destinations
    pixelCount = height * width
    tilesPerImage = destinations.count / (m * m)
  }
}
