import Reporting
import Robustness
import Statistics

/// Accuracy over how much an attacker or a defence does, where runs differ in that alone.
struct EffortCurves {
  /// What can be more or less.
  enum Effort: CaseIterable {
    case radius, steps, restarts, attackDraws, draws

    var title: String {
      switch self {
      case .radius: "Radius ε, pixel scale"
      case .steps: "Steps of the attack"
      case .restarts: "Restarts of the attack"
      case .attackDraws: "Draws that the attacker averages for a gradient"
      case .draws: "N, draws of the defence for a decision"
      }
    }

    /// What curves over it answer.
    var question: String {
      switch self {
      case .radius: "How much is left as the radius of the attack grows?"
      case .steps, .restarts, .attackDraws: "Does more effort of the attack leave less?"
      case .draws: "Do more draws of the defence help?"
      }
    }

    /// Its letter or word in a sentence.
    fileprivate var symbol: String {
      switch self {
      case .radius: "ε"
      case .steps: "steps"
      case .restarts: "restarts"
      case .attackDraws: "draws for a gradient"
      case .draws: "N"
      }
    }

    /// Whether more of it can only help the attacker, if it is spent well.
    var isAttackers: Bool { self != .draws }

    /// Its name among the parameters of the attack, or of the defence; nil for ε, which is none of them.
    private var parameter: (name: String, isOfDefence: Bool)? {
      switch self {
      case .radius: nil
      case .steps: ("steps", false)
      case .restarts: ("restarts", false)
      case .attackDraws: ("draws", false)
      case .draws: ("draws", true)
      }
    }

    /// How much of it a record has.
    func value(of record: EvaluationRecord) -> Double? {
      guard let parameter else { return record.epsilon?.doubleValue }
      let provenance = record.provenance
      let parameters =
        parameter.isOfDefence ? provenance?.defenceParameters : provenance?.attackParameters
      return parameters?[parameter.name].flatMap { Double($0) }
    }

    /// The parameters of attack and defence without it.
    fileprivate func others(
      of record: EvaluationRecord
    ) -> (attack: [String: String], defence: [String: String]) {
      var attack = record.provenance?.attackParameters ?? [:]
      var defence = record.provenance?.defenceParameters ?? [:]
      if let parameter {
        if parameter.isOfDefence {
          defence[parameter.name] = nil
        } else {
          attack[parameter.name] = nil
        }
      }
      return (attack, defence)
    }
  }

  /// One defence under one attack.
  struct Curve {
    var name: String
    /// By rising effort, one record for each.
    var points: [(effort: Double, record: EvaluationRecord)]
  }

  /// All else that a record is about.
  private struct Rest: Hashable {
    var row: MeasuredRun.Row
    var count: Int
  }

  let curves: [(effort: Effort, curves: [Curve])]

  /// The curves of records, those of two points at least.
  init(_ records: [EvaluationRecord]) {
    let attacked = records.filter { $0.norm != nil && $0.attack != .worst }
    let isOfOneModel = Set(records.map(\.model)).count < 2
    curves = Effort.allCases.compactMap { effort in
      func rest(_ record: EvaluationRecord) -> Rest {
        var row = record.row
        let others = effort.others(of: record)
        row.setting.attackParameters = others.attack.inOneLine
        row.setting.defenceParameters = others.defence.inOneLine
        if effort == .radius { row.setting.epsilon = nil }
        return Rest(row: row, count: record.n)
      }
      let groups = Dictionary(grouping: attacked.filter { effort.value(of: $0) != nil }, by: rest)
      // A dictionary has no order; that of the first record of each is kept.
      let found = unique(attacked.map(rest)).compactMap { rest -> Curve? in
        guard let own = groups[rest], let first = own.first else { return nil }
        let points = Dictionary(
          own.map { (effort.value(of: $0) ?? 0, $0) }, uniquingKeysWith: { first, _ in first }
        ).sorted { $0.key < $1.key }
        guard points.count > 1 else { return nil }
        let others = effort.others(of: first)
        let namesakes = groups.values.filter { $0.count > 1 }.compactMap(\.first)
        let defence = EvaluationSummary.title(
          first.defence.rawValue, others.defence,
          among: namesakes.filter { $0.defence == first.defence }
            .map { effort.others(of: $0).defence })
        let attack = EvaluationSummary.title(
          first.attack.rawValue, others.attack,
          among: namesakes.filter { $0.attack == first.attack }
            .map { effort.others(of: $0).attack })
        let parts =
          (isOfOneModel ? [] : [first.model]) + ["\(defence) under \(attack)"]
          + (effort == .radius
            ? [first.norm?.rawValue].compactMap(\.self) : ["within \(first.ball)"])
        return Curve(
          name: parts.joined(separator: " "),
          points: points.map { (effort: $0.key, record: $0.value) })
      }
      return found.isEmpty ? nil : (effort, found)
    }
  }

  /// What each curve says.
  var sentences: [String] {
    curves.flatMap { effort, curves in curves.map { sentence($0, effort) } }
  }

  /// What the curves answer together; nil without any.
  var question: String? {
    let questions = unique(curves.map(\.effort.question))
    return questions.count > 1 ? "What does more effort leave?" : questions.first
  }

  /// The curves, a picture for each kind of effort.
  var figures: [HTMLReport.Content] {
    curves.map { effort, curves in
      .figure(
        LinePlot(
          x: Axis(effort.title),
          y: Axis("Images classified correctly", range: 0...1, format: .percent),
          series: curves.map { curve in
            LinePlot.Series(
              curve.name,
              curve.points.map {
                LinePlot.Point(x: $0.effort, y: $0.record.accuracy, interval: $0.record.interval)
              })
          }),
        caption:
          "What is left over \(effort.title.prefix(1).lowercased() + effort.title.dropFirst()), all else the same, "
          + "with 95% intervals over images.")
    }
  }

  /// A part of a page; nil where no two records differ in effort alone.
  var section: HTMLReport.Section? {
    guard !curves.isEmpty else { return nil }
    return HTMLReport.Section(title: "Accuracy over effort", content: [.list(sentences)] + figures)
  }

  /// What the two ends of a curve say, and whether its last step still moved it.
  private func sentence(_ curve: Curve, _ effort: Effort) -> String {
    guard let first = curve.points.first, let last = curve.points.last,
      let before = curve.points.dropLast().last
    else { return "" }
    func text(_ point: (effort: Double, record: EvaluationRecord)) -> String {
      "\(interval(point.record.accuracy, point.record.interval, decimals: 1, scale: 100, unit: "%")) at "
        + "\(effort.symbol) = \(effort == .radius ? point.record.epsilon?.description ?? "" : trimmed(point.effort, decimals: 4))"
    }
    let said = "\(curve.name): \(text(first)) and \(text(last))"
    let isLower = last.record.interval.upper < before.record.interval.lower
    let isHigher = last.record.interval.lower > before.record.interval.upper
    if isLower {
      // A larger ball is another question, not a better answer.
      return said
        + (effort.isAttackers && effort != .radius
          ? "; it was still falling, so that more may leave less." : ".")
    }
    if isHigher {
      return said
        + (effort.isAttackers
          ? "; more effort left more, which an attack that works does not do: do not quote it."
          : ".")
    }
    return said + "; whether the last step of effort changed anything is not decided."
  }
}
