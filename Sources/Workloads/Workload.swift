import Classification
import Kernels
import MixupInference
import NeuralNetwork
import Robustness

/// One kind of work by one network, ready to be done again and again: what is benchmarked and
/// profiled.
package struct Workload {
  /// What is done at one run. B is a number of images, N the number of mixtures of a decision.
  package enum Kind: String, CaseIterable, Sendable {
    /// The logits of B images.
    case forward
    /// log F_MI of one image under MI-OL with λ = 0.5 and N executions.
    case decision
    /// The gradient of the summed cross-entropy for B images: what a step of an attack needs.
    case attack
    /// How often noisy copies of B images get the class that their first hundred name, of 1,000 for each: Gaussian noise
    /// of σ = ¼, the work of a certificate of randomised smoothing with a fixed number of draws.
    case certification
    /// One step of SGD on B images with momentum 0.9 and weight decay 5·10⁻⁴.
    case training
    /// An adaptive attack on B images and what it leaves of their accuracy: PGD of 20 steps within 2/255, each
    /// along the gradient through MI-OL with λ = 0.5 and 10 mixtures, and one decision with N = 30.
    case search
    /// The same where an image is left alone once three steps running misled on fresh draws.
    case patientSearch = "search-patient"
    /// As `search`, with 50 steps.
    case longSearch = "search-50"
    /// As `search`, with APGD of 50 steps.
    case apgdSearch = "search-apgd"

    /// B, or for a decision N, unless the user gives another.
    package var standardSize: Int {
      switch self {
      case .forward, .decision: 30
      case .attack: 50
      case .certification: 4
      case .training: 128
      case .search, .patientSearch, .longSearch, .apgdSearch: 64
      }
    }

    /// What looks for the images of a search; nil for the other kinds.
    package var attack: (any Attack)? {
      switch self {
      case .search: ProjectedGradientDescent(steps: 20)
      case .patientSearch: ProjectedGradientDescent(steps: 20, patience: 3)
      case .longSearch: ProjectedGradientDescent(steps: 50)
      case .apgdSearch: AutoPGD(steps: 50)
      case .forward, .decision, .attack, .certification, .training: nil
      }
    }

    /// The profile of the plan unless the user gives another.
    package func standardPlan(size: Int) -> PlanProfile {
      self == .forward && size == 1 ? .latency : .throughput
    }
  }

  /// Does the work once.
  package let run: () throws -> Tensor
  /// Does the work once and returns what can be compared with other implementations.
  package let output: () throws -> Tensor

  /// Makes plan, batch and random numbers, so that only the work itself is left.
  ///
  /// - Parameters:
  ///   - size: B, of which `inputs` must have as many images, or for a decision N.
  ///   - profile: of the plan; the kind's standard plan unless given.
  /// - Throws: what is wrong with the checkpoint or the pool.
  package init(
    _ kind: Kind, size: Int, _ inputs: WorkloadInputs, on execution: Execution,
    profile: PlanProfile? = nil
  ) throws {
    guard kind != .training else {
      try self.init(training: inputs, size, on: execution)
      return
    }
    let profile = profile ?? kind.standardPlan(size: size)
    if let attack = kind.attack {
      try self.init(searching: inputs, size, by: attack, on: execution, profile: profile)
      return
    }
    if kind == .certification {
      try self.init(certifying: inputs, size, on: execution, profile: profile)
      return
    }
    let plan = try inputs.network.plan(kernels: execution.kernels, profile: profile)
    if let quantization = inputs.quantization, kind != .attack {
      let integers = QuantizedClassifier(
        try QuantizedPlan(plan, quantization), workers: execution.workers)
      self.init(
        kind == .decision
          ? try Self.decision(by: integers, inputs, sampleCount: size)
          : Self.forward(through: integers, inputs.images[0..<size].pixels))
      return
    }
    let classifier = NetworkClassifier(
      kind == .attack ? plan : plan.forwardOnly, workers: execution.workers)
    switch kind {
    case .decision:
      self.init(try Self.decision(by: classifier, inputs, sampleCount: size))
    case .attack: self.init(try Self.attack(on: classifier, inputs.images[0..<size]))
    default: self.init(Self.forward(through: classifier, inputs.images[0..<size].pixels))
    }
  }

  private init(_ run: @escaping () throws -> Tensor) {
    self.run = run
    output = run
  }

  // MARK: The kinds

  private static func forward(
    through classifier: some Classifier, _ images: Pixels
  ) -> () throws -> Tensor {
    let draws = Draws(seed: 1, purpose: .score, examples: Array(0..<images.count))
    return { try classifier.logits(of: images, draws: draws) }
  }

  /// One forward pass for the predicted class ŷ, by which partners are drawn, and N passes on mixtures.
  private static func decision(
    by classifier: some Classifier, _ inputs: WorkloadInputs, sampleCount: Int
  ) throws -> () throws -> Tensor {
    let defence = try inputs.defence(around: classifier, sampleCount: sampleCount)
    let image = inputs.images[0..<1].pixels
    return { try defence.logits(of: image, draws: WorkloadInputs.draws) }
  }

  private static func attack(
    on classifier: NetworkClassifier, _ images: LabelledImages
  ) throws -> () throws -> Tensor {
    let targets = CrossEntropy.oneHot(images.labels, classCount: images.classCount)
    let draws = Draws(seed: 1, purpose: .attack, examples: images.indices)
    return {
      try classifier.logitsAndGradient(of: images.pixels, draws: draws) {
        CrossEntropy.gradient(logits: $0, targets: targets)
      }.gradient
    }
  }

  /// Threads share the blocks of images. The output is 1 for every image that is classified rightly after the
  /// attack, and 0 for the others.
  private init(
    searching inputs: WorkloadInputs, _ count: Int, by attack: any Attack,
    on execution: Execution, profile: PlanProfile
  ) throws {
    let defence = try inputs.defence(
      around: inputs.classifier(on: execution, profile: profile), sampleCount: 30)
    let threat = Threat(
      attack, within: .linf(try Epsilon("2/255")), through: try defence.withSampleCount(10))
    let images = inputs.images[0..<count]
    let evaluation = Evaluation(seed: 1, on: execution.workers)
    self.init {
      let memory = MemoryReuse()
      defer { withExtendedLifetime(memory) {} }
      let outcomes = try evaluation.run(defence, on: images, under: threat).outcomes
      return try Tensor(outcomes.map { $0.isCorrect ? 1 : 0 }, shape: [count])
    }
  }

  /// Threads share the images, and the draws of those that are too few. The output is the count of every image.
  private init(
    certifying inputs: WorkloadInputs, _ count: Int, on execution: Execution, profile: PlanProfile
  ) throws {
    let smoothed = try GaussianSmoothing(
      inputs.classifier(on: execution, profile: profile), standardDeviation: 0.25)
    let certification = try Certification(
      seed: 1, level: 0.001, radii: [0], rule: .fixed(count: 1000))
    let images = inputs.images[0..<count]
    self.init {
      let memory = MemoryReuse()
      defer { withExtendedLifetime(memory) {} }
      let certificates = try certification.run(
        smoothed, on: images, forEach: execution.workers.forEach)
      return try Tensor(certificates.map { Float($0.laws[0].sum) }, shape: [count])
    }
  }

  /// Steps of training, all on the same batch. The output is what one step added to the parameters, which
  /// are ordered by name.
  ///
  /// - Precondition: the network is a checkpoint's.
  private init(training inputs: WorkloadInputs, _ count: Int, on execution: Execution) throws {
    guard case .checkpoint(let checkpoint) = inputs.network else {
      preconditionFailure("only a checkpoint's network can be trained")
    }
    let network = try checkpoint.network()
    let normalization = checkpoint.normalization
    let images = inputs.images[0..<count]
    let targets = CrossEntropy.oneHot(images.labels, classCount: images.classCount)
    let share = 1 / Float(images.count)
    var optimiser = StochasticGradientDescent(momentum: 0.9, weightDecay: 5e-4)
    let named = network.state.parameters.sorted { $0.path < $1.path }
    let parameters = named.map(\.parameter)
    let memory = MemoryReuse()
    let run = {
      defer { withExtendedLifetime(memory) {} }
      let (logits, cache) = network.forward(
        normalization.activations(images.pixels.tensor), mode: .training, on: execution)
      network.backward(
        CrossEntropy.gradient(logits: logits, targets: targets).map { $0 * share }, cache: cache,
        on: execution)
      optimiser.step(parameters, learningRate: 0.01)
      return logits
    }
    self.run = run
    output = {
      let before = parameters.flatMap(\.value.values)
      _ = run()
      let after = parameters.flatMap(\.value.values)
      return try Tensor(zip(after, before).map { $0 - $1 }, shape: [before.count])
    }
  }
}
