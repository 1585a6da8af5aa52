import Classification
import Robustness
import Statistics
import TestSupport
import Testing

/// Golden values of foolbox, torchattacks and the code of APGD's authors, in double precision on a model
/// z = V tanh(Wx + b); `fixtures/README.md` says how they were made.
@Suite("Attacks as other implementations have them")
struct AttackGoldenTests {
  private static let shape = ImageShape(channels: 1, height: 4, width: 4)

  private func integers(_ tensor: Tensor) -> [Int] { tensor.values.map { Int($0) } }

  /// A step of a trajectory that is stored as [T, N, C, H, W], as [N, C, H, W].
  private func step(_ number: Int, of tensor: Tensor) throws -> Tensor {
    try tensor.rows([number]).reshaped(to: Array(tensor.shape.dropFirst()))
  }

  private func victim(_ golden: Golden) throws -> (model: TanhMLP, data: LabelledImages) {
    let model = TanhMLP(
      imageShape: Self.shape, first: try golden["W1"], bias: try golden["b1"],
      second: try golden["W2"])
    let data = try LabelledImages(
      pixels: Pixels(golden["images"]), labels: integers(golden["labels"]), classCount: 5)
    let logits = try model.logits(
      of: data.pixels, draws: Draws(seed: 0, purpose: .test, examples: data.indices))
    // The model itself is the same: sums of 16 and 12 terms of size 1 in Float.
    #expect(try distance(logits, from: golden["logits"]) <= 1e-5)
    return (model, data)
  }

  // MARK: Losses

