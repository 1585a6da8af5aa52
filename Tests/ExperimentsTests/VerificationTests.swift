import Experiments
import Foundation
import MixupInference
import Statistics
import Testing

@Suite("Verifying the theory")
struct VerificationTests {
  private func settings(
    _ family: SyntheticScenario.Family, classCount: Int = 5, seed: UInt64 = 1
  ) -> Verification.Settings {
    var settings = Verification.Settings()
    settings.scenario.family = family
    settings.scenario.classCount = classCount
    settings.scenario.dimension = classCount + 2
    settings.modelCount = 4
    settings.seed = seed
    return settings
  }

  @Test(
    "everything that must hold does, for every family", arguments: SyntheticScenario.Family.allCases
  )
  func isSound(_ family: SyntheticScenario.Family) throws {
    for (classCount, seed) in [(2, 1), (3, 2), (7, 3)] as [(Int, UInt64)] {
      let results = try Verification(settings(family, classCount: classCount, seed: seed)).run()
      #expect(results.isSound, "\(results.theorems.filter { $0.verdict == .fails })")
      #expect(results.theorems.count > 35 && results.attackedCount == 4)
      // The same seed, the same numbers.
      let again = try Verification(settings(family, classCount: classCount, seed: seed)).run()
      #expect(again.theorems == results.theorems && again.region.cells == results.region.cells)
    }
  }

  @Test("Results are sound until one theorem fails, whatever the conditions say")
  func soundness() throws {
    var settings = Verification.Settings()
    settings.scenario.classCount = 3
    settings.modelCount = 2
    var verification = Verification(settings)
    let results = try verification.run()
    #expect(results.isSound)
    for place in results.theorems.indices {
      var failing = results
      failing.theorems[place].verdict = .fails
      #expect(!failing.isSound)
    }
    // Conditions are findings: that none of them is satisfied is no failure.
    var unsatisfied = results
    for place in results.conditions.indices { unsatisfied.conditions[place].verdict = .unsatisfied }
    #expect(unsatisfied.isSound)
    // A wrong closed form, from the check to the status.
    verification.forms.detectionGap = { lambda, decay in decay - lambda }
    #expect(try !verification.run().isSound)
  }

