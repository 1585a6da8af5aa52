import Classification
import Datasets
import Foundation
import Kernels
import MixupInference
import NeuralNetwork
import Robustness
import Statistics
import TestSupport
import Testing
import Training

/// A recipe of a few short steps.
private func recipe(
  _ method: TrainingRecipe.Method, epochs: Int = 1, batchSize: Int = 32,
  schedule: LearningRateSchedule = .cosine(peak: 0.1, warmUp: 0.25), weightDecay: Float = 5e-4,
  seed: UInt64 = 7
) -> TrainingRecipe {
  TrainingRecipe(
    method: method, epochs: epochs, batchSize: batchSize, schedule: schedule,
    weightDecay: weightDecay, seed: seed)
}

private func trainer(_ recipe: TrainingRecipe, threads: Int = 2) -> Trainer {
  Trainer(
    recipe: recipe, normalization: .plusMinusOne(channels: 1),
    execution: Execution(workers: WorkerPool(threadCount: threads)))
}

private func network(seed: UInt64 = 7) -> ResNet {
  let network = ResNet(.resNet8(ImageShape(channels: 1, height: 8, width: 8)))
  network.initialize(seed: seed)
  return network
}

private func meanLoss(_ logits: Tensor, _ targets: Tensor) -> Double {
  let losses = CrossEntropy.losses(logits: logits, targets: targets)
  return losses.reduce(0) { $0 + Double($1) } / Double(losses.count)
}

