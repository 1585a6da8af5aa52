import Robustness
import Statistics
import Training

/// How one of several settings of a defence is chosen by its accuracy on validation images.
package enum ChoosingRule: Codable, Hashable, Sendable {
  /// The most accurate under attack of those that cost at most so much clean accuracy.
  case mostRobust(cost: Double)
  /// The least accurate on clean images of those that cost at most so much: defences that pay differently
  /// for what they win are compared at the same price.
  case dearest(cost: Double)

  /// Accuracies of one setting, as shares of the images.
  package struct Accuracies: Sendable {
    package var clean: Double
    /// After an attack; of no consequence for `dearest`.
    package var adversarial: Double

    package init(clean: Double, adversarial: Double = 0) {
      self.clean = clean
      self.adversarial = adversarial
    }
  }

  /// Which of the trials is chosen, the first among equals; if all cost more than they may, the one of
  /// the highest clean accuracy. Nil without trials.
  ///
  /// - Parameter baseline: clean accuracy of what costs nothing: the network alone.
  package func choice(
    of trials: [Accuracies], baseline: Double
  ) -> (place: Int, isReached: Bool)? {
    let cost =
      switch self {
      case .mostRobust(let cost), .dearest(let cost): cost
      }
    let kept = trials.indices.filter { trials[$0].clean.isShare(atLeast: baseline - cost) }
    let best =
      switch self {
      case .mostRobust: kept.max { trials[$0].adversarial < trials[$1].adversarial }
      case .dearest: kept.min { trials[$0].clean < trials[$1].clean }
      }
    return (best ?? trials.indices.max { trials[$0].clean < trials[$1].clean }).map {
      ($0, !kept.isEmpty)
    }
  }
}

/// ε as the smallest of several radii at which PGD breaks an undefended network.
package struct RadiusRule: Codable, Hashable, Sendable {
  /// In rising order, on the pixel scale.
  package var radii: [Epsilon]
  /// The network that is to be broken.
  package var method: TrainingMethod
  /// The share of validation images that may be left right.
  package var left: Double
  /// Steps of PGD.
  package var steps: Int

  /// The radius; the largest if none breaks the network.
  ///
  /// - Parameter accuracy: of the undefended network at a radius; nil if it is not known.
  func choice(_ accuracy: (Epsilon) -> Double?) -> Epsilon? {
    radii.first { accuracy($0).map { $0 <= left } == true } ?? radii.last
  }
}
