import Classification
import Datasets
import Experiments
import Foundation
import MixupInference
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import Testing
import Training

@Suite("The report of a reproduction")
struct ReproductionReportTests {
  /// Correct images of 100 under none and under MI-OL, by condition.
  private struct Counts {
    var bare = 10
    var oblivious = 60
    var adaptive = 35
    var area: Double? = 0.75
  }

  private static let methods: [TrainingMethod] = [.plain, .mixup, .interpolatedAdversarial]

  private static func settings() throws -> Reproduction.Settings {
    var settings = try Reproduction.Settings(digits: .standard)
    settings.radius?.radii = [try Epsilon("3/20")]
    settings.epsilons = [try Epsilon("3/20")]
    settings.figureEpsilons = settings.epsilons + settings.epsilons
    settings.seed = 11
    settings.kernels = .reference
    return settings
  }

  private func results(
    _ counts: [TrainingMethod: Counts] = [:],
    linearity: NetworkVerification.Linearity? = nil
  ) throws -> Reproduction.Results {
    let settings = try Self.settings()
    return Reproduction.Results(
      dataset: .digits, settings: settings, trainingCount: 3323, validationCount: 500,
      testCount: 100,
      sweep: try Self.methods.map { method in
        Reproduction.Sweep(
          method: method,
          results: try [DefenceName.none, .otherLabel].map {
            try result(
              DefenceDescription($0), AttackDescription(.pgd, epsilon: Epsilon("3/20"), steps: 10),
              correct: 4)
          })
      },
      networks: try Self.methods.map { method in
        var network = try network(method, counts[method] ?? Counts(), settings)
        if method == .mixup {
          network.conditions = linearity.map {
            NetworkVerification.Results(
              name: method.title, settings: NetworkVerification.Settings(), imageCount: 100,
              adversarialCount: 0, points: [], linearity: $0)
          }
        }
        return network
      }, seconds: 12.5)
  }

  private func result(
    _ defence: DefenceDescription, _ attack: AttackDescription, correct: Int,
    statistics: (Int) -> [String: Double]? = { _ in nil }
  ) throws -> JobResult {
    JobResult(
      job: EvaluationJob(
        model: "m", dataset: "digits", split: .test, indices: IndexRanges(Array(0..<100)),
        pool: nil, defence: defence, attack: attack,
        circumstances: EvaluationJob.Circumstances(
          checkpoint: "c", normalization: .plusMinusOne(channels: 1), seed: 11,
          kernelSet: .reference, planProfile: .throughput, scoringDraws: 1, selectionDraws: 0)),
      isRandomized: defence.name != .none, forwardPassesPerDecision: 31,
      outcomes: (0..<100).map {
        EvaluationResult.Outcome(
          index: $0, label: 1, predictions: [$0 < correct ? 1 : 0], selectionMisses: 0,
          statistics: statistics($0))
      },
      cost: JobResult.Cost(
        passes: PassMeter.Count(forward: 3), seconds: 0.025,
        secondsByBlock: [0.0002, 0.0003, 0.0002, 0.0004]))
  }

  private func network(
    _ method: TrainingMethod, _ counts: Counts, _ settings: Reproduction.Settings
  ) throws -> Reproduction.NetworkResult {
    let (predicted, other) = (
      Mixing(lambda: 0.7, sampleCount: 30), Mixing(lambda: 0.4, sampleCount: 30)
    )
    let detector = DefenceDescription(MixupInferenceRule.predictedLabel(predicted))
    let defences = [
      DefenceDescription.none, detector, DefenceDescription(MixupInferenceRule.otherLabel(other)),
      DefenceDescription(
        MixupInferenceRule.combined(
          predictedLabel: predicted, otherLabel: other, threshold: 0.15)),
    ]
    var network = Reproduction.NetworkResult(
      method: method, checkpoint: "c", architecture: "ResNet-8",
      chosen: ChosenSettings(
        matched: defences.map {
          MatchedDefence(defence: $0, settings: 1, accuracy: 0.97, count: 500, isReached: true)
        }, detector: detector))
    let attacks =
      [AttackDescription.none]
      + [10, 50].map { AttackDescription(.pgd, epsilon: settings.epsilons[0], steps: $0) }
      + [
        AttackDescription(.adaptivePGD, epsilon: settings.epsilons[0], steps: 50, draws: 10)
      ]
    network.table = try defences.flatMap { defence in
      try attacks.map { attack in
        let correct =
          attack.budget == nil
          ? 97
          : defence.name == .none
            ? counts.bare : attack.name.isAdaptive ? counts.adaptive : counts.oblivious
        return try result(defence, attack, correct: correct)
      }
    }
    // Of the 87 images that the attack misled, from the eleventh on, a share is above all clean ones: that
    // share is the area.
    network.detection = try [attacks[0], attacks[2]].map { attack in
      try result(detector, attack, correct: 97) { index in
        guard let area = counts.area else { return nil }
        let isAbove = Double(index - 10) + 0.5 < 87 * area
        let value = attack.budget == nil ? 0.5 : isAbove ? 1 : 0
        return [
          DetectionStatistic.confidenceDrop.rawValue: value,
          DetectionStatistic.maximaDrop.rawValue: value,
        ]
      }
    }
    network.pictures = [
      Reproduction.Picture(
        label: 3, clean: Array(repeating: 0.5, count: 64),
        adversarial: Array(repeating: 0.65, count: 64), mixed: Array(repeating: 0.2, count: 64),
        width: 8,
        answers: [
          .init(defence: "none", prediction: 8, confidence: 0.751),
          .init(defence: "MI-OL", prediction: 3, confidence: 0.25),
        ])
    ]
    return network
  }

