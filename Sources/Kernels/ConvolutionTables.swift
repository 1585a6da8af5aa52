/// The tables of indices that a convolution needs in one direction. They depend on its geometry and not
/// on its weights, so a layer makes them once.
public struct ConvolutionTables: Sendable {
  /// Which of a layer's two products the tables are for.
  public enum Direction: Sendable {
    /// out = W ∗ in.
    case forward
    /// ∂in = Wᵀ ∗ ∂out, whatever the stride.
    case inputGradient
  }

  /// Which of the layer's two products the tables are for.
  public let direction: Direction
  /// For every destination the sources under the kernel.
  public let gather: Gather
  /// The tiles of F(4×4) and of F(2×2), if Winograd's algorithm can compute the convolution; empty
  /// otherwise. They are the same in both directions.
  public let tiles: [WinogradTiles]

  /// The tables of one direction, for the geometry of the forward pass.
  public init(_ geometry: ConvolutionGeometry, _ direction: Direction) {
    self.init(geometry, direction, tiles: Self.tiles(of: geometry))
  }

  /// The tables of both directions, which share their tiles.
  public static func both(
    _ geometry: ConvolutionGeometry
  ) -> (forward: ConvolutionTables, inputGradient: ConvolutionTables) {
    let tiles = tiles(of: geometry)
    return (
      ConvolutionTables(geometry, .forward, tiles: tiles),
      ConvolutionTables(geometry, .inputGradient, tiles: tiles)
    )
  }

  private init(_ geometry: ConvolutionGeometry, _ direction: Direction, tiles: [WinogradTiles]) {
    self.direction = direction
    gather = direction == .forward ? .convolution(geometry) : .inputGradient(of: geometry)
    self.tiles = tiles
  }

  private static func tiles(of geometry: ConvolutionGeometry) -> [WinogradTiles] {
    [4, 2].compactMap { WinogradTiles(geometry, outputExtent: $0) }
  }
}
