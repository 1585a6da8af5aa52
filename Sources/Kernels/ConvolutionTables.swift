import Synchronization

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
  /// The planes over which it can be computed; nil where it cannot.
  package let planes: PixelPlanes?

  /// The tables of one direction, for the geometry of the forward pass.
  public init(_ geometry: ConvolutionGeometry, _ direction: Direction) {
    self.init(geometry, direction, tiles: Self.tiles(of: geometry))
  }

  fileprivate init(
    _ geometry: ConvolutionGeometry, _ direction: Direction, tiles: [WinogradTiles]
  ) {
    self.direction = direction
    gather = direction == .forward ? .convolution(geometry) : .inputGradient(of: geometry)
    self.tiles = tiles
    planes = PixelPlanes(geometry, direction)
  }

  fileprivate static func tiles(of geometry: ConvolutionGeometry) -> [WinogradTiles] {
    [4, 2].compactMap { WinogradTiles(geometry, outputExtent: $0) }
  }
}

/// The tables of both directions of one geometry, which share their tiles: each is made when it is first asked for. A
/// class so that all layers of a network with this geometry have the same tables, which for large images are larger
/// than the weights.
public final class SharedConvolutionTables: Sendable {
  /// What the tables are for.
  public let geometry: ConvolutionGeometry

  private struct Made {
    var tiles: [WinogradTiles]?
    var forward: ConvolutionTables?
    var inputGradient: ConvolutionTables?
  }
  private let made = Mutex(Made())

  /// Tables that nobody has asked for yet.
  public init(_ geometry: ConvolutionGeometry) { self.geometry = geometry }

  /// The tables of a direction.
  public subscript(_ direction: ConvolutionTables.Direction) -> ConvolutionTables {
    made.withLock { made in
      if let tables = direction == .forward ? made.forward : made.inputGradient { return tables }
      let tiles = made.tiles ?? ConvolutionTables.tiles(of: geometry)
      let tables = ConvolutionTables(geometry, direction, tiles: tiles)
      made.tiles = tiles
      switch direction {
      case .forward: made.forward = tables
      case .inputGradient: made.inputGradient = tables
      }
      return tables
    }
  }
}
