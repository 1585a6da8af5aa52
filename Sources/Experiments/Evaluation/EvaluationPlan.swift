import Datasets
import Foundation
import Robustness

/// What to measure: every defence under every attack, on the first test images of a data set.
package struct EvaluationPlan: Hashable, Sendable {
  /// Test images, from the first; all if nil.
  package var count: Int?
  /// The seed of the random numbers of attacks and defences.
  package var seed: UInt64
  /// R, predictions that score an example of a randomised defence.
  package var scoringDraws: Int
  /// Predictions by which the strongest of the attacks on an image is chosen, on other draws than those that score it; 0
  /// for no choice.
  package var selectionDraws: Int
  package var defences: [DefenceDescription]
  package var attacks: [AttackDescription]

  package init(
    count: Int? = nil, seed: UInt64 = 1, scoringDraws: Int = 20, selectionDraws: Int = 5,
    defences: [DefenceDescription] = [DefenceDescription(.none)],
    attacks: [AttackDescription] = [AttackDescription(.none)]
  ) {
    self.count = count
    self.seed = seed
    self.scoringDraws = scoringDraws
    self.selectionDraws = selectionDraws
    self.defences = defences
    self.attacks = attacks
  }

  /// Checks what the types do not rule out: counts, repetitions and settings.
  ///
  /// - Throws: `PlanError.setting`.
  package func check() throws(PlanError) {
    func refuse(_ problem: String) throws(PlanError) { throw .setting(problem) }
    func positive(_ name: String, _ number: Int?) throws(PlanError) {
      if let problem = number.flatMap({ countProblem(name, $0) }) { throw .setting(problem) }
    }
    if defences.isEmpty || attacks.isEmpty { try refuse("a plan needs a defence and an attack") }
    try positive("the number of images", count)
    try positive("the number of scoring draws", scoringDraws)
    guard 0...1_000_000 ~= selectionDraws else {
      throw .setting(
        "the number of selection draws is \(selectionDraws); give one from 0 to 1,000,000")
    }
    for (place, attack) in attacks.enumerated() {
      if attacks[..<place].contains(attack) {
        try refuse("the attack \(attack.name.rawValue) stands twice in the plan; once is enough")
      }
      if let problem = attack.problem { try refuse(problem) }
    }
    for (place, defence) in defences.enumerated() {
      if defences[..<place].contains(defence) {
        try refuse("the defence \(defence.name.rawValue) stands twice in the plan; once is enough")
      }
      if let problem = defence.problem { try refuse(problem) }
    }
  }
}

extension EvaluationPlan {
  /// Adds the images without an attack if they are missing, with which a curve of accuracy over the radius begins.
  ///
  /// - Throws: `PlanError.curves` unless an attack looks for the nearest image.
  package mutating func prepareForCurves() throws(PlanError) {
    guard attacks.contains(where: { $0.attack?.findsNearest == true }) else { throw .curves }
    let clean = AttackDescription(.none)
    if !attacks.contains(clean) { attacks.insert(clean, at: 0) }
  }
}

extension EvaluationPlan: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case count, seed, scoringDraws, selectionDraws, defences, attacks
  }

  /// Reads a plan; what is left out is as in `init`, and unknown keys are refused.
  package init(from decoder: any Decoder) throws {
    try StrictCoding.check(decoder, allows: Key.allCases, in: "a plan")
    let fields = try decoder.container(keyedBy: Key.self)
    self.init()
    count = try fields.decodeIfPresent(Int.self, forKey: .count)
    seed = try fields.decodeIfPresent(UInt64.self, forKey: .seed) ?? seed
    scoringDraws = try fields.decodeIfPresent(Int.self, forKey: .scoringDraws) ?? scoringDraws
    selectionDraws = try fields.decodeIfPresent(Int.self, forKey: .selectionDraws) ?? selectionDraws
    defences =
      try fields.decodeIfPresent([DefenceDescription].self, forKey: .defences) ?? defences
    attacks = try fields.decodeIfPresent([AttackDescription].self, forKey: .attacks) ?? attacks
  }

  /// Reads a file's JSON.
  ///
  /// - Throws: `PlanError` that names the place.
  package init(json: Data, file: String) throws(PlanError) {
    if let key = JSONKeys.repeated(in: json) {
      throw .unreadable(file: file, reason: "\"\(key)\" stands twice in one object")
    }
    do {
      self = try JSONDecoder().decode(EvaluationPlan.self, from: json)
    } catch let error as PlanError {
      throw error
    } catch let error as SettingError {
      throw .setting(error.description)
    } catch let error as EpsilonError {
      throw .unreadable(file: file, reason: "\(error)")
    } catch DecodingError.keyNotFound(let key, let context) {
      throw .unreadable(
        file: file, reason: "\(Self.place(context.codingPath)) lacks \(key.stringValue)")
    } catch DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty {
      throw .unreadable(
        file: file, reason: "\(Self.place(context.codingPath)): \(context.debugDescription)")
    } catch DecodingError.typeMismatch(let type, let context) {
      throw .unreadable(
        file: file, reason: "\(Self.place(context.codingPath)) is not of type \(type)")
    } catch { throw .unreadable(file: file, reason: "it is no valid JSON") }
  }

  private static func place(_ path: [any CodingKey]) -> String {
    path.isEmpty
      ? "the plan"
      : path.map { key in key.intValue.map { "\($0 + 1)" } ?? key.stringValue }
        .joined(separator: " ")
  }
}

/// Which part of the examples to measure: every n-th, from the i-th on.
package struct Shard: Hashable, Sendable, CustomStringConvertible {
  /// i, the number of this part, from 1.
  package let number: Int
  /// n, the number of parts.
  package let count: Int

  /// All examples.
  package static let whole = Shard(number: 1, count: 1)

  /// Reads "i/n".
  ///
  /// - Throws: `PlanError.shard` unless 1 ≤ i ≤ n.
  package init(_ text: String) throws(PlanError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let number = parts[0], let count = parts[1], 1...100_000 ~= count,
      1...count ~= number
    else { throw .shard(text) }
    self.init(number: number, count: count)
  }

  private init(number: Int, count: Int) {
    self.number = number
    self.count = count
  }

  package var description: String { "\(number)/\(count)" }

  /// The positions of this part's examples, among `examples` in all.
  package func positions(of examples: Int) -> [Int] {
    Array(stride(from: number - 1, to: examples, by: count))
  }
}
