import Classification

extension BestOf {
  /// APGD with the cross-entropy; APGD with targeted DLR towards every class, or with fewer than four
  /// classes with the margin, away from the true one; and Square, which needs no gradient. No
  /// parameter has to be tuned. In the manner of Croce and Hein, ICML 2020, who add the boundary attack
  /// FAB.
  public static func ensemble(
    classCount: Int, steps: Int = 100, queries: Int = 5000, restarts: Int = 1, selections: Int = 10
  ) -> BestOf {
    let ratio =
      classCount >= 4
      ? AutoPGD(
        steps: steps, loss: .logitsRatio, objective: .everyClass, restarts: restarts,
        selections: selections)
      : AutoPGD(steps: steps, loss: .margin, restarts: restarts, selections: selections)
    let attacks: [any Attack] = [
      AutoPGD(steps: steps, restarts: restarts, selections: selections), ratio,
      SquareAttack(queries: queries, selections: selections),
    ]
    return BestOf(attacks.map { Contestant($0) }, selections: selections, sparesMisled: true)
  }
}

/// `BestOf.ensemble` for the number of classes that it meets.
package struct Ensemble: ChoosingSearch, ChoosingAttack {
  /// The steps of each gradient attack.
  package var steps = 100
  /// The restarts of each gradient attack.
  package var restarts = 1
  /// The queries of Square.
  package var queries = 5000
  package var selections = 10

  package init() {}

  package var settings: [Setting<Ensemble>] {
    [
      .count("steps", \.steps, of: "steps", growsWithEffort: true),
      .count("restarts", \.restarts, of: "restarts"),
      .count("queries", \.queries, of: "queries", growsWithEffort: true),
    ]
  }

  var depth: Int { 1 }

  package func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    try BestOf.ensemble(
      classCount: surrogate.classCount, steps: steps, queries: queries, restarts: restarts,
      selections: selections
    ).search(examples, within: budget, through: surrogate, seed: seed)
  }
}

/// AutoAttack by its name: on a model without randomness its version 'standard', APGD with the cross-entropy,
/// targeted APGD with DLR, targeted FAB and Square, in this order, each on the images that still stand; through
/// a randomised one its version 'rand', APGD with the cross-entropy and with DLR, whose draws for a gradient are
/// the surrogate's. In the manner of Croce and Hein, ICML 2020.
///
/// The targets are all other classes, which with ten classes are the nine of the authors' code; with more
/// classes theirs are the nine likeliest. Images that mislead are judged on fresh draws here, as all are.
package struct AutoAttack: ChoosingSearch, ChoosingAttack {
  /// The steps of each gradient attack.
  package var steps = 100
  /// The queries of Square.
  package var queries = 5000
  package var selections = 10

  package init() {}

  package var settings: [Setting<AutoAttack>] {
    [
      .count("steps", \.steps, of: "steps", growsWithEffort: true),
      .count("queries", \.queries, of: "queries", growsWithEffort: true),
    ]
  }

  var depth: Int { 1 }

  /// The attacks on a model, in their order.
  package func attacks(on model: any Classifier) -> [any Attack] {
    func climb(_ loss: AttackLoss, _ objective: AttackObjective) -> any Attack {
      AutoPGD(steps: steps, loss: loss, objective: objective, selections: selections)
    }
    let first = climb(.crossEntropy, .untargeted)
    guard model.classCount >= 4 else {
      // DLR needs more classes; the margin is what it scales.
      let others: [any Attack] = [
        FastAdaptiveBoundary(steps: steps), SquareAttack(queries: queries, selections: selections),
      ]
      return [first, climb(.margin, .untargeted)] + (model.isRandomized ? [] : others)
    }
    if model.isRandomized { return [first, climb(.logitsRatio, .untargeted)] }
    return [
      first, climb(.logitsRatio, .everyClass),
      FastAdaptiveBoundary(steps: steps, objective: .everyClass),
      SquareAttack(queries: queries, selections: selections),
    ]
  }

  package func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    try BestOf(
      attacks(on: surrogate).map { BestOf.Contestant($0) }, selections: selections,
      sparesMisled: true
    ).search(examples, within: budget, through: surrogate, seed: seed)
  }
}
