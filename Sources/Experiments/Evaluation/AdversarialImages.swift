import Classification
import Datasets
import NeuralNetwork
import Robustness

extension EvaluationRun {
  /// The images that the plan's first attack finds against its first defence, projected onto the allowed
  /// ball as they are when they are judged: tensors "images" [N, C, H, W] in [0, 1], "labels", "indices"
  /// and "predictions" [N].
  ///
  /// - Returns: the file, the images, and how many of them the defence classifies correctly.
  package func images(
    of model: any EvaluatedModel, other: (any EvaluatedModel)? = nil, on data: DatasetSplit,
    dataset: Dataset
  ) throws -> (file: Safetensors, images: LabelledImages, correct: Int) {
    let setting = try Setting(plan, model, other, on: data, kernels: kernels)
    guard let defence = plan.defences.first, let attack = plan.attacks.first else {
      throw PlanError.setting("a plan needs a defence and an attack")
    }
    let target = try setting.target(of: defence)
    let threat = try attack.budget.map {
      try target.threat(
        attack, oblivious: setting.oblivious(attack), within: $0,
        selections: max(1, plan.selectionDraws))
    }
    let stage = progress.stage(
      "\(defence.name.rawValue) under \(attack.name.rawValue)", total: setting.images.count,
      unit: "images")
    let evaluation = Evaluation(seed: plan.seed) { [workers] in workers.forEach(count: $0, $1) }
    let classifier = target.classifier
    let result = try evaluation.run(classifier, on: setting.images, under: threat) {
      stage.advance(by: $0.outcomes.count)
    }
    stage.finish()
    func column(_ values: [Int]) throws -> Tensor {
      try Tensor(values.map(Float.init), shape: [values.count])
    }
    let images = result.images
    let file = Safetensors(
      tensors: [
        "images": images.pixels.tensor, "labels": try column(images.labels),
        "indices": try column(images.indices),
        "predictions": try column(result.outcomes.map(\.prediction)),
      ],
      metadata: [
        "format": "adversarial images", "model": model.name, "checkpoint": model.digest,
        "checkpointFile": model.origin?.digest ?? "", "dataset": dataset.name, "split": "test",
        "defence": defence.name.rawValue,
        "attack": attack.name.rawValue, "norm": attack.norm.rawValue,
        "epsilon": attack.epsilon?.description ?? "", "seed": "\(plan.seed)",
        "kernels": kernels.rawValue,
      ].merging(attack.parameters.map { ("attack.\($0)", $1) }) { first, _ in first }
        .merging(defence.parameters.map { ("defence.\($0)", $1) }) { first, _ in first }
        .merging(model.process.map { ["process": $0.command] } ?? [:]) { first, _ in first })
    return (file, images, result.correctCount)
  }
}
