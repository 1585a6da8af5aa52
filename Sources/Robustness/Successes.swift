import Classification

extension LabelledImages {
  /// Where the images of outcomes stand among these, found by their indices; in the order of the images.
  package func positions(of outcomes: some Collection<EvaluationResult.Outcome>) -> [Int] {
    let wanted = Set(outcomes.lazy.map(\.index))
    return indices.indices.filter { wanted.contains(indices[$0]) }
  }
}

extension Collection<EvaluationResult.Outcome> {
  /// The attack's successes: what is predicted wrongly here and was right before, on the first draw of both.
  ///
  /// What was wrong before is no success of the attack, and neither is what is not in `clean`.
  ///
  /// - Parameter clean: outcomes of the same images before the attack, found by their indices.
  package func successes(
    over clean: some Collection<EvaluationResult.Outcome>
  ) -> [EvaluationResult.Outcome] {
    let wereRight = Set(clean.lazy.filter(\.isCorrect).map(\.index))
    return filter { !$0.isCorrect && wereRight.contains($0.index) }
  }
}