@Suite("Training")
struct TrainerTests {
  @Test("is described in words, and by its checkpoint")
  func description() throws {
    let epsilon = try Epsilon("8/255")
    let plain = recipe(
      .plain, schedule: .step(base: 0.1, factor: 0.5, epochs: [2, 4]))
    #expect(
      "\(plain)" == "plain; images as they are, 1 epoch in batches of 32; learning rate 0.1, "
        + "times 0.5 after 2, 4 epochs, momentum 0.9, weight decay 0.0005; seed 7")
    var interpolated = recipe(.interpolatedAdversarial(alpha: 1, epsilon: epsilon, steps: 5))
    interpolated.augmentation = .flipAndCrop(padding: 4)
    #expect(
      "\(interpolated)" == "mixup with α = 1.0 of clean and of adversarial images of PGD-5 within "
        + "8/255; images flipped and cropped by 4, 1 epoch in batches of 32; learning rate up to 0.1 "
        + "over 0.25 of the steps, then half a cosine to 0, momentum 0.9, weight decay 0.0005; seed 7"
    )
    let images = try randomImages(
      2, shape: ImageShape(channels: 1, height: 8, width: 8), classCount: 10, seed: 1)
    let trainer = trainer(interpolated)
    var checkpoint = Checkpoint(
      network(), normalization: trainer.normalization,
      notes: try trainer.notes(dataset: "none", images: images))
    #expect(checkpoint.recipe == interpolated)
    checkpoint.notes["recipe"] = "by hand"
    #expect(checkpoint.recipe == nil)
  }

  let data: LabelledImages

  init() throws { data = try Digits.training()[0..<100] }

  static func methods() throws -> [TrainingRecipe.Method] {
    [
      .plain, .mixup(alpha: 1),
      .interpolatedAdversarial(alpha: 1, epsilon: try Epsilon("1/5"), steps: 2),
      .adversarial(epsilon: try Epsilon("1/5"), steps: 2),
    ]
  }

  @Test(
    "A run that goes on from the state after an epoch, read from its file, ends with the same bytes",
    arguments: 0..<4)
  func resumes(_ method: Int) throws {
    struct Interruption: Error {}
    var recipe = recipe(try Self.methods()[method], epochs: 3)
    recipe.augmentation = .flipAndCrop(padding: 1)
    let trainer = trainer(recipe)
    let whole = try trained(trainer)
    for epochs in 1...3 {
      var kept = Data()
      #expect(throws: Interruption.self) {
        try trainer.train(
          network(), on: data,
          epochFinished: { state in
            guard state.epochs == epochs else { return }
            kept = try state.encoded(notes: ["of": "a test"])
            throw Interruption()
          })
      }
      let (state, notes) = try TrainingState.decoded(kept)
      #expect(state.epochs == epochs && state.loss > 0 && notes == ["of": "a test"])
      // Another seed: the state must replace whatever is there.
      let resumed = network(seed: 99)
      try trainer.train(resumed, on: data, from: state)
      let bytes = try Checkpoint(
        resumed, normalization: trainer.normalization,
        notes: trainer.notes(dataset: "digits", images: data)
      ).encoded()
      #expect(bytes == whole)
    }
  }

  @Test("A state that does not fit is refused, and the network left as it was")
  func foreignState() throws {
    let short = trainer(recipe(.plain))
    var kept: TrainingState?
    try short.train(network(), on: data, epochFinished: { kept = $0 })
    let state = try #require(kept)
    let other = ResNet(.resNet20(ImageShape(channels: 1, height: 8, width: 8)))
    let before = other.state.tensors
    #expect(throws: StateError.self) { try short.train(other, on: data, from: state) }
    #expect(other.state.tensors == before)
    var longer = recipe(.plain, epochs: 2)
    longer.augmentation = .flipAndCrop(padding: 9)
    #expect(throws: TrainingError.padding(9, image: data.pixels.imageShape)) {
      try trainer(longer).train(network(), on: data)
    }
    #expect(throws: SafetensorsError.self) {
      try TrainingState.decoded(
        Checkpoint(network(), normalization: short.normalization).encoded())
    }
  }

  @Test("every epoch goes through the images in another order")
  func epochsAreShuffled() throws {
    // Steps of 1e-30 change no weight, and batch normalisation takes its statistics from the batch:
    // the same batch would give the same loss again.
    let trainer = trainer(
      recipe(.plain, epochs: 2, schedule: .cosine(peak: 1e-30, warmUp: 0), weightDecay: 0))
    var losses: [Float] = []
    try trainer.train(network(), on: data) { losses.append($0.loss) }
    try #require(losses.count == 6)
    #expect(Set(losses).count == 6)
  }

  private func trained(_ trainer: Trainer) throws -> Data {
    let network = network()
    try trainer.train(network, on: data)
    return try Checkpoint(
      network, normalization: trainer.normalization,
      notes: trainer.notes(dataset: "digits", images: data)
    ).encoded()
  }

  // 100 images fill three batches of 32, and a batch several blocks of work, so three threads have
  // something to share in unequal parts.
  @Test(
    "The checkpoint is the same bytes for a seed whatever the number of threads", arguments: 0..<4)
  func independentOfThreads(_ method: Int) throws {
    let method = try Self.methods()[method]
    let one = try trained(trainer(recipe(method, epochs: 2), threads: 1))
    for threads in [2, 3] {
      #expect(try trained(trainer(recipe(method, epochs: 2), threads: threads)) == one)
    }
    let other = try trained(trainer(recipe(method, epochs: 2, seed: 8)))
    #expect(try Checkpoint(other).tensors != Checkpoint(one).tensors)
  }

  @Test("Mixup with α = 0 takes the steps of plain training")
  func mixupOff() throws {
    let plain = try trained(trainer(recipe(.plain, epochs: 2)))
    let mixup = try trained(trainer(recipe(.mixup(alpha: 0), epochs: 2)))
    #expect(try Checkpoint(mixup).tensors == Checkpoint(plain).tensors)
    let mixed = try trained(trainer(recipe(.mixup(alpha: 1), epochs: 2)))
    #expect(try Checkpoint(mixed).tensors != Checkpoint(plain).tensors)
  }

  @Test(
    "noise is added to all that is shown, mixtures included, anew at every step", arguments: [0, 1])
  func noise(_ method: Int) throws {
    var noisy = recipe(try Self.methods()[method])
    noisy.noise = 0.25
    #expect("\(noisy)".contains("images as they are, with Gaussian noise of σ = 0.25, 1 epoch"))
    let two = trainer(noisy)
    let shown = try two.examples(of: data, for: network(), step: 3).inputs
    func noise(step: Int) -> [Double] {
      var changed = shown
      two.addNoise(to: &changed, step: step)
      return zip(changed.values, shown.values).map { Double($0) - Double($1) }
    }
    let (first, second) = (noise(step: 3), noise(step: 4))
    #expect(first == noise(step: 3))
    // 6400 values: with probability 1 − 10⁻⁹ the mean is within 6.2 standard errors of 0, and the mean square,
    // whose relative standard error is √(2/6400), within 6.2 of those of σ².
    for values in [first, second, zip(first, second).map { ($0 - $1) / 2.0.squareRoot() }] {
      let count = Double(values.count)
      #expect(abs(values.reduce(0, +) / count) <= 6.2 * 0.25 / count.squareRoot())
      let square = values.reduce(0) { $0 + $1 * $1 } / count
      #expect(abs(square / 0.0625 - 1) <= 6.2 * (2 / count).squareRoot())
    }
    let bytes = try trained(two)
    #expect(try trained(trainer(noisy, threads: 1)) == bytes)
    noisy.noise = nil
    #expect(try trained(trainer(noisy)) != bytes)
  }

  @Test(
    "noise that is none is refused before any step", arguments: [0, -1, .nan, .infinity] as [Float])
  func refusesNoise(_ deviation: Float) throws {
    var recipe = recipe(.plain)
    recipe.noise = deviation
    #expect {
      try trainer(recipe).train(network(), on: data)
    } throws: {
      if case TrainingError.noise? = $0 as? TrainingError { true } else { false }
    }
  }

  @Test("Progress counts every step of every epoch, without the images that fill no batch")
  func progress() throws {
    let trainer = trainer(recipe(.plain, epochs: 3))
    #expect(trainer.totalSteps(images: data.count) == 9)
    var steps: [Int] = []
    try trainer.train(network(), on: data) { progress in
      steps.append(progress.step)
      #expect(progress.totalSteps == 9 && progress.loss > 0)
    }
    #expect(steps == Array(1...9))
  }

  @Test("What progress throws ends the training")
  func interruption() {
    struct Interruption: Error {}
    var steps = 0
    #expect(throws: Interruption.self) {
      try trainer(recipe(.plain)).train(network(), on: data) { _ in
        steps += 1
        if steps == 2 { throw Interruption() }
      }
    }
    #expect(steps == 2)
  }

  @Test("A loss that is no number stops the training with its step")
  func diverges() {
    let rate = LearningRateSchedule.step(base: 1e30, factor: 1, epochs: [])
    let error = #expect(throws: TrainingError.self) {
      try trainer(recipe(.plain, schedule: rate)).train(network(), on: data)
    }
    guard case .diverged(let step) = error, 1...2 ~= step else {
      Issue.record("threw \(String(describing: error))")
      return
    }
    #expect(error?.description.contains("\n") == false)
  }

  @Test("An attack through a network whose output is no number is a diverged training too")
  func divergesUnderAttack() throws {
    let rate = LearningRateSchedule.step(base: 1e30, factor: 1, epochs: [])
    let method = try Self.methods()[2]
    let error = #expect(throws: TrainingError.self) {
      try trainer(recipe(method, schedule: rate)).train(network(), on: data)
    }
    guard case .diverged = error else {
      Issue.record("threw \(String(describing: error))")
      return
    }
  }

  // The loss is taken before the step, so only the weights show that the last one went too far:
  // 10³⁸ · 10³⁰ · w is infinite for every w ≠ 0.
  @Test("Weights that are no numbers after the last step are reported too")
  func divergesAtTheEnd() {
    let rate = LearningRateSchedule.step(base: 1e38, factor: 1, epochs: [])
    #expect(throws: TrainingError.diverged(step: 1)) {
      try trainer(recipe(.plain, batchSize: 100, schedule: rate, weightDecay: 1e30))
        .train(network(), on: data)
    }
  }

  @Test(
    "Batches and epochs that make no training are refused",
    arguments: [
      (1, 1), (0, 1), (-3, 1), (101, 1), (32, 0), (32, -1), (32, .max), (50, 1 << 31),
    ])
  func refusesBatches(_ batchSize: Int, _ epochs: Int) {
    let error = #expect(throws: TrainingError.self) {
      try trainer(recipe(.plain, epochs: epochs, batchSize: batchSize)).train(network(), on: data)
    }
    #expect(error == .batch(size: batchSize, epochs: epochs, images: 100))
    #expect(error?.description.contains("\n") == false)
  }

  @Test("An α that is none is refused before any step")
  func refusesAlpha() {
    for alpha in [-1, .nan, .infinity] {
      #expect(throws: MixupError.self) {
        try trainer(recipe(.mixup(alpha: alpha))).train(network(), on: data)
      }
    }
  }

  // The classifier that gives an image the label of the nearest class mean is what the pixels say
  // without any learning of features; a network that beats it on images it has not seen has learnt
  // some. Both see the same 1,000 images and the same 797 of other writers.
  @Test("A few epochs beat the nearest class mean on images of other writers")
  func learns() throws {
    let training = try Digits.training()[0..<1000]
    let test = try Digits.test()[1000..<1797]
    let network = network()
    try trainer(recipe(.plain, epochs: 8)).train(network, on: training)
    let classifier = NetworkClassifier(
      InferencePlan(network.graph, normalization: .plusMinusOne(channels: 1)))
    let predictions = try classifier.predictions(
      of: test.pixels, draws: Draws(seed: 0, purpose: .test, examples: test.indices))
    let correct = zip(predictions, test.labels).count(where: ==)
    let means = nearestMeanPredictions(from: training, of: test)
    let baseline = zip(means, test.labels).count(where: ==)
    #expect(baseline > 600, "the yardstick itself is far from chance")
    #expect(correct > baseline)
  }

  private func nearestMeanPredictions(from training: LabelledImages, of test: LabelledImages)
    -> [Int]
  {
    func rows(_ images: LabelledImages) -> [[Float]] {
      let values = images.pixels.tensor.values
      return (0..<images.count).map { Array(values[$0 * 64..<($0 + 1) * 64]) }
    }
    var means = Array(repeating: [Float](repeating: 0, count: 64), count: 10)
    for (image, label) in zip(rows(training), training.labels) {
      let count = Float(training.labels.count { $0 == label })
      for place in 0..<64 { means[label][place] += image[place] / count }
    }
    return rows(test).map { image in
      let distances = means.map { mean in
        zip(image, mean).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      }
      return distances.indices.min { distances[$0] < distances[$1] } ?? -1
    }
  }
}

