import Classification
import Datasets
import NeuralNetwork
import Robustness
import Synchronization

extension EvaluationRun {
  /// The logits that every defence of the plan gives images, for everybody's own checks: tensors "logits.0",
  /// "logits.1", … [N, L] in the order of the plan's defences, "labels" and "indices" [N]. A randomised defence has
  /// those of its first scoring draw, whose largest are the predictions of records.
  ///
  /// - Parameter images: the images; if nil those that the plan measures.
  package func logits(
    of model: any EvaluatedModel, on data: DatasetSplit, images: LabelledImages? = nil,
    dataset: Dataset
  ) throws -> Safetensors {
    var plan = plan
    // The images are there; nothing is searched for.
    plan.attacks = [AttackDescription(.none)]
    let seed = plan.seed
    let setting = try Setting(
      plan, model, on: data, images: images ?? self.images?.images, execution: execution)
    let images = setting.images
    var tensors = [
      "labels": try Tensor(column: images.labels), "indices": try Tensor(column: images.indices),
    ]
    var metadata = provenance("logits", of: model, dataset)
    let stage = progress.stage(
      "logits", total: plan.defences.count * images.count, unit: "images")
    for (place, defence) in plan.defences.enumerated() {
      let target = try setting.target(of: defence)
      // Blocks of images, as an evaluation has them; an image's logits do not depend on its block.
      let size = 50
      let blocks = Mutex([Int: Result<Tensor, any Error>]())
      execution.workers.forEach(count: (images.count + size - 1) / size) { block in
        let part = images[block * size..<min((block + 1) * size, images.count)]
        let logits = Result {
          try progress.interruption.check()
          let logits = try target.classifier.checkedLogits(
            of: part.pixels,
            draws: Draws(seed: seed, purpose: .score, examples: part.indices))
          try stage.advance(by: part.count)
          return logits
        }
        blocks.withLock { $0[block] = logits }
      }
      let rows = try blocks.withLock {
        try $0.sorted { $0.key < $1.key }.map { try $0.value.get() }
      }
      tensors["logits.\(place)"] = try Tensor(
        rows.flatMap(\.values), shape: [images.count, images.classCount])
      metadata["defence.\(place)"] = defence.title
    }
    stage.finish()
    return Safetensors(tensors: tensors, metadata: metadata)
  }
}
