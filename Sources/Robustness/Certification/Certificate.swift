import Statistics

/// What a certification found out about one image.
public struct Certificate: Sendable, Hashable, Codable {
  /// The image's place in its data set.
  public var index: Int
  /// Its true class.
  public var label: Int
  /// The class that was chosen, on draws that certify nothing; what is certified is that no perturbation
  /// within a radius changes it.
  public var candidate: Int
  /// How many of the question's radii, from the first, are certified.
  public var certified: Int
  /// How many of them are not refuted: those from `certified` to here are undecided.
  public var standing: Int
  /// The largest certified radius: one of the question's for a sequence, that of the bound itself for a fixed
  /// number of draws; nil if the prediction abstains or is undecided.
  public var radius: Double?
  /// Draws that chose the class.
  public var selectionDraws: Int
  /// The draws of every law that was looked at, in that order.
  public var laws: [Law]

  /// What was drawn of one law.
  public struct Law: Sendable, Hashable, Codable {
    /// Its number.
    public var law: Int
    /// Draws up to the one at which every radius was decided.
    public var draws: Int
    /// The sum of what the candidate got in them: votes, or probabilities.
    public var sum: Double
    /// After how many of its draws each radius that was in question, from the first, was decided; nil if it was not.
    /// Empty for a fixed number of draws, which all radii share.
    public var decided: [Int?] = []
  }

  /// The certified class; nil where none is.
  public var predicted: Int? { certified > 0 ? candidate : nil }
  /// Whether the certified class is right.
  public var isCorrect: Bool { predicted == label }
  /// All draws, of choosing and certifying.
  public var draws: Int { laws.reduce(selectionDraws) { $0 + $1.draws } }

  /// The draws that it would have taken to ask for the radius at a place of the question alone, those that chose the
  /// class among them: the same, as what is drawn does not depend on the question.
  public func draws(on place: Int) -> Int {
    laws.reduce(selectionDraws) { sum, law in
      guard !law.decided.isEmpty else { return sum + law.draws }
      // A law that was looked at after the radius had fallen was not asked for it.
      guard place < law.decided.count else { return sum }
      return sum + (law.decided[place] ?? law.draws)
    }
  }

  /// What is known of the radius at a place of the question.
  public func verdict(on place: Int) -> ThresholdVerdict {
    place < certified ? .atLeast : place < standing ? .open : .below
  }
}
