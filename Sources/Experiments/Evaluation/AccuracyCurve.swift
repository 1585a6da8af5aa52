import Foundation
import Reporting
import Robustness
import Statistics

/// What an attack that looks for the nearest image that misleads has found on every image, beside what the model
/// says of the images as they are.
struct NearestOutcomes {
  /// Every image with the draws that scored it.
  private struct Example {
    var clean: RepeatedOutcomes.Example
    var attacked: RepeatedOutcomes.Example
    var distance: Double
  }

  private let examples: [Example]
  private let draws: Int
  private let radius: Double

  /// - Returns: nil unless the attack looks for the nearest image and all distances are known.
  init?(_ attacked: JobResult, clean: JobResult) {
    let attack = attacked.job.attack
    guard attack.attack?.findsNearest == true, let radius = attack.epsilon?.doubleValue,
      attacked.outcomes.map(\.index) == clean.outcomes.map(\.index)
    else { return nil }
    self.radius = radius
    draws = attacked.scoringDraws
    let judged = zip(clean.repeated.examples, attacked.repeated.examples)
    examples = zip(attacked.outcomes, judged).compactMap { outcome, judged in
      outcome.distance.map {
        // An image on the edge of the ball may lie beyond it by the rounding of its pixels.
        Example(clean: judged.0, attacked: judged.1, distance: min($0, radius))
      }
    }
    guard examples.count == attacked.outcomes.count else { return nil }
  }

  /// ‖x' − x‖ of every image: 0 of one that is misclassified as it is, nil where nothing was found that
  /// misleads. Behind a randomised defence misclassified is whose true class is not predicted most often on the
  /// draws that score.
  var distances: [Double?] {
    examples.map {
      !$0.clean.isMajorityCorrect ? 0 : $0.attacked.isMajorityCorrect ? nil : $0.distance
    }
  }

  /// The median distance of the images that are right as they are, of two the upper; nil where that is more than
  /// was found, or no image is right.
  var median: Double? {
    let found = zip(examples, distances).filter { $0.0.clean.isMajorityCorrect }
      .map { $1 ?? .infinity }.sorted()
    return found.isEmpty || found[found.count / 2] == .infinity ? nil : found[found.count / 2]
  }

  /// Local optimality: how much of the area above the best attack's curve lies above this one's, up to the radius
  /// at which the best has misled on all images; 1 of an attack whose every distance is the shortest known. The
  /// best takes on every image the shortest distance of all attacks (Cinà et al., AttackBench, AAAI 2025). Images
  /// that are misclassified as they are have no part in it.
  ///
  /// - Parameter all: what all attacks found, of the same images and radius, this one included.
  /// - Returns: nil if none of them misleads on any image.
  func optimality(among all: [NearestOutcomes]) -> Double? {
    func lengths(_ found: NearestOutcomes) -> [Double] {
      zip(examples, found.distances).filter { $0.0.clean.isMajorityCorrect }.map { $1 ?? radius }
    }
    let own = lengths(self)
    let others = all.map(lengths)
    let best = own.indices.map { n in others.reduce(own[n]) { min($0, $1[n]) } }
    let most = best.max() ?? 0
    let (area, largest) = zip(own, best).reduce((0.0, 0.0)) {
      ($0.0 + most - min($1.0, most), $0.1 + most - $1.1)
    }
    return largest > 0 ? area / largest : best == own ? 1 : nil
  }

  /// Accuracy over the radius.
  var curve: [AccuracyCurve.Point] {
    let order = examples.indices.sorted {
      (examples[$0].distance, $0) < (examples[$1].distance, $1)
    }
    var shown = examples.map(\.clean)
    var points: [AccuracyCurve.Point] = []
    var next = 0
    func note(_ radius: Double) {
      let outcomes = RepeatedOutcomes(draws: draws, examples: shown)
      points.append(
        AccuracyCurve.Point(
          radius: radius, accuracy: outcomes.mean, interval: outcomes.meanInterval()))
    }
    while next < order.count {
      let distance = examples[order[next]].distance
      if points.isEmpty, distance > 0 { note(0) }
      while next < order.count, examples[order[next]].distance == distance {
        shown[order[next]] = examples[order[next]].attacked
        next += 1
      }
      note(distance)
    }
    if let last = points.last, last.radius < radius { note(radius) }
    return points
  }
}

/// Accuracy over the radius, from one search for the nearest images that mislead.
///
/// At radius r an image counts as it is judged where the search ended, if that is within r, and as it is judged
/// without an attack if not. Both are judged on fresh draws, so that behind a randomised defence no lucky draw of
/// the search counts. What is not misled where the search ended counts as right for every radius: as every
/// attack's figures the curve is an upper bound, at every radius.
package struct AccuracyCurve: Sendable {
  /// Accuracy from a radius on, until the next point's.
  package struct Point: Sendable, Equatable {
    package var radius: Double
    /// The mean over images and draws.
    package var accuracy: Double
    /// Its 95% interval, over images: Wilson's, for a randomised defence as `RepeatedOutcomes` has it.
    package var interval: Interval
  }

  package let model: String
  package let defence: String
  /// The attack, or "worst" for the nearest image that any of several found.
  package let attack: String
  package let norm: PerturbationBudget.Norm
  /// The number of images.
  package let count: Int
  /// By rising radius, from 0 to the attack's.
  package let points: [Point]
}

extension [AccuracyCurve] {
  /// One line for every step of every curve, under a line of names.
  package var csv: String {
    let columns = DataTable<(curve: AccuracyCurve, point: AccuracyCurve.Point)>([
      .init("model", "text") { .text($0.curve.model) },
      .init("defence", "text") { .text($0.curve.defence) },
      .init("attack", "text") { .text($0.curve.attack) },
      .init("norm", "text") { .text($0.curve.norm.rawValue) },
      .init("radius", "pixel scale") { .number($0.point.radius) },
      .init("accuracy", "share") { .number($0.point.accuracy) },
      .init("lower", "share") { .number($0.point.interval.lower) },
      .init("upper", "share") { .number($0.point.interval.upper) },
      .init("n", "images") { .count($0.curve.count) },
    ])
    return columns.csv(flatMap { curve in curve.points.map { (curve, $0) } })
  }

  /// The curves in one plot, up to the radius at which all are at their end, but for what no image is near to.
  package var svg: String {
    let norms = listed(Set(map(\.norm.rawValue)).sorted())
    // The last point repeats the last accuracy at the attack's radius, which may be the whole box.
    let reached = compactMap { curve in
      curve.points.last { $0.accuracy != curve.points.last?.accuracy }?.radius
    }.max()
    let limit = reached.map { 1.1 * $0 } ?? .infinity
    return LinePlot(
      x: Axis("Radius in \(norms), on the pixel scale"),
      y: Axis("Accuracy", range: 0...1, format: .percent),
      series: map { curve in
        LinePlot.Series(
          "\(curve.model), \(curve.defence), \(curve.attack)",
          curve.points.map {
            LinePlot.Point(
              x: Swift.min($0.radius, limit), y: $0.accuracy, interval: $0.interval)
          }, join: .steps, uncertainty: .band)
      }
    ).svg(width: 640)
  }
}
