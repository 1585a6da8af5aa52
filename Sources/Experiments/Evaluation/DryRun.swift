import Classification
import Datasets
import Kernels
import NeuralNetwork
import Reporting
import Robustness
import Synchronization

/// What the jobs of plans take for an image, counted before anything is measured: each is done twice on one image,
/// with a model that no attack misleads, so that none ends early, and with one that is misled at once, as some search
/// longer where they have found something. The greater of both is nearly always the most that a job can take; how
/// many passes it takes depends neither on the radius nor on the pixels, but for what is left out on the way.
package final class DryRun: Sendable {
  private let data: DatasetSplit
  private let models: [SlopedModel]
  /// What was counted: of every defence under every attack of a plan.
  private let known = Mutex<[EvaluationPlan: [[JobResult]]]>([:])

  /// - Parameters:
  ///   - data: the training images that defences mix with; one of every class is enough here.
  ///   - base: a model that is to be asked later; nil for one without randomness that takes one pass.
  package init(_ data: DatasetSplit, base: (any Classifier)? = nil) {
    let training = data.training
    let firsts = training.labels.indices.reduce(into: [Int: Int]()) { firsts, place in
      if firsts[training.labels[place]] == nil { firsts[training.labels[place]] = place }
    }
    let few = training[firsts.values.sorted()]
    let one = few[0..<min(1, few.count)]
    self.data = DatasetSplit(training: few, validation: one, test: one)
    models = [0.01, 1000].map { slope in
      SlopedModel(
        image: one, slope: slope,
        forwardPassesPerDecision: base?.forwardPassesPerDecision ?? 1,
        isRandomized: base?.isRandomized ?? false)
    }
  }

  /// For the progress of a plan; nil where nobody sees it, or where a defence is of another package: that may need more
  /// training images than one of every class.
  convenience init?(
    of plan: EvaluationPlan, on data: DatasetSplit, base: any Classifier,
    seenBy progress: ProgressReporter
  ) {
    guard progress.isShown, plan.defences.allSatisfy({ DefenceName.allCases.contains($0.name) })
    else { return nil }
    self.init(data, base: base)
  }

  /// The passes for an image of every defence under every attack, in the order of the jobs of a run. Images that are
  /// found without knowledge of a defence are searched for once, and count with the first of the defences.
  package func passes(_ plan: EvaluationPlan) throws -> [PassMeter.Count] {
    /// With one radius for all.
    func common(_ attack: AttackDescription) -> AttackDescription {
      var attack = attack
      if attack.budget != nil { attack.epsilon = plan.attacks.lazy.compactMap(\.epsilon).first }
      return attack
    }
    var one = plan
    one.count = 1
    one.seed = 1
    one.defences = unique(plan.defences)
    let clean = AttackDescription(.none)
    one.attacks = unique([clean] + plan.attacks.map(common))
    let results = try results(one)
    return plan.defences.enumerated().flatMap { row, defence in
      plan.attacks.map { attack in
        guard let own = one.defences.firstIndex(of: defence),
          let column = one.attacks.firstIndex(of: common(attack))
        else { return PassMeter.Count() }
        return results.map { results in
          let judged = results[own * one.attacks.count]
          let result = results[own * one.attacks.count + column]
          return (row > 0 && result.isOblivious ? judged : result).passesAtMost
        }.max { $0.work < $1.work } ?? PassMeter.Count()
      }
    }
  }

  /// The passes by which every defence of a plan decides on an image.
  func decisions(_ plan: EvaluationPlan) throws -> PassMeter.Count {
    PassMeter.Count(
      forward: try results(plan)[0].reduce(0) { $0 + $1.forwardPassesPerDecision * $1.scoringDraws }
    )
  }

  /// The passes of a sanity suite on so many images: nearly every check runs the attack again.
  ///
  /// - Parameter plan: a defence, or several, under an attack.
  func passesOfSanity(_ plan: EvaluationPlan, images: Int) throws -> PassMeter.Count {
    try passes(plan).reduce(PassMeter.Count()) { $0 + $1.times(images * SanitySuite.names.count) }
  }

  /// The jobs of a plan with each of the models.
  private func results(_ plan: EvaluationPlan) throws -> [[JobResult]] {
    if let results = known.withLock({ $0[plan] }) { return results }
    let results = try models.map { model in
      try EvaluationRun(
        plan: plan,
        execution: Execution(kernels: .reference, workers: WorkerPool(threadCount: 1)),
        progress: ProgressReporter(output: .silent)
      ).run(model, other: model, on: data, called: model.name)
    }
    known.withLock { $0[plan] = results }
    return results
  }
}

extension JobResult {
  /// Whether its images were found without knowledge of the defence.
  fileprivate var isOblivious: Bool {
    job.attack.budget != nil
      && (job.attack.draws == nil || job.defence.defence == nil && !isRandomized)
  }

  /// What it took, nothing left out.
  fileprivate var passesAtMost: PassMeter.Count {
    let passes = cost?.passes ?? PassMeter.Count()
    return PassMeter.Count(forward: passes.forward + passes.spared, backward: passes.backward)
  }
}

extension PassMeter.Count {
  /// Passes of so many images.
  func times(_ images: Int) -> PassMeter.Count {
    PassMeter.Count(forward: forward * images, backward: backward * images)
  }

  /// What progress reckons with: the time in forward passes. One backward takes 1.3 to 2 of them, as RESULTS has steps of
  /// an attack beside forward passes.
  var work: Double { Double(forward) + 2 * Double(backward) }
}

/// A model that answers one class to one image and costs next to nothing: for class c, z_c = s (x_c − y_c), with x_c a
/// pixel, y_c the same of that image and s the slope, and 1 more for that class.
private struct SlopedModel: EvaluatedModel, DifferentiableClassifier {
  let image: LabelledImages
  let slope: Float
  let forwardPassesPerDecision: Int
  let isRandomized: Bool

  var name: String { "dry run" }
  var digest: String { "\(slope)" }
  var normalization: Normalization? { nil }
  var imageShape: ImageShape { image.pixels.imageShape }
  var classCount: Int { image.classCount }

  func classifier(on execution: Execution) -> any DifferentiableClassifier { self }

  func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try check(images)
    PassMeter.add(PassMeter.Count(forward: images.count * forwardPassesPerDecision))
    return answers(to: images)
  }

  func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    try check(images)
    let passes = images.count * forwardPassesPerDecision
    PassMeter.add(PassMeter.Count(forward: passes, backward: passes))
    let logits = answers(to: images)
    let cotangent = try cotangent(of: logits, by: lossGradient)
    var gradient = Tensor(shape: images.tensor.shape)
    for place in 0..<images.count {
      for number in 0..<classCount {
        gradient[place * imageShape.count + pixel(number)] +=
          slope * cotangent[place * classCount + number]
      }
    }
    return (logits, gradient)
  }

  private func answers(to images: Pixels) -> Tensor {
    var logits = Tensor(shape: [images.count, classCount])
    for place in 0..<images.count {
      for number in 0..<classCount {
        let pixel = pixel(number)
        let moved =
          images.tensor[place * imageShape.count + pixel] - image.pixels.tensor[pixel]
        logits[place * classCount + number] =
          slope * moved + (number == image.labels.first ? 1 : 0)
      }
    }
    return logits
  }

  private func pixel(_ number: Int) -> Int { number % imageShape.count }
}
