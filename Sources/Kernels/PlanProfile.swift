/// For how many images at a time a plan is to be fast. Algorithms and blocking follow from shape, kernel
/// set and profile alone, never from a clock, so that results are the same bytes in every run.
public enum PlanProfile: String, CaseIterable, Sendable, Codable {
  /// Many images at a time.
  case throughput
  /// One image at a time. The weights are then read for this image alone, which takes most of the time,
  /// so F(2×2) may beat F(4×4): it makes more products, but has 16 weights for a pair of channels, not 36.
  case latency

  /// The tiles and the blocking for Winograd's algorithm, if it is faster than the direct product; nil
  /// otherwise.
  ///
  /// The numbers in it were found by measuring with `mixup-inference profile`.
  func winograd(
    _ tables: ConvolutionTables, inputChannels: Int, outputChannels: Int, kernels: KernelSet
  ) -> (WinogradTiles, KernelSet.WinogradBlocking)? {
    guard kernels.hasVectorProducts, inputChannels % 16 == 0, outputChannels % 16 == 0
    else { return nil }
    // In products for a pair of channels. For one image the reading of the weights is counted too.
    func cost(_ tiles: WinogradTiles) -> Int {
      let products = tiles.tilesPerImage * tiles.pointCount
      return self == .latency ? products + Self.weightCost * tiles.pointCount : products
    }
    let fitting = tables.tiles.filter {
      tables.direction == .forward
        || $0.pointCount * inputChannels * outputChannels <= Self.mostGradientWeights
    }
    guard let best = fitting.min(by: { cost($0) < cost($1) }),
      // The transforms take time too, so there must be less than three fifths of the products.
      5 * best.tilesPerImage * best.pointCount < 3 * tables.gather.multiplyAdds
    else { return nil }
    return (
      best,
      KernelSet.WinogradBlocking(
        tiles: inputChannels < 256 ? 48 : 60,
        columns: min(outputChannels, 4 * kernels.float32.vectorWidth))
    )
  }

  /// Of a layer: 40 MiB. A gradient comes beside the weights of the forward pass; with F(2×2) where there are 640 channels
  /// and more, a step of an attack on WRN-28-10 takes 3% longer and 218 MiB less.
  private static let mostGradientWeights = 10 << 20

  /// How many products take as long as the reading of one weight.
  private static let weightCost = 12
}