@Suite("Interpolated adversarial training")
struct InterpolatedAdversarialTrainingTests {
  let batch: LabelledImages
  let epsilon: Epsilon

  init() throws {
    batch = try Digits.training()[0..<64]
    epsilon = try Epsilon("1/5")
  }

  private func examples(alpha: Double, steps: Int = 5, step: Int = 3) throws -> MixedBatch {
    try trainer(
      recipe(.interpolatedAdversarial(alpha: alpha, epsilon: epsilon, steps: steps))
    ).examples(of: batch, for: network(), step: step)
  }

  private func halves(_ examples: MixedBatch) -> (adversarial: MixedBatch, clean: MixedBatch) {
    func half(_ rows: Range<Int>) -> MixedBatch {
      MixedBatch(inputs: examples.inputs.rows(rows), targets: examples.targets.rows(rows))
    }
    return (half(0..<64), half(64..<128))
  }

  @Test("The clean half is what mixup shows at the same step")
  func cleanHalfIsMixup() throws {
    let (_, clean) = halves(try examples(alpha: 1))
    let mixup = try trainer(recipe(.mixup(alpha: 1))).examples(of: batch, for: network(), step: 3)
    #expect(clean == mixup)
  }

  // λ and partners of the halves are independent: equal in all 64 places with probability 0.
  @Test("The halves are mixed independently, and another step mixes anew")
  func halvesAreIndependent() throws {
    let (adversarial, clean) = halves(try examples(alpha: 1))
    #expect(adversarial.targets != clean.targets)
    let later = halves(try examples(alpha: 1, step: 4))
    #expect(later.clean.targets != clean.targets)
    #expect(later.adversarial.targets != adversarial.targets)
  }

