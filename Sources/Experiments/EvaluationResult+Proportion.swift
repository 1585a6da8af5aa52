import Robustness
import Statistics

extension EvaluationResult {
  /// Correct predictions among all.
  package var proportion: Proportion {
    Proportion(successes: correctCount, trials: outcomes.count)
  }
}