  @Test("says how far each network is from linear, and which way that goes with RIC")
  func linearity() throws {
    func around(_ value: Double, _ distance: Double) -> Interval {
      Interval(lower: value - distance, upper: value + distance)
    }
    func mean(_ value: Double) -> BoundedMean {
      BoundedMean(value: value, count: 50, interval: around(value, 0.05))
    }
    func comparison(_ rule: PartnerLabel, _ value: Double) -> NetworkVerification.Comparison {
      NetworkVerification.Comparison(
        rule: rule,
        correlation: RankCorrelation(coefficient: value, count: 50, interval: around(value, 0.2)))
    }
    let half = LinearityMeasurement.Point(
      lambda: 0.5, withinClasses: mean(0.125), betweenClasses: mean(0.75))
    let found = NetworkVerification.Linearity(
      measurement: LinearityMeasurement(points: [half], pairCount: 50),
      comparisons: [comparison(.predicted, 0.4), comparison(.other, -0.3)])
    let report = ReproductionReport(try results(linearity: found))
    let place = try #require(report.findings.firstIndex { $0.contains("Half-way") })
    #expect(
      report.findings[place...].prefix(3) == [
        "Half-way between two images of two classes the prediction lies on average 0.75 on mixup, of at most 2, from the line "
          + "between their predictions; of one class, 0.12 on mixup.",
        "Under MI-PL, images where the prediction lies farther from the line have a larger RIC margin on mixup.",
        "Under MI-OL, images where the prediction lies farther from the line have a smaller RIC margin on mixup.",
      ])
    #expect(
      report.text.contains("0.75 [0.70, 0.80]") && report.text.contains("-0.30 [-0.50, -0.10]"))
    #expect(report.page.render().contains("How linear the networks are between images"))
    #expect(report.page.render().contains("0.75 [0.70, 0.80]"))
  }

  /// A page without the marks that keep names on one line.
  private func text(of page: HTMLReport) -> String {
    page.render().replacing(/<span class="name">([^<]*)<\/span>/) { "\($0.output.1)" }
  }

  private func findings(_ counts: Counts) throws -> [String] {
    ReproductionReport(try results([.mixup: counts])).findings.filter { $0.hasPrefix("mixup: ") }
  }

  @Test("has a record for every defence under every attack, which can be read again")
  func records() throws {
    let records = try ReproductionReport(try results()).records()
    // Of every network a table of 16, and the worst of the attacks on the network alone.
    #expect(records.count == 3 * (4 * 4 + 1))
    #expect(try [EvaluationRecord](json: records.json()) == records)
    for record in records {
      #expect(record.n == 100 && record.seed == 11 && record.dataset == "digits")
      #expect(record.interval.lower <= record.accuracy && record.accuracy <= record.interval.upper)
      #expect((record.epsilon == nil) == (record.attack == .named(.none)))
      #expect((record.threshold == 0.15) == (record.defence == .combined))
    }
  }

  @Test("has its sections by what they are about, each once, with a title and something to tell")
  func sections() throws {
    let report = ReproductionReport(try results())
    let epsilon = try Epsilon("3/20")
    #expect(
      report.sections == [
        .accuracy(epsilon), .detection, .pictures, .radius, .settings, .cost, .provenance,
      ])
    let html = text(of: report.page)
    for section in report.sections {
      #expect(html.contains("<h2>\(report.title(of: section))</h2>"), "\(section)")
    }
  }

  @Test("shows every network under every defence and attack, with interval and settings")
  func text() throws {
    let report = ReproductionReport(try results())
    let text = report.printout.text(TextStyle(columns: 200))
    let table = try #require(text.components(separatedBy: "Accuracy at ε = 3/20. ").last)
      .components(separatedBy: "Figure 3")[0]
    for method in Self.methods {
      for defence in ["none", "MI-PL", "MI-OL", "MI-Combined"] {
        let line = try #require(
          table.split(separator: "\n").first {
            $0.hasPrefix("\(method.title) ") && $0.contains(" \(defence) ")
          }, "\(method.title), \(defence)")
        // 97 of 100: Wilson's 95% interval is 91.5 to 99.0.
        #expect(line.contains("97.0 [91.5, 99.0]"))
      }
    }
    for words in [
      "oblivious PGD-10", "oblivious PGD-50", "adaptive PGD-50", "First 100 test images", "Seed 11",
      "N = 30", "λ 0.7", "λ 0.4", "threshold 0.15",
      // A decision's time, in the median block, the fastest and the slowest.
      " 300 (200 to 400)",
    ] {
      #expect(text.contains(words), "\(words)")
    }
    // The same in the repository's form, but for times.
    let markdown = report.markdown
    #expect(markdown.contains("## Accuracy at ε = 3/20") && markdown.contains("97.0 [91.5, 99.0]"))
    #expect(text.contains("µs of a thread") && !markdown.contains("µs of a thread"))
    #expect(report.findings.contains { $0.contains("adaptive attack leaves 35.0%") })
    #expect(
      report.findings.contains(
        "Where the network alone takes one forward pass for a decision, MI-PL, MI-OL and "
          + "MI-Combined take 31."))
  }

  // Of 100 images 10 are right without the defence; with it these and others, or some of these.
  @Test(
    "opens with what the defence adds, loses, or is not known to change, each against its own attacker",
    arguments: [
      (60, 35, "MI-OL adds 50.0\u{A0}points\u{A0}[", "it adds 25.0\u{A0}points\u{A0}["),
      (
        60, 10, "MI-OL adds 50.0\u{A0}points\u{A0}[",
        "it changes accuracy by 0.0\u{A0}points\u{A0}["
      ),
      (
        12, 2, "MI-OL changes accuracy by 2.0\u{A0}points\u{A0}[", "it costs 8.0\u{A0}points\u{A0}["
      ),
    ])
  func answer(_ oblivious: Int, _ adaptive: Int, _ first: String, _ second: String) throws {
    let report = ReproductionReport(
      try results([.mixup: Counts(oblivious: oblivious, adaptive: adaptive)]))
    let html = text(of: report.page)
    let lead = try #require(
      html.components(separatedBy: "<p class=\"lead\">").dropFirst().first?
        .components(separatedBy: "</p>")[0])
    let verdict = adaptive == 35 ? "Partly. " : adaptive == 10 ? "Not decided. " : "No. "
    #expect(lead.hasPrefix("\(verdict)On the mixup network, ") && lead.contains(first), "\(lead)")
    #expect(lead.contains(second), "\(lead)")
    #expect(lead.contains("not decided to be") == (oblivious == 12 || adaptive == 10))
    // The attack on the network alone leaves 10 images under either attacker.
    let figures = html.components(separatedBy: "<dd>").dropFirst().prefix(4)
      .map { $0.components(separatedBy: "</dd>")[0] }
    #expect(figures.dropFirst() == ["10.0%", "\(oblivious).0%", "\(adaptive).0%"])
  }

  @Test("shows an attacked image, its change by ε, its mixture, and what every defence says of it")
  func gallery() throws {
    let html = ReproductionReport(try results()).page.render()
    // A change of the whole of ε = 3/20 is white; without any it would be grey.
    #expect(html.contains("the change") && html.contains("<path fill=\"#ffffff\" d=\"M0 0h8v1h-8z"))
    #expect(html.contains("✗ 8, 75%") && html.contains("✓ 3, 25%"))
  }

  @Test("names runs of λ by their ends")
  func runs() {
    let lambdas: [MixingRatio] = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 1]
    func text(_ chosen: [Int]) -> String {
      NetworkVerificationReport.runs(
        of: lambdas, where: lambdas.indices.map(chosen.contains)
      ).joined(separator: ", ")
    }
    #expect(text([]) == "" && text([1]) == "0.1" && text([0, 1]) == "0, 0.1")
    #expect(text([0, 1, 2]) == "0 to 0.2" && text([0, 2, 3, 4, 6]) == "0, 0.2 to 0.4, 1")
    #expect(text(Array(lambdas.indices)) == "0 to 1")
  }

  @Test("lets no script run but the page's own, which browsers know by its SHA-256")
  func script() throws {
    let hex = sha256(Data(HTMLReport.script.utf8))
    let bytes = stride(from: 0, to: hex.count, by: 2).compactMap { place in
      UInt8(hex.dropFirst(place).prefix(2), radix: 16)
    }
    #expect(bytes.count == 32 && Data(bytes).base64EncodedString() == HTMLReport.scriptHash)
    let html = ReproductionReport(try results()).page.render()
    #expect(html.contains("script-src 'sha256-\(HTMLReport.scriptHash)'"))
    #expect(html.contains("<script>\(HTMLReport.script)</script>"))
  }

  // 10 of 100 are right without the defence, under either attacker.
  @Test(
    "says of what MI-OL changes under each attack whether it is decided",
    arguments: [
      (60, 35, "adds 50.0 points [", "adds 25.0 points ["),
      (60, 10, "adds 50.0 points [", "changes accuracy by 0.0 points ["),
      (60, 2, "adds 50.0 points [", "costs 8.0 points ["),
      (10, 3, "changes accuracy by 0.0 points [", "costs 7.0 points ["),
      (3, 3, "costs 7.0 points [", "costs 7.0 points ["),
    ])
  func change(_ oblivious: Int, _ adaptive: Int, _ former: String, _ latter: String) throws {
    let found = try findings(Counts(oblivious: oblivious, adaptive: adaptive)).first
    let sentence = try #require(found).replacing("\u{A0}", with: " ")
    #expect(sentence.contains("from 10.0% to \(oblivious).0%"), "\(sentence)")
    let parts = sentence.components(separatedBy: " under the former and ")
    #expect(parts.count == 2 && parts[0].contains("it \(former)"), "\(sentence)")
    #expect(parts.last?.hasPrefix(latter) == true, "\(sentence)")
    #expect(parts[0].contains("not decided") == (oblivious == 10))
    #expect(parts.last?.contains("not decided") == (adaptive == 10))
  }

  // Wilson's intervals of 4, 10, 15 and 35 of 100, beside one in ten: 1.6–9.8, 5.5–17.4, 9.3–23.3, 26.4–44.7.
  @Test(
    "says where what is left against the attacker who knows is no more than guessing",
    arguments: [
      (4, "4.0% [1.6, 9.8], is less than the 10% of always naming one class"),
      (10, "10.0% [5.5, 17.4], cannot be told from the 10% of always naming one class"),
      (15, "15.0% [9.3, 23.3], cannot be told from the 10% of always naming one class"), (35, nil),
    ] as [(Int, String?)])
  func guessing(_ adaptive: Int, _ words: String?) throws {
    let report = ReproductionReport(
      try results([.mixup: Counts(oblivious: 60, adaptive: adaptive)]))
    let html = report.page.render()
    #expect(html.contains("What is left then") == (words != nil))
    if let words { #expect(html.contains(words)) }
    // What is gained and still not more than guessing is hardly protection.
    #expect(html.contains("Hardly. ") == (adaptive == 15))
  }

  @Test("tells a detector that is worse than a coin, and leaves out one that was not measured")
  func detector() throws {
    func findings(_ area: Double?) throws -> [String] {
      let counts = Counts(area: area)
      return ReproductionReport(
        try results([.plain: counts, .mixup: counts, .interpolatedAdversarial: counts])
      ).findings
    }
    let all = "plain, mixup and interpolated AT"
    let good = try findings(0.75)
    #expect(
      good.contains { $0.contains("an AUC of 0.75 [") && $0.contains(" on mixup and 0.75 [") })
    #expect(!good.contains { $0.contains("coin") })
    #expect(try findings(0.25).contains { $0.hasPrefix("On \(all) that is worse than a coin") })
    // Every image is one value clean; attacked, a share of the 87 that were misled is above it.
    let html = ReproductionReport(try results([.mixup: Counts(area: 0.25)])).page.render()
    #expect(html.contains("25% [17, 35]"))
    // An interval with ½ inside says neither.
    for area in [0.45, 0.55] {
      #expect(
        try findings(area).contains("On \(all) whether that is better than a coin is not decided.")
      )
    }
    #expect(try !findings(nil).contains { $0.contains("AUC") })
    #expect(ReproductionReport(try results([.plain: Counts(area: nil)])).text.contains("–"))
  }

  @Test("warns of an adaptive attack that is weaker than the oblivious one beyond chance")
  func warnings() throws {
    let honest = ReproductionReport(try results())
    #expect(honest.warnings.isEmpty)
    let weak = ReproductionReport(
      try results([.plain: Counts(oblivious: 30, adaptive: 70)]))
    #expect(weak.warnings.count == 3)
    #expect(weak.warnings.allSatisfy { $0.hasPrefix("Warning: on plain with MI-") })
    #expect(weak.findings.suffix(3) == weak.warnings[...])
    // 30 and 40 of 100 are within chance of each other.
    let close = ReproductionReport(try results([.plain: Counts(oblivious: 30, adaptive: 40)]))
    #expect(close.warnings.isEmpty)
  }
}
