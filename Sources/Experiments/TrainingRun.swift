import Classification
import Datasets
import Foundation
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import Training

/// One training run, from data to a checkpoint file. If it is killed, the next run with the same output
/// goes on from the last finished epoch and ends with the same checkpoint.
///
/// Beside OUTPUT.safetensors, the network after the last epoch, there are OUTPUT-best.safetensors, the
/// one that did best on the validation images (the first among equals), OUTPUT.csv, the learning
/// curve, and until the end OUTPUT-state.safetensors, from which the run goes on, OUTPUT-state-before.safetensors,
/// from which it does so if the first is damaged, and OUTPUT.lock, by which others leave the files alone.
package struct TrainingRun: Sendable {
  let recipe: TrainingRecipe
  var architecture: @Sendable (ImageShape, Int) -> ResNet.Architecture
  let output: URL
  var isFresh: Bool
  var execution: Execution
  var progress: ProgressReporter

  /// A run that will write `output`; a fresh one does not go on from an earlier one's state.
  package init(
    recipe: TrainingRecipe,
    architecture: @escaping @Sendable (ImageShape, Int) -> ResNet.Architecture, output: URL,
    isFresh: Bool = false, execution: Execution, progress: ProgressReporter
  ) {
    self.recipe = recipe
    self.architecture = architecture
    self.output = output
    self.isFresh = isFresh
    self.execution = execution
    self.progress = progress
  }

  /// Trains, writes the checkpoint, and returns how well the network did on the validation images, epoch by epoch.
  package func run(on data: DatasetSplit, named dataset: Dataset) throws -> LearningCurve {
    try AtomicFile.check(output)
    guard let lock = try NamedLock(sibling(".lock").path(percentEncoded: false)) else {
      throw TrainingRunError.inUse(output.relativePath)
    }
    defer { withExtendedLifetime(lock) {} }
    if isFresh { removeStates() }
    let (trainer, network) = beginning(on: data)
    let normalization = trainer.normalization
    network.initialize(seed: recipe.seed)
    let notes = try trainer.notes(dataset: dataset.name, images: data.training)
    var origin = notes
    origin["architecture"] = "\(network.architecture)"
    let earlier = try storedState(of: origin)

    var curve = earlier?.curve ?? LearningCurve()
    let totalSteps = trainer.totalSteps(images: data.training.count)
    let stepsPerEpoch = totalSteps / max(recipe.epochs, 1)
    let doneEpochs = earlier?.state.epochs ?? 0
    if doneEpochs > 0 {
      progress.skip(
        "\(doneEpochs) epochs", because: "done before; --fresh begins anew",
        work: work(on: data, epochs: doneEpochs))
    }
    let stage = progress.stage(
      "train", total: totalSteps - doneEpochs * stepsPerEpoch, unit: "steps",
      work: work(on: data, epochs: recipe.epochs - doneEpochs))
    var start = ContinuousClock.now
    func checkpoint() throws -> Data {
      try Checkpoint(network, normalization: normalization, notes: notes).encoded()
    }
    try trainer.train(
      network, on: data.training, from: earlier?.state, progress: { _ in try stage.advance() },
      epochFinished: { state in
        let outcome = try validate(network, normalization, on: data.validation)
        let isBest = curve.epochs.allSatisfy { $0.validation.value < outcome.value }
        curve.epochs.append(
          LearningCurve.Epoch(
            epoch: state.epochs, loss: state.loss,
            learningRate: recipe.schedule.rate(
              step: state.epochs * stepsPerEpoch - 1, stepsPerEpoch: stepsPerEpoch,
              totalSteps: totalSteps),
            validation: outcome, seconds: (ContinuousClock.now - start) / .seconds(1)))
        start = .now
        if isBest { try AtomicFile.write(try checkpoint(), to: sibling("-best.safetensors")) }
        try AtomicFile.write(curve.csv, to: sibling(".csv"))
        // Last, so that a run that goes on from here finds all of the above.
        try store(state, curve, of: origin)
      })
    stage.finish()
    try AtomicFile.write(try checkpoint(), to: output)
    removeStates()
    return curve
  }

  /// The checkpoint of an earlier run with this recipe, data, network and kernel set that came to its end;
  /// nil if there was none.
  package func finished(on data: DatasetSplit, named dataset: Dataset) throws -> Checkpoint? {
    let (trainer, network) = beginning(on: data)
    guard !isFresh, let bytes = try? Data(contentsOf: output),
      let checkpoint = try? Checkpoint(bytes), checkpoint.architecture == network.architecture,
      checkpoint.notes == (try trainer.notes(dataset: dataset.name, images: data.training))
    else { return nil }
    return checkpoint
  }

  /// The network of a method: an earlier run's, if one has finished, otherwise the one that this run trains.
  func model(
    _ method: TrainingMethod, on data: DatasetSplit, named dataset: Dataset
  ) throws -> CheckpointModel {
    if try finished(on: data, named: dataset) != nil {
      progress.skip(
        "train \(method.title)", because: StageStore.isReused,
        work: work(on: data, epochs: recipe.epochs))
    } else {
      _ = try run(on: data, named: dataset)
    }
    return try CheckpointModel(
      name: method.rawValue, CheckpointFile(Data(contentsOf: output)),
      curve: Self.curve(beside: output))
  }

  /// What progress reckons for so many epochs, as `PassMeter.Count.work`: an image takes four to five forward passes, as
  /// RESULTS has both, and one that is searched for takes three a step besides.
  func work(on data: DatasetSplit, epochs: Int) -> Double {
    let perImage =
      switch recipe.method {
      case .plain, .mixup: 5
      case .adversarial(_, let steps): 5 + 3 * steps
      case .interpolatedAdversarial(_, _, let steps): 10 + 3 * steps
      }
    return Double(epochs) * Double(data.training.count) * Double(perImage)
  }

  /// The learning curve beside a checkpoint; nil if there is none.
  ///
  /// - Throws: `LearningCurveError`.
  package static func curve(beside checkpoint: URL) throws(LearningCurveError) -> LearningCurve? {
    guard let bytes = try? Data(contentsOf: sibling(of: checkpoint, ".csv")) else { return nil }
    return try LearningCurve(csv: String(decoding: bytes, as: UTF8.self))
  }

  func beginning(on data: DatasetSplit) -> (trainer: Trainer, network: ResNet) {
    let shape = data.training.pixels.imageShape
    return (
      Trainer(
        recipe: recipe, normalization: .plusMinusOne(channels: shape.channels),
        execution: execution),
      ResNet(architecture(shape, data.training.classCount))
    )
  }

  private func validate(
    _ network: ResNet, _ normalization: Normalization, on images: LabelledImages
  ) throws -> Proportion {
    let classifier = NetworkClassifier(
      InferencePlan(network.graph, normalization: normalization, kernels: execution.kernels))
    return try Evaluation(seed: recipe.seed, on: execution.workers)
      .run(classifier, on: images).proportion
  }

  // MARK: The state between epochs

  /// Names in the state file's metadata: of the run that it belongs to, and of its learning curve.
  private static let (originKey, curveKey) = ("origin", "curve")

  private var stateFile: URL { sibling("-state.safetensors") }
  private var stateBefore: URL { sibling("-state-before.safetensors") }

  private func removeStates() {
    for file in [stateFile, stateBefore] { try? FileManager.default.removeItem(at: file) }
  }

  /// Every file that a run with this output writes besides.
  package static func filesBeside(_ output: URL) -> [URL] {
    let endings = [
      "-best.safetensors", ".csv", "-state.safetensors", "-state-before.safetensors", ".lock",
    ]
    return endings.map { sibling(of: output, $0) }
  }

  private func sibling(_ ending: String) -> URL { Self.sibling(of: output, ending) }

  /// A file beside another: its name without extension, and an ending.
  private static func sibling(of file: URL, _ ending: String) -> URL {
    let name = file.deletingPathExtension().lastPathComponent
    return file.deletingLastPathComponent().appending(path: name + ending)
  }

  private func store(
    _ state: TrainingState, _ curve: LearningCurve, of origin: [String: String]
  ) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    if rename(stateFile.path, stateBefore.path) != 0, errno != ENOENT {
      throw FileWriteError(path: stateBefore.path, code: errno)
    }
    try AtomicFile.write(
      try state.encoded(notes: [
        Self.originKey: String(decoding: try encoder.encode(origin), as: UTF8.self),
        Self.curveKey: String(decoding: try encoder.encode(curve), as: UTF8.self),
      ]), to: stateFile)
  }

  /// The last state of an earlier run that is whole, with its curve; nil if there was none.
  private func storedState(of origin: [String: String]) throws -> Stored? {
    var damaged: [URL] = []
    for file in [stateFile, stateBefore] where FileManager.default.fileExists(atPath: file.path) {
      guard let found = try stored(in: file, of: origin) else {
        damaged.append(file)
        continue
      }
      for file in damaged {
        let copy = try AtomicFile.setAside(Data(contentsOf: file), of: file)
        // Or it would take the place of the one that is whole.
        try FileManager.default.removeItem(at: file)
        progress.say(
          "\(file.relativePath) was damaged and is kept in \(copy.relativePath); the training goes on from "
            + "the state before")
      }
      return found
    }
    if let file = damaged.first { throw TrainingRunError.damagedState(file.relativePath) }
    return nil
  }

  private typealias Stored = (state: TrainingState, curve: LearningCurve)

  /// The state in a file; nil if it is damaged or says what cannot be.
  ///
  /// - Throws: `TrainingRunError.otherState` if it is of another run.
  private func stored(in file: URL, of origin: [String: String]) throws -> Stored? {
    func note<Value: Decodable>(_ notes: [String: String], _ key: String) -> Value? {
      try? JSONDecoder().decode(Value.self, from: Data((notes[key] ?? "").utf8))
    }
    guard let bytes = try? Data(contentsOf: file),
      let (state, notes) = try? TrainingState.decoded(bytes),
      let curve: LearningCurve = note(notes, Self.curveKey),
      let found: [String: String] = note(notes, Self.originKey)
    else { return nil }
    guard found == origin else { throw TrainingRunError.otherState(file.relativePath) }
    // The recipe, which is a part of the origin, says how many epochs there can be.
    guard state.epochs <= recipe.epochs, curve.epochs.count == state.epochs, curve.isSound
    else { return nil }
    return (state, curve)
  }
}

/// Why a training run does not begin.
package enum TrainingRunError: ExplainedError, Equatable {
  case otherState(String)
  case damagedState(String)
  case inUse(String)

  /// `.usage` where what was asked for is wrong, `.data` where a file is, `.file` where it is not to be had.
  package var cause: ErrorCause {
    switch self {
    case .otherState: .usage
    case .damagedState: .data
    case .inUse: .file
    }
  }

  package var description: String {
    switch self {
    case .otherState(let file):
      """
      \(file) is not the state of this very run (recipe, data, network, kernel set); give --fresh to \
      begin anew, or another --output
      """
    case .inUse(let output):
      "\(output) is being trained by another process; wait, or choose another --output"
    case .damagedState(let file):
      "\(file) is damaged and says of no epoch how it was left; give --fresh to begin anew"
    }
  }
}
