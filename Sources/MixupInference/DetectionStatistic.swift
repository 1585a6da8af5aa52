import Classification

/// A number that is large for inputs that look adversarial: how far mixing lowers the confidence. F(x)
/// are the probabilities of input x, F_MI(x) their mean over its mixtures, and ŷ is the class predicted
/// for x.
public enum DetectionStatistic: String, Sendable, Codable, CaseIterable {
  /// −ΔF_ŷ = F_ŷ(x) − F_MI,ŷ(x), as the paper defines it.
  case confidenceDrop
  /// max_k F_k(x) − max_k F_MI,k(x), as the paper's code computes it.
  ///
  /// Never above `confidenceDrop`, and equal to it if and only if F_MI still gives ŷ its largest
  /// probability: it misses the inputs whose label mixing has already changed.
  case maximaDrop

  /// The statistic of one input.
  ///
  /// - Parameters:
  ///   - clean: F(x), the probabilities of the input as received; ŷ is the first of its maxima.
  ///   - mixed: F_MI(x), the probabilities under mixup inference.
  public func value(clean: some Collection<Float>, mixed: some Collection<Float>) -> Float {
    var best = (clean: -Float.infinity, mixed: -Float.infinity)
    for (clean, mixed) in zip(clean, mixed) where clean > best.clean { best = (clean, mixed) }
    return switch self {
    case .confidenceDrop: best.clean - best.mixed
    case .maximaDrop: best.clean - mixed.reduce(-.infinity, max)
    }
  }
}
