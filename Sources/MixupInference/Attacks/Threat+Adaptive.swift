import Classification
import Robustness

extension Threat {
  /// The attacker who knows that mixup inference is used, and how: for every example the best of the
  /// attack through the network alone, through the whole defence with fresh draws at every step, and,
  /// on MI-Combined, through each of its branches.
  ///
  /// - Parameters:
  ///   - attack: what is tried through each of them.
  ///   - sampleCount: the attacker's N for a gradient; the choice is made with the defence's own.
  ///   - average: whether the attacker follows the loss of the mean of N mixtures, as the defence
  ///     decides, or the mean of their losses.
  /// - Throws: `MixupInferenceError` if `sampleCount` is below 1, or more than the pool can give to a
  ///   defence that draws without replacement.
  public static func adaptive<Base: DifferentiableClassifier>(
    _ attack: any Attack, within budget: PerturbationBudget,
    on defence: MixupInference<Base>, sampleCount: Int, average: GradientAverage = .probabilities
  ) throws -> Threat {
    adaptive(
      attack, within: budget, on: defence, base: defence.base,
      through: try defence.surrogates(drawCount: sampleCount, average: average))
  }
}
