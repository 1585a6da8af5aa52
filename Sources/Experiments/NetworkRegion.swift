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

  /// The λ at which a power law of the exponent seen there comes to a verdict on RIC; without those for which the network
  /// has no mark.
  package func lambdas(_ rule: PartnerLabel, _ verdict: NetworkVerification.Verdict) -> [String] {
    let own = places.filter { $0.rule == rule }
    return NetworkVerificationReport.runs(
      of: own.map(\.lambda), where: own.map { self.verdict($0) == verdict })
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

  /// Whether one exponent would do at every λ, by the whiskers alone.
  private var heights: String {
    let said = PartnerLabel.allCases.compactMap { rule -> String? in
      let intervals = places.filter { $0.rule == rule }.map(\.interval)
      guard intervals.count > 1, let low = intervals.map(\.lower).max(),
        let high = intervals.map(\.upper).min()
      else { return nil }
      let range =
        "\(trimmed(low, decimals: 2))"
        + (high.isFinite ? " to \(trimmed(high, decimals: 2))" : " and more")
      return "under \(rule.title) "
        + (low <= high
          ? "p\u{A0}=\u{A0}\(range) lies in all whiskers"
          : "no p lies in all whiskers, where a power law has one")
    }
    return said.isEmpty ? "" : " On \(name), \(said.joined(separator: "; "))."
  }

  /// For a page.
  ///
  /// - Parameter isFirst: whether the reader has not seen such a picture yet.
  package func content(isFirst: Bool = true) -> [HTMLReport.Content] {
    let strength = interval(strength.value, strength.interval)
    guard let plot, plot.cells.contains(where: { $0.contains { !$0.isEmpty } }) else {
      return [
        .paragraph(
          "There is no picture of where the conditions hold for models whose attack takes as much from F_y as the one on "
            + "\(name), \(strength): such models are sure of clean images, so it misleads none of them, and the conditions "
            + "are about images that are misled.")
      ]
    }
    return [
      .figure(
        plot,
        caption: isFirst
          ? "Where RIC and DG < 0 hold for models that can be computed exactly, which are sure of clean images and of which "
            + "an attack shrunk by λ keeps λᵖ of its effect. The attack takes g = \(strength) from F_y, as that on \(name) "
            + "does. The dotted lines are computed: above the upper one RIC holds under MI-PL, where c = 1, above the lower under "
            + "MI-OL, where c = (L − 2)/(L − 1) for L classes. Marks: the p at which a model's attack would decay as much as that on "
            + "\(name) at this λ, with whiskers of 95% at least, each by itself; arrows point to what lies beyond. Where an area "
            + "says otherwise than the table, the network is no such model.\(heights)"
          : "The same for \(name), where the attack takes g = \(strength) from F_y.\(heights)")
    ]
  }
}
