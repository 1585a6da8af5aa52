import Classification
import MixupInference
import Robustness

/// A defence that noise smooths, as commands and records describe it.
package struct SmoothedDefence: Sendable, Hashable, Codable {
  /// gaussian, mi-pl or mi-ol.
  package var name: String
  /// λ, of mixup inference.
  package var lambda: MixingRatio?
  /// σ of the noise, on the pixel scale; behind the mixing, if there is any.
  package var sigma: Double

  /// A defence.
  ///
  /// - Throws: `PlanError.setting` for one that has no certificate; `CertificationError` for a σ or λ that gives
  ///   none.
  package init(_ defence: DefenceDescription, sigma: Double) throws {
    try CertificationError.check(noise: sigma)
    switch defence.defence {
    case let rule as MixupInferenceRule where rule.predictedLabel == nil || rule.otherLabel == nil:
      lambda = (rule.predictedLabel ?? rule.otherLabel)?.lambda
      guard lambda != 0 else { throw CertificationError.ratio }
    case is TransformedInput where defence.name == .gaussianNoise: lambda = nil
    default:
      throw PlanError.setting(
        "\(defence.name.rawValue) has no certificate; certify takes gaussian, mi-ol and mi-pl, whose noise "
          + "--sigma names")
    }
    name = defence.name.rawValue
    self.sigma = sigma
  }

  package var usesTrainingImages: Bool { lambda != nil }

  /// "mi-ol, lambda 0.6, sigma 0.25".
  package var title: String {
    ([name] + [lambda.map { "lambda \($0)" }, "sigma \(sigma)"].compactMap(\.self))
      .joined(separator: ", ")
  }

  /// The standard deviation of the noise as the image sees it.
  package var standardDeviation: Double { sigma / (lambda?.doubleValue ?? 1) }

  /// The defence before a network.
  func smoothed(
    _ base: any DifferentiableClassifier, training: LabelledImages
  ) throws -> any SmoothedClassifier {
    guard let lambda else { return try GaussianSmoothing(base, standardDeviation: sigma) }
    return try MixedSmoothing(
      base, pool: SamplePool(training),
      partner: name == DefenceName.predictedLabel.rawValue ? .predicted : .other, lambda: lambda,
      noise: sigma)
  }
}