  // Their values are in double from the same Float logits, and stored as Float; ours are in double too.
  @Test(
    "Values and gradients of losses are PyTorch's",
    arguments: [
      ("crossEntropy", AttackLoss.crossEntropy, false), ("doubleSoftmax", .doubleSoftmax, false),
      ("margin", .margin, false), ("dlr", .logitsRatio, false), ("targetedDLR", .logitsRatio, true),
    ])
  func losses(name: String, loss: AttackLoss, isTargeted: Bool) throws {
    let golden = try Golden("attacks/losses.safetensors")
    let labels = integers(try golden["labels"])
    let targets = isTargeted ? integers(try golden["targets"]) : nil
    let logits = try golden["logits"]
    let values = loss.values(of: logits, labels: labels, targets: targets)
    let known = try golden["\(name).values"].values
    #expect(values.count == known.count)
    for (ours, theirs) in zip(values, known) {
      #expect(abs(ours - Double(theirs)) <= 1e-6 * max(1, abs(ours)))
    }
    #expect(
      try distance(
        loss.gradient(of: logits, labels: labels, targets: targets),
        from: golden["\(name).gradients"]) <= 1e-6)
  }

  // MARK: PGD

  // A step of 1/8 is exact; what differs is the rounding of images that are in double there: 2⁻²⁴ a step.
  // In ℓ2 the direction's own rounding comes to it.
  @Test("PGD, momentum and FGSM go the same way, step by step")
  func descent() throws {
    let golden = try Golden("attacks/gradient.safetensors")
    let (model, data) = try victim(golden)
    func found(
      _ steps: Int, _ budget: PerturbationBudget, _ images: LabelledImages, momentum: Float = 0
    ) throws -> Tensor {
      try ProjectedGradientDescent(
        steps: steps, stepSize: Epsilon("1/8"), randomStart: false, loss: .crossEntropy,
        momentum: momentum
      ).search(images, within: budget, through: model, seed: 1)
    }
    let quarter = try Epsilon("1/4")
    for steps in 1...10 {
      #expect(
        try distance(
          found(steps, .linf(quarter), data),
          from: step(steps - 1, of: golden["foolbox.pgdLinf.images"])) <= 2e-6)
      // Their ℓ2 ball is clamped to the box, which is not the nearest point; the first four images never
      // meet the box.
      let inner = data[[0, 1, 2, 3]]
      #expect(
        try distance(
          found(steps, .l2(Epsilon("1/2")), inner),
          from: step(steps - 1, of: golden["foolbox.pgdL2.images"]).rows([0, 1, 2, 3])) <= 2e-6)
    }
    for steps in 1...5 {
      #expect(
        try distance(
          found(steps, .linf(quarter), data, momentum: 1),
          from: step(steps - 1, of: golden["torchattacks.momentum.images"])) <= 2e-6)
    }
    let fast = try ProjectedGradientDescent.fastGradientSign.search(
      data, within: .linf(quarter), through: model, seed: 1)
    #expect(try distance(fast, from: golden["torchattacks.fgsm.images"]) <= 1e-6)
  }

  // MARK: APGD

  // Their code compares the first loss with 0 where the paper has the start's; `asPaper` marks the images
  // for which that changes nothing.
  @Test(
    "APGD goes the way of its authors' code", arguments: ["Linf", "L2"],
    ["ce", "dlr", "second", "third"])
  func autoPGD(norm: String, loss: String) throws {
    let golden = try Golden("attacks/apgd.safetensors")
    let (model, data) = try victim(golden)
    let budget: PerturbationBudget =
      try norm == "Linf" ? .linf(Epsilon("5/64")) : .l2(Epsilon("1/4"))
    let steps = 100
    let attack = AutoPGD(steps: steps, loss: loss == "ce" ? .crossEntropy : .logitsRatio)
    let isTargeted = loss == "second" || loss == "third"
    let climb = try attack.climb(
      Restarts.Attempt(
        restart: 0, examples: data,
        targets: isTargeted ? integers(try golden["\(loss).targets"]) : nil),
      PerturbationBall(center: data.pixels, budget: budget),
      from: Pixels(golden["\(norm).start"]), through: model, seed: 1)

    let name = "\(norm).\(loss).\(steps)"
    let losses = try golden["\(name).losses"]
    let sure = integers(try golden["\(name).sure"])
    let asPaper = integers(try golden["\(name).asPaper"])
    let best = try golden["\(name).best"]
    let (width, bestLoss) = (Self.shape.count, try golden["\(name).bestLoss"])
    var (compared, whole) = (0, 0)
    // In ℓ2 the box makes their projection another one.
    for n in norm == "Linf" ? Array(0..<8) : [0, 1, 2, 3] where asPaper[n] == 1 {
      // As far as no step length hangs on the rounding of a loss.
      var largest = -Double.infinity
      for step in 0...sure[n] {
        largest = max(largest, Double(losses[step * 8 + n]))
        #expect(
          abs(climb.bestLosses[step][n] - largest) <= 2e-5 * max(1, abs(largest)), "\(n) \(step)")
      }
      compared += sure[n]
      // Both have converged; a hundredth is the most that the authors' own code varies with rounding.
      #expect(abs(climb.bestLosses[steps][n] - Double(bestLoss[n])) <= 1e-2)
      guard sure[n] == steps else { continue }
      whole += 1
      for place in n * width..<(n + 1) * width {
        #expect(abs(climb.best.tensor[place] - best[place]) <= 1e-5)
      }
    }
    #expect(compared >= 20, "what is compared must be worth it: \(compared)")
    // In ℓ2 rounding decides about a step length within a dozen steps, but on one image.
    #expect(norm == "L2" || whole >= 4, "images compared to the end: \(whole)")
  }

  @Test("APGD breaks the images that its authors' code breaks", arguments: ["Linf", "L2"])
  func autoPGDBreaks(norm: String) throws {
    let golden = try Golden("attacks/apgd.safetensors")
    let (model, data) = try victim(golden)
    let budget: PerturbationBudget =
      try norm == "Linf" ? .linf(Epsilon("5/64")) : .l2(Epsilon("1/4"))
    let ball = PerturbationBall(center: data.pixels, budget: budget)
    let climb = try AutoPGD(steps: 100).climb(
      Restarts.Attempt(restart: 0, examples: data, targets: nil), ball,
      from: Pixels(golden["\(norm).start"]), through: model, seed: 1)
    let judged = try judge(climb.found.tensor, of: data, within: budget, by: model, seed: 1)
    #expect(
      judged.isCorrect.map { !$0 } == integers(try golden["\(norm).ce.100.broken"]).map { $0 == 1 })
  }

  // MARK: FAB

  // Theirs is in float32 and ours in double but for the images: a rounding of the logits moves the boundary by
  // 10⁻⁶ of its distance or so, and every step adds one. After a hundred steps both have come as near as they
  // can, from where the last hundredth depends on the way.
  @Test(
    "FAB goes the way of its authors' code", arguments: ["Linf", "L2"],
    ["nearest", "second", "third"])
  func fastAdaptiveBoundary(norm: String, name: String) throws {
    let golden = try Golden("attacks/fab.safetensors")
    let problem = try Golden("attacks/apgd.safetensors")
    let (model, data) = try victim(problem)
    let inner = data[[0, 1, 2, 3, 4, 5, 6]]
    let targets =
      name == "nearest" ? nil : Array(integers(try problem["\(name).targets"]).prefix(7))
    let budget: PerturbationBudget =
      try norm == "Linf" ? .linf(Epsilon("5/64")) : .l2(Epsilon("1/4"))
    let attempt = Restarts.Attempt(restart: 0, examples: inner, targets: targets)
    var points: [Tensor] = []
    let found = try FastAdaptiveBoundary(steps: 100).approach(
      attempt, budget, through: model, seed: 1
    ) { points.append($0.tensor) }
    let theirs = try golden["\(norm).\(name).points"]
    let sure = integers(try golden["\(norm).\(name).sure"])
    for number in 0..<theirs.shape[0] {
      let clear = (0..<7).filter { sure[$0] > number }
      let expected = try step(number, of: theirs).rows(clear)
      #expect(
        distance(points[number].rows(clear), from: expected) <= 1e-5 * Double(number + 1),
        "\(number)")
    }
    #expect(sure.prefix(7).count { $0 == 6 } >= 4, "what is compared must be worth it: \(sure)")
    for (ours, known) in zip(found.distances, try golden["\(norm).\(name).distances"].values) {
      #expect(abs(ours - Double(known)) <= 0.01 * Double(known), "\(ours) \(known)")
    }
  }

  // MARK: FMN and DDN

  // A point is off by the rounding of its pixels, 2⁻²⁴ a step, and what that does to later gradients. PyTorch's own
  // float32 ends within 3e-6 of the distances; the model here sums in another order.
  @Test(
    "FMN and DDN go the same way and end as near",
    arguments: [("fmn.Linf", PerturbationBudget.Norm.linf), ("fmn.L2", .l2), ("ddn", .l2)])
  func minimumNorm(name: String, norm: PerturbationBudget.Norm) throws {
    let golden = try Golden("attacks/nearest.safetensors")
    let (model, data) = try victim(Golden("attacks/apgd.safetensors"))
    var points: [Pixels] = []
    var positions: [[Int]] = []
    let budget = PerturbationBudget(norm, try Epsilon("1", norm: norm))
    func visit(_ images: Pixels, _ active: [Int]) {
      points.append(images)
      positions.append(active)
    }
    let found =
      try name == "ddn"
      ? DecoupledDirectionNorm(steps: 100).search(
        data, within: budget, through: model, seed: 1, visited: visit)
      : FastMinimumNorm(steps: 100).search(
        data, within: budget, through: model, seed: 1, visited: visit)
    #expect(points.count == 100)
    // The last image is an error from the start, and is asked about once.
    #expect(positions[0] == Array(0..<8) && positions.dropFirst().allSatisfy { $0 == Array(0..<7) })
    let theirs = try golden["\(name).points"]
    let sure = integers(try golden["\(name).sure"])
    for number in 0..<theirs.shape[0] {
      let clear = (0..<7).filter { sure[$0] > number }
      let expected = try step(number, of: theirs).rows(clear)
      #expect(
        distance(points[number].tensor.rows(clear), from: expected) <= 1e-6 * Double(number + 1),
        "\(number)")
    }
    #expect(sure.count { $0 == 12 } == 8, "what is compared must be worth it: \(sure)")
    let ours = norm.distances(of: found, from: data.pixels.tensor)
    for (ours, known) in zip(ours, try golden["\(name).distances"].values) {
      #expect(abs(ours - Double(known)) <= 2e-5 * Double(known), "\(ours) \(known)")
    }
  }

  // MARK: Carlini and Wagner

  // Adam ends near the minimum, not on it; 0.1% is what the reference varies with its own settings, five
  // per cent what the search for the constant may leave.
  @Test("Carlini and Wagner's images are as near")
  func carliniWagner() throws {
    let golden = try Golden("attacks/gradient.safetensors")
    let (model, data) = try victim(golden)
    let found = try CarliniWagner(startsFromNearest: false).search(
      data, within: .l2(Epsilon("1")), through: model, seed: 1)
    let width = Self.shape.count
    for (n, theirs) in try golden["foolbox.carliniWagner.distances"].values.enumerated() {
      let distance = (n * width..<(n + 1) * width).reduce(0) {
        let difference = Double(found[$1]) - Double(data.pixels.tensor[$1])
        return $0 + difference * difference
      }.squareRoot()
      #expect(
        abs(distance - Double(theirs)) <= 0.05 * Double(theirs) + 1e-4, "\(distance) \(theirs)")
    }
  }

  // A run of FMN or DDN may end within γ of where it starts over; Adam starts from their very images.
  @Test(
    "with its later starts Carlini and Wagner's image is no farther than foolbox's, FMN's or DDN's")
  func carliniWagnerStarts() throws {
    let golden = try Golden("attacks/gradient.safetensors")
    let (model, data) = try victim(golden)
    func distances(_ attack: any Attack) throws -> [Double] {
      let found = try attack.search(
        data, within: .l2(Epsilon("2", norm: .l2)), through: model, seed: 1)
      return PerturbationBudget.Norm.l2.distances(of: found, from: data.pixels.tensor)
    }
    let ours = try distances(CarliniWagner())
    for others in [
      try golden["foolbox.carliniWagner.distances"].values.map { 1.001 * Double($0) + 1e-4 },
      try distances(FastMinimumNorm()), try distances(DecoupledDirectionNorm()),
    ] {
      #expect(zip(ours, others).allSatisfy { $0 <= $1 }, "\(ours) \(others)")
    }
    #expect(try distances(CarliniWagner(startsFromNearest: false)) != ours)
  }

  // MARK: Square

  @Test("Reliefs of Square in ℓ2 are its authors'", arguments: [1, 2, 3, 4, 5, 7, 12, 29])
  func reliefs(_ side: Int) throws {
    let theirs = try Golden("attacks/square.safetensors")["relief.\(side)"]
    let (upright, turned) = (
      SquareRelief(side: side, isTurned: false), SquareRelief(side: side, isTurned: true)
    )
    for row in 0..<side {
      for column in 0..<side {
        // Theirs was rounded to Float.
        #expect(abs(upright[row, column] - Double(theirs[row * side + column])) <= 0x1p-25)
        #expect(turned[column, row] == upright[row, column])
      }
    }
  }

  // Random searches of different draws agree in the mean: by five standard errors of the difference, which eight images
  // exceed once in 200,000 times. Theirs takes one query more, the last of 300.
  @Test("Square in ℓ2 comes as far as its authors' code, image by image, in the mean over 64 seeds")
  func square() throws {
    let golden = try Golden("attacks/square.safetensors")
    let model = TanhMLP(
      imageShape: ImageShape(channels: 3, height: 11, width: 11), first: try golden["W1"],
      bias: try golden["b1"], second: try golden["W2"])
    let data = try LabelledImages(
      pixels: Pixels(golden["images"]), labels: integers(golden["labels"]), classCount: 5)
    let draws = Draws(seed: 0, purpose: .test, examples: data.indices)
    func margins(_ images: Pixels) throws -> [Double] {
      AttackLoss.margin.values(
        of: try model.logits(of: images, draws: draws), labels: data.labels)
    }
    for (ours, theirs) in zip(try margins(data.pixels), try golden["margin.clean"].values) {
      #expect(abs(ours - Double(theirs)) <= 1e-5)
    }
    let runs = try (0..<64).map { seed in
      try margins(
        Pixels(
          SquareAttack(queries: 300).search(
            data, within: .l2(Epsilon("0.3")), through: model, seed: UInt64(seed))))
    }
    let (means, deviations) = (
      try golden["margin.mean"].values, try golden["margin.deviation"].values
    )
    for n in data.labels.indices {
      let mean = runs.reduce(0) { $0 + $1[n] } / 64
      let variance = runs.reduce(0) { $0 + ($1[n] - mean) * ($1[n] - mean) } / 63
      let error = ((variance + Double(deviations[n] * deviations[n])) / 64).squareRoot()
      #expect(abs(mean - Double(means[n])) <= 5 * error, "\(mean) for \(means[n]) ± \(error)")
    }
  }
}