  @Test("Without mixing the halves are images of the ball and the images, with true labels")
  func withoutMixing() throws {
    let (adversarial, clean) = halves(try examples(alpha: 0))
    let labels = CrossEntropy.oneHot(batch.labels, classCount: 10)
    #expect(clean == MixedBatch(inputs: batch.pixels.tensor, targets: labels))
    #expect(adversarial.targets == labels)
    let images = try Pixels(adversarial.inputs)
    #expect(
      try PerturbationBall(center: batch.pixels, budget: .linf(epsilon))
        .projection(of: images.tensor) == images)
    #expect(images != batch.pixels)
  }

  // The untrained network gets most images wrong. An attack against its own predictions would make
  // those less likely, and so, on the whole, the true labels more likely; against the true labels it
  // makes them less likely on every image but for the rare one where the random start was better.
  @Test("The attack leads away from the true labels, on misclassified images too")
  func attacksTrueLabels() throws {
    let network = network()
    let classifier = NetworkClassifier(
      InferencePlan(network.graph, normalization: .plusMinusOne(channels: 1)))
    let draws = Draws(seed: 0, purpose: .test, examples: batch.indices)
    let clean = try classifier.logits(of: batch.pixels, draws: draws)
    let images = try Pixels(halves(try examples(alpha: 0)).adversarial.inputs)
    let attacked = try classifier.logits(of: images, draws: draws)
    let wrong = zip(try argmax(rowsOf: clean), batch.labels).enumerated().filter { $1.0 != $1.1 }
      .map(\.offset)
    #expect(wrong.count >= 32)
    let targets = CrossEntropy.oneHot(batch.labels, classCount: 10)
    let before = CrossEntropy.losses(logits: clean, targets: targets)
    let after = CrossEntropy.losses(logits: attacked, targets: targets)
    #expect(wrong.count { after[$0] > before[$0] } >= wrong.count * 9 / 10)
  }

  @Test("The attack is one on the network as it is now, not as it was")
  func attacksPresentNetwork() throws {
    let trainer = trainer(
      recipe(.interpolatedAdversarial(alpha: 0, epsilon: epsilon, steps: 5)))
    let first = try trainer.examples(of: batch, for: network(), step: 0)
    let second = try trainer.examples(of: batch, for: network(seed: 8), step: 0)
    #expect(halves(first).clean == halves(second).clean)
    #expect(halves(first).adversarial.inputs != halves(second).adversarial.inputs)
  }

  // Both sides are sums of 128 losses near log 10 in another order: 128 roundings of 2⁻²⁴.
  @Test("The loss of a step is the mean of those of the two halves, after one pass over both")
  func lossIsMeanOfHalves() throws {
    let recipe = recipe(
      .interpolatedAdversarial(alpha: 1, epsilon: epsilon, steps: 2), batchSize: 64)
    let trainer = trainer(recipe)
    var losses: [Float] = []
    try trainer.train(network(), on: batch) { losses.append($0.loss) }

    var random = RandomStream(RandomKey(seed: recipe.seed, purpose: .shuffle, step: 0))
    let shuffled = batch[random.permutation(of: 64)]
    let network = network()
    let shown = try trainer.examples(of: shuffled, for: network, step: 0)
    let logits = network.forward(
      trainer.normalization.activations(shown.inputs), mode: .training, on: trainer.execution
    ).logits
    let half = [0..<64, 64..<128].map { meanLoss(logits.rows($0), shown.targets.rows($0)) }
    let mean = (half[0] + half[1]) / 2
    #expect(losses.count == 1)
    #expect(abs(Double(losses[0]) - mean) <= 128 * 0x1p-24 * mean)
    #expect(half[0] != half[1])
  }

  // In exact arithmetic the statistics of a batch shown twice are its own, and the mean loss is too.
  // Sums of twice the terms round differently, by some units of 2⁻²⁴ of the largest entry in each of
  // the eight layers; a lost or doubled half would show as a factor of 2.
  @Test("The gradient of a batch shown twice is that of the batch")
  func duplicatedBatch() throws {
    func gradients(_ copies: Int) throws -> [(path: String, gradient: Tensor)] {
      let network = network()
      let count = Float(copies * batch.count)
      let images = try Tensor.concatenated(
        Array(repeating: batch.pixels.tensor, count: copies))
      let labels = Array(repeating: batch.labels, count: copies).flatMap(\.self)
      let execution = Execution(workers: WorkerPool(threadCount: 2))
      let (logits, cache) = network.forward(
        Normalization.plusMinusOne(channels: 1).activations(images), mode: .training,
        on: execution)
      let targets = CrossEntropy.oneHot(labels, classCount: 10)
      network.backward(
        CrossEntropy.gradient(logits: logits, targets: targets).map { $0 / count }, cache: cache,
        on: execution)
      return network.state.parameters.map { ($0.path, $0.parameter.gradient) }
    }
    for (once, twice) in zip(try gradients(1), try gradients(2)) {
      #expect(relativeDistance(twice.gradient, DoubleArray(once.gradient)) < 1e-4, "\(once.path)")
    }
  }
}

@Suite("Training recipes")
struct TrainingRecipeTests {
  @Test("Recipes of every method come through JSON, and checkpoints note them whole")
  func coding() throws {
    for method in try TrainerTests.methods() {
      let recipe = recipe(method, epochs: 3)
      let notes = try trainer(recipe).notes(dataset: "digits", images: Digits.test())
      #expect(notes["dataset"] == "digits" && notes["trainingImages"] == "1797")
      #expect(notes["kernelSet"] == KernelSet.best.rawValue)
      // Other images are another training, however many they are and whatever they are called.
      let others = try trainer(recipe).notes(dataset: "digits", images: Digits.training()[0..<1797])
      #expect(notes["trainingData"] != others["trainingData"])
      let text = try #require(notes["recipe"])
      #expect(try JSONDecoder().decode(TrainingRecipe.self, from: Data(text.utf8)) == recipe)
    }
  }
}