  @Test("a wrong closed form is noticed, and named")
  func noticesFaults() throws {
    func failures(_ change: (inout ClosedForms) -> Void) throws -> [String] {
      var verification = Verification(settings(.power))
      change(&verification.forms)
      let results = try verification.run()
      #expect(!results.isSound)
      #expect(VerificationReport(results).text.contains("FAIL"))
      return results.theorems.filter { $0.verdict == .fails }.map(\.claim)
    }
    // λ and 1−λ exchanged in one rule's cells.
    let swapped = try failures { forms in
      forms.cell = { row, rule, isAdversarial, lambda, effects, sampled in
        Table1.cell(
          row, rule, isAdversarial: isAdversarial, lambda: rule == .other ? 1 - lambda : lambda,
          effects: effects, sampledTrueLabel: sampled)
      }
    }
    #expect(swapped.contains("F_y(x̃), MI-OL, z = 0"))
    #expect(swapped.allSatisfy { $0.contains("x̃") && $0.contains("MI-OL") })
    let threshold = try failures { forms in
      forms.thresholds = { rule, lambda, _ in
        RobustnessImprovingCondition.thresholds(.predicted, lambda: lambda, classCount: 2)
      }
    }
    #expect(threshold.contains("ΔF_ŷ = bound − E[G_ŷ(δ) − G_ŷ(λδ)], MI-OL"))
    let sign = try failures { $0.detectionGap = { $1 - (1 - $0) } }
    #expect(sign.allSatisfy { $0.hasPrefix("DG") } && sign.count == 2)
    #expect(
      try failures { $0.thirdClass = { _, _, _, effect in effect } }
        == [
          "F_k(x̃) of the other classes, MI-OL, z = 0", "F_k(x̃) of the other classes, MI-OL, z = 1",
        ])
    #expect(
      try failures { $0.failureProbability = { _, _, _ in 0.9 } }
        == ["MI-OL's failures on clean inputs are multinomial"])
    // Not a number is no agreement.
    #expect(try failures { $0.detectionGap = { _, _ in .nan } }.count == 2)
  }

  @Test("the region is that of the growth condition")
  func region() throws {
    var settings = settings(.power)
    settings.scenario.strength = 0.8
    let region = try Verification(settings).run().region
    var compared = 0
    for (row, cells) in region.cells.enumerated() {
      let share = (Double(row) + 0.5) / Double(region.cells.count)
      let exponent =
        region.exponents.lowerBound
        + share * (region.exponents.upperBound - region.exponents.lowerBound)
      for (column, holding) in cells.enumerated() {
        let lambda = (Double(column) + 0.5) / Double(cells.count)
        for rule in PartnerLabel.allCases {
          let condition = try GrowthCondition(
            strength: 0.8, exponent: exponent, rule: rule, classCount: 5)
          guard abs(condition.margin(at: lambda)) > 1e-8 else { continue }
          #expect(holding.contains(.robustness(rule)) == condition.holds(at: lambda))
          compared += 1
        }
        // The same g for y and ŷ: DG is on the right side exactly where RIC-PL holds, in both rules.
        for rule in PartnerLabel.allCases {
          #expect(
            holding.contains(.detection(rule)) == holding.contains(.robustness(.predicted)))
        }
      }
    }
    #expect(compared > 5000)
  }

  // With L = 5 the slope of MI-OL is 0.75: a strength on either side of it, where the border rises and where it falls.
  @Test(
    "the border is drawn wherever there is one, and only there", arguments: [0.6, 0.8])
  func border(strength: Double) throws {
    var settings = settings(.power)
    settings.scenario.strength = strength
    let plot = VerificationReport(try Verification(settings).run()).regionPlot
    let exponents = try #require(plot.y.range)
    #expect(plot.curves.count == PartnerLabel.allCases.count)
    for (rule, curve) in zip(PartnerLabel.allCases, plot.curves) {
      for point in curve.points {
        let condition = try GrowthCondition(
          strength: strength, exponent: point.y, rule: rule, classCount: 5)
        #expect(0 < point.x && point.x < 1 && abs(condition.margin(at: point.x)) <= 1e-12)
      }
      #expect(curve.points.map(\.x) == curve.points.map(\.x).sorted())
      let condition = try GrowthCondition(
        strength: strength, exponent: 1, rule: rule, classCount: 5)
      // Every λ whose border is inside has a point within a step of it.
      for percent in 1..<100 {
        let lambda = Double(percent) / 100
        guard let exponent = condition.criticalExponent(at: lambda), exponents.contains(exponent)
        else { continue }
        #expect(
          curve.points.contains { abs($0.x - lambda) <= 0.005 && abs($0.y - exponent) <= 0.1 },
          "\(rule.title), λ = \(lambda), p = \(exponent)")
      }
    }
  }

  @Test("conditions that hold together have one number in files and one name, no two the same")
  func conditions() throws {
    let all = (0..<16).map { Verification.Conditions(rawValue: $0) }
    #expect(try JSONEncoder().encode(all) == JSONEncoder().encode(Array(0..<16)))
    #expect(Set(all.map(\.description)).count == 16)
    #expect(all[0].description == "neither RIC nor DG")
    #expect(
      ([.robustness(.predicted), .detection(.other)] as Verification.Conditions).description
        == "RIC MI-PL, DG MI-OL")
    #expect(all[9] == [.robustness(.predicted), .detection(.other)])
    #expect(all[6] == [.robustness(.other), .detection(.predicted)])
  }

  @Test("an attack that changes no label is said to be left out, not counted as success")
  func withoutAttack() throws {
    var settings = settings(.power)
    settings.scenario.strength = 0.2
    let results = try Verification(settings).run()
    #expect(results.attackedCount == 0 && results.conditions.isEmpty)
    #expect(VerificationReport(results).text.contains("0 of 4 models"))
  }

  @Test("findings survive JSON, and the page holds the picture")
  func report() throws {
    let results = try Verification(settings(.power)).run()
    let report = VerificationReport(results)
    let data = try report.json()
    let object = try #require(
      try JSONSerialization.jsonObject(with: data) as? [String: [String: Any]])
    let theorems = try #require(object["synthetic"]?["theorems"] as? [[String: Any]])
    #expect(theorems.count == results.theorems.count)
    let conditions = try #require(object["synthetic"]?["conditions"] as? [[String: Any]])
    for (fields, finding) in zip(conditions, results.conditions) {
      #expect(
        Set(fields.keys)
          == ["claim", "equation", "lambda", "measured", "bound", "margin", "verdict"])
      let title = try #require(finding.condition?.title)
      #expect(finding.claim.hasPrefix("\(title): ") && report.html.contains(">\(title)<"))
    }
    #expect(Set(results.conditions.map(\.condition)).count == 6)
    #expect(results.theorems.allSatisfy { $0.condition == nil })
    // The words of a claim decide nothing.
    var reworded = results
    for place in reworded.conditions.indices { reworded.conditions[place].claim = "\(place)" }
    let legend = VerificationReport(reworded).html
    #expect(results.conditions.allSatisfy { legend.contains(">\($0.condition?.title ?? "")<") })
    #expect(report.html.contains("<svg") && report.html.contains("RIC MI-OL"))
    #expect(report.text.contains("identities hold"))
  }

  @Test("at λ = 1 RIC holds on none of many models, whatever rounding makes of 0")
  func withoutMixing() throws {
    var settings = settings(.power)
    settings.modelCount = 100
    settings.lambdas = [1.0]
    for family in SyntheticScenario.Family.allCases {
      settings.scenario.family = family
      let results = try Verification(settings).run()
      #expect(results.isSound && results.conditions.count == 6)
      #expect(results.conditions.allSatisfy { $0.verdict == .unsatisfied })
      #expect(results.theorems.contains { $0.claim == "RIC does not hold at λ = 1" })
    }
  }

  @Test("an attack that works from s on works at λ = s, whatever rounding makes of s")
  func thresholdTie() throws {
    for k in 1...99 {
      var scenario = settings(.thresholded).scenario
      // p/(1+p) = k/100.
      scenario.exponent = Double(k) / Double(100 - k)
      let one = try SyntheticScenario(
        scenario, key: RandomKey(seed: UInt64(k), purpose: .test))
      let effects = [Double(k) / 100, Double(k - 1) / 100].map { lambda in
        one.model.perturbation(one.input.perturbation.map { lambda * $0 }, at: one.input.point)
      }
      #expect(abs(effects[0][one.input.label] + 0.9) < 1e-12, "λ = \(k)/100")
      #expect(effects[1].allSatisfy { $0 == 0 })
    }
  }

  @Test("settings out of range are refused")
  func refusals() {
    func run(_ change: (inout Verification.Settings) -> Void) throws {
      var settings = settings(.power)
      change(&settings)
      _ = try Verification(settings).run()
    }
    #expect(throws: TheoryError.sampleCount(0)) { try run { $0.sampleCount = 0 } }
    #expect(throws: TheoryError.dimension(3, least: 4)) { try run { $0.scenario.dimension = 3 } }
    #expect(throws: TheoryError.self) { try run { $0.modelCount = 0 } }
    #expect(throws: TheoryError.self) { try run { $0.scenario.exponent = .infinity } }
  }
}
