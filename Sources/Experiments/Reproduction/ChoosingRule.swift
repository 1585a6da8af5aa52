import Robustness
import Statistics
import Training

/// How one of several settings of a defence is chosen by its accuracy on validation images.
package enum ChoosingRule: Codable, Hashable, Sendable {
  /// The most accurate under attack of the settings that lose at most `cost` of clean accuracy.
  case mostRobust(cost: Double)
  /// The least accurate on clean images of the settings that lose at most `cost` there, so that different
  /// defences are compared at about the same loss.
  case dearest(cost: Double)

  /// Accuracies of one setting, as shares of the images.
  package struct Accuracies: Sendable {
    package var clean: Double
    /// Under attack; `dearest` does not look at it.
    package var adversarial: Double

    package init(clean: Double, adversarial: Double = 0) {
      self.clean = clean
      self.adversarial = adversarial
    }
  }

  /// Which of the trials is chosen, the first among equals; if all lose more than `cost`, the one of the
  /// highest clean accuracy.
  ///
  /// - Parameter baseline: the clean accuracy from which losses are counted, that of the network alone.
  /// - Returns: the place of the trial, and whether it loses no more than `cost`; nil without trials.
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
  /// The largest share of validation images still classified correctly at which the network is called
  /// broken.
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
