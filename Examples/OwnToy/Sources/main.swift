// The theory of mixup inference on a toy of one's own: does mixing undo this attack, and with how much of
// the input, λ, kept in the mixture? Everything is exact: the expectation runs over the whole pool.

import Foundation
import MixupInference

// Three classes, a clean point of each in the plane. H is the affine map that is sure of all three.
let pool = [
  Anchor(point: [0, 0], label: 0), Anchor(point: [1, 0], label: 1),
  Anchor(point: [0, 1], label: 2),
]
let linear = try LinearModel(fitting: pool, classCount: 3)

// An attack δ moves 0.8 of the confidence from class 0 to class 1. Of s·δ only s^1.5 of that is left,
// and a mixture that keeps λ of its input has λδ in it.
let attack = [0.1, 0.2]
let effect = try Perturbation.growing(.power(exponent: 1.5), to: [-0.8, 0.8, 0], along: attack)

// F = H + G: the prediction on an attacked input is that on the clean one plus what the attack adds.
let model = try SyntheticModel(linear, effect, pool: pool)
let input = model.input(at: [0, 0], label: 0, perturbed: attack)
print("An input of class \(input.label), attacked, is taken for class \(input.predicted).")

// MI-PL mixes with points of the class that is predicted, MI-OL with points of the others. ΔF is what mixing
// adds to a confidence. The robustness improving condition (RIC) holds where it adds to that in the true class
// and takes from that in the predicted one. −DG, the detection gap with its sign turned, is how much more of
// its confidence in the predicted class an attacked input loses than a clean one: above 0 one can tell them apart.
for (name, partner) in [("MI-PL", PartnerLabel.predicted), ("MI-OL", .other)] {
  print("\n\(name)   λ   ΔF true  ΔF predicted  RIC     −DG")
  for lambda in [0.2, 0.4, 0.5, 0.6, 0.8] {
    let condition = model.robustnessImprovingCondition(of: input, mixing: partner, lambda: lambda)
    let margin = model.detectionMargin(of: input, mixing: partner, lambda: lambda)
    print(
      String(
        format: "      %.1f    %+.3f        %+.3f  %@  %+.3f", lambda, condition.trueLabelChange,
        condition.predictedLabelChange, condition.holds ? "holds" : "fails", margin))
  }
  // The same from the closed form for effects that decay as a power.
  let growth = try GrowthCondition(strength: 0.8, exponent: 1.5, rule: partner, classCount: 3)
  if let lambdas = growth.favourableLambdas {
    print(String(format: "RIC holds for λ between %.3f and %.0f.", lambdas.lower, lambdas.upper))
  }
}
