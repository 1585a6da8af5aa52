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
    let setting = try Setting(plan, model, other, on: data, execution: execution)
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
    let evaluation = Evaluation(seed: plan.seed, on: execution.workers)
    let classifier = target.predictor(of: attack)
    let result = try evaluation.run(classifier, on: setting.images, under: threat) {
      try stage.advance(by: $0.outcomes.count)
    }
    stage.finish()
    let images = result.images
    let file = Safetensors(
      tensors: [
        "images": images.pixels.tensor, "labels": try Tensor(column: images.labels),
        "indices": try Tensor(column: images.indices),
        "predictions": try Tensor(column: result.outcomes.map(\.prediction)),
      ],
      metadata: provenance("adversarial images", of: model, dataset).merging([
        "defence": defence.name.rawValue, "attack": attack.name.rawValue,
        "norm": attack.norm.rawValue, "epsilon": attack.epsilon?.description ?? "",
      ]) { first, _ in first }
      .merging(attack.parameters.map { ("attack.\($0)", $1) }) { first, _ in first }
      .merging(defence.parameters.map { ("defence.\($0)", $1) }) { first, _ in first })
    return (file, images, result.correctCount)
  }
  /// The metadata of a file of results: of which format it is, and what made it.
  func provenance(
    _ format: String, of model: any EvaluatedModel, _ dataset: Dataset
  ) -> [String: String] {
    [
      "format": format, "model": model.name, "checkpoint": model.digest,
      "checkpointFile": model.origin?.digest ?? "", "dataset": dataset.name, "split": "test",
      "seed": "\(plan.seed)", "kernels": execution.kernels.rawValue,
    ].merging(model.process.map { ["process": $0.command] } ?? [:]) { first, _ in first }
  }
}

extension Tensor {
  /// Whole numbers as [N].
  init(column values: [Int]) throws {
    try self.init(values.map(Float.init), shape: [values.count])
  }
}
