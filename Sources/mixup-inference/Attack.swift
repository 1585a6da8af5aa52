import ArgumentParser
import Experiments
import Foundation
import NeuralNetwork
import Reporting

struct Attack: Verb {
  static let configuration = CommandConfiguration.verb(
    "Writes the images that an attack finds.",
    """
    Takes one defence and one attack, as `evaluate` does, and writes a safetensors file: images \
    [N, C, H, W] in [0, 1], labels, indices in the data set, and what the defence predicts. The images \
    are those that would be scored: projected into the allowed radius and into [0, 1], and predicted \
    with random numbers that the attack has not seen. `evaluate --images` shows the file to other \
    models and defences; other tools read it as it is.
    """,
    examples: [
      "attack --model mixup.safetensors --attack pgd --epsilon 3/20 \\\n--count 100 --output adversarial.safetensors",
      "attack --model mixup.safetensors --defence mi-ol \\\n--attack adaptive-pgd --epsilon 3/20 --output adaptive.safetensors",
    ], isLong: true)

  @OptionGroup var network: ModelOptions
  @OptionGroup var dataset: DatasetOptions
  @OptionGroup var plan: PlanOptions

  @Option(help: "File for the images (safetensors); - for standard output.")
  var output: Destination

  @Option(
    help: """
      File for the logits that the defence gives these images, and their labels and indices (safetensors); - for \
      standard output.
      """)
  var logits: Destination?

  @OptionGroup var machine: MachineOptions
  @OptionGroup var common: CommonOptions
  @OptionGroup var profile: ProfileOptions

  /// What --json writes.
  private struct Record: Encodable {
    var model: String
    var defence, attack: String
    var seed: UInt64
    var images: Int
    /// Images whose answer is right all the same.
    var correct: Int
  }

  func run() throws {
    let plan = try plan.evaluationPlan()
    guard plan.defences.count == 1, plan.attacks.count == 1 else {
      throw Failure.usage("attack takes one --defence and one --attack")
    }
    try [output, logits, common.json].check(
      inputs: network.files + [dataset.file, self.plan.plan], others: profile.files,
      data: dataset.data)
    let set = try dataset.described()
    let model = try network.load(for: set.imageShape)
    let other = try network.loadOther(for: set.imageShape)
    let data = try dataset.load(set, seed: model.splitSeed)
    let run = EvaluationRun(
      plan: plan, execution: try machine.execution(),
      progress: common.progress(advice: Interruption.nothingIsKept))
    let found = try profile.profiled("attack", machine) {
      try run.images(of: model, other: other, on: data, dataset: set)
    }
    try output.write(found.file.encoded())
    try logits?.write(
      run.logits(of: model, on: data, images: found.images, dataset: set).encoded())
    try common.write(
      Record(
        model: model.name, defence: plan.defences[0].title, attack: plan.attacks[0].title,
        seed: plan.seed,
        images: found.images.count, correct: found.correct))
    common.say(
      "\(found.images.count) images, \(found.correct) of them classified correctly",
      beside: [output, logits])
  }
}
