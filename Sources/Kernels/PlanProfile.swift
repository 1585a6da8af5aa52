/// What a plan is made for. Algorithms and blocking follow from shape, kernel set and profile alone,
/// never from a clock, so that results stay the same bytes.
public enum PlanProfile: String, CaseIterable, Sendable, Codable {
  /// Many images at a time.
  case throughput
  /// One image at a time: weights are read for a single image, so smaller ones may be better.
  case latency

  /// The tiles and the blocking with which Winograd's algorithm pays, if it does.
  ///
  /// The numbers were found by measuring with `mixup-inference profile`.
  func winograd(
    _ tables: ConvolutionTables, inputChannels: Int, outputChannels: Int, kernels: KernelSet
  ) -> (WinogradTiles, KernelSet.WinogradBlocking)? {
    guard kernels.hasVectorProducts, inputChannels % 16 == 0, outputChannels % 16 == 0
    else { return nil }
    // Products of single numbers, and for one image the weights too, which then dominate.
    func cost(_ tiles: WinogradTiles) -> Int {
      let products = tiles.tilesPerImage * tiles.pointCount
      return self == .latency ? products + Self.weightCost * tiles.pointCount : products
    }
    guard let best = tables.tiles.min(by: { cost($0) < cost($1) }),
      // Transforms cost as much again as some of the products.
      5 * best.tilesPerImage * best.pointCount < 3 * tables.gather.multiplyAdds
    else { return nil }
    return (
      best,
      KernelSet.WinogradBlocking(
        tiles: inputChannels < 256 ? 48 : 60,
        columns: min(outputChannels, 4 * kernels.float32.vectorWidth))
    )
  }

  /// What reading one weight costs, in products.
  private static let weightCost = 12
}
