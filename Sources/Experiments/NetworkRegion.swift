import MixupInference
import Reporting
import Statistics

/// Where RIC and DG hold for power laws as strong as the attack on a network, over λ and the exponent p, and which
/// exponents the network shows there.
package struct NetworkRegion: Sendable {
  /// An exponent that a network shows at one λ under one rule.
  struct Place: Sendable {
    var rule: PartnerLabel
    var lambda: MixingRatio
    var exponent: Double
    var interval: Interval
  }

  let name: String
  /// g of the attack.
  let strength: BoundedMean
  let places: [Place]
  /// Of the models of that g and as many classes.
  private let settings: Verification.Settings

  /// Nil where the network has no place: without an image that the attack misled, or where g may be 0.
  ///
  /// - Parameter seed: of the synthetic models.
  package init?(_ network: NetworkVerification.Results, seed: UInt64 = 1) {
    guard let growth = network.points.compactMap(\.growth).first, 0...1 ~= growth.strength.value
    else { return nil }
    places = network.points.compactMap { point in
      point.growth?.exponent(at: point.lambda).map {
        Place(rule: point.rule, lambda: point.lambda, exponent: $0.value, interval: $0.interval)
      }
    }
    guard !places.isEmpty else { return nil }
    name = network.name
    strength = growth.strength
    var settings = Verification.Settings()
    settings.scenario.family = .power
    settings.scenario.strength = growth.strength.value
    settings.scenario.classCount = growth.classCount
    settings.scenario.dimension = max(settings.scenario.dimension, growth.classCount - 1)
    settings.seed = seed
    self.settings = settings
  }

  /// The region with the network's exponents as marks; nil where there are no such models.
  var plot: RegionPlot<Verification.Conditions>? {
    guard let region = try? Verification(settings).region() else { return nil }
    let plane = Verification.Results(
      settings: settings, theorems: [], conditions: [], attackedCount: 0, staysOnSimplex: true,
      failures: [], criticalLambdas: [], region: region)
    var plot = VerificationReport(plane).regionPlot
    plot.places = PartnerLabel.allCases.map { rule in
      RegionPlot<Verification.Conditions>.Places(
        "\(name), \(rule.title)",
        places.filter { $0.rule == rule }.map {
          (x: $0.lambda.doubleValue, y: $0.exponent, interval: $0.interval)
        })
    }
    return plot
  }

  /// What the marks say, λ by λ: whether a power law of that exponent satisfies RIC.
  package var findings: [String] {
    PartnerLabel.allCases.compactMap { rule in
      let own = places.filter { $0.rule == rule }
      guard !own.isEmpty else { return nil }
      let said = NetworkVerification.Verdict.allCases.compactMap { verdict -> String? in
        let lambdas = NetworkVerificationReport.runs(
          of: own.map(\.lambda), where: own.map { self.verdict($0) == verdict })
        return lambdas.isEmpty
          ? nil : "\(verdict.rawValue) at λ = \(lambdas.joined(separator: ", "))"
      }
      return
        "\(name), \(rule.title): were its attack a power law of the exponents seen here, RIC "
        + said.joined(separator: "; ") + "."
    }
  }

  /// Whether RIC holds at both ends of the interval of the exponent; between, it changes once at most, as more decay
  /// is more margin.
  private func verdict(_ place: Place) -> NetworkVerification.Verdict {
    func holds(_ exponent: Double) -> Bool? {
      // g(1−λᵖ) is 0 for p → 0, and g for p → ∞.
      guard exponent > 0 else { return false }
      return try? GrowthCondition(
        strength: settings.scenario.strength, exponent: min(exponent, 1e6),
        rule: place.rule, classCount: settings.scenario.classCount
      ).holds(at: place.lambda.doubleValue)
    }
    switch (holds(place.interval.lower), holds(place.interval.upper)) {
    case (true, _): return .holds
    case (_, false): return .doesNotHold
    default: return .notDecided
    }
  }

  /// For a page.
  var content: [HTMLReport.Content] {
    guard let plot else { return [.list(findings)] }
    return [
      .list(findings),
      .figure(
        plot,
        caption:
          "Colours: where RIC and DG hold for exact models whose attack takes g = "
          + "\(interval(strength.value, strength.interval)) from the confidence in the true class, as that on \(name) "
          + "does. Marks: the exponent p of the power law that decays as much as \(name)'s attack at that λ, by way of G; "
          + "whiskers hold with 90% at least, and an arrow points to what lies beyond. The network's attack need be no "
          + "power law: then its marks lie at no one height."),
    ]
  }
}
