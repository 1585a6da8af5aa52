import Reporting
import Robustness
import Statistics
import Training

extension ReproductionReport {
  /// A published claim that one cell of the table is more accurate than another. It is from the paper's
  /// tables, or from those who broke the defence.
  package struct Claim: Sendable {
    /// What is done to the images.
    package enum Column: Sendable {
      case clean
      /// PGD of the fewest steps.
      case untargeted
      case targeted
      /// PGD through the defence, for which the paper has no column.
      case adaptive
    }

    /// A cell of the table.
    package struct Place: Sendable {
      package var method: TrainingMethod
      package var defence: DefenceName
      package var column: Column

      package init(_ method: TrainingMethod, _ defence: DefenceName, _ column: Column = .untargeted)
      {
        self.method = method
        self.defence = defence
        self.column = column
      }
    }

    package var text: String
    package var lower: Place
    package var higher: Place
    /// The figures and who published them, for a claim that is not from the paper's tables.
    package var source: String?
  }

  package static let claims: [Claim] = {
    let interpolated = TrainingMethod.interpolatedAdversarial
    return [
      Claim(
        text: "MI-OL wins on the mixup network", lower: .init(.mixup, .none),
        higher: .init(.mixup, .otherLabel)),
      Claim(
        text: "MI-OL on mixup costs clean accuracy", lower: .init(.mixup, .otherLabel, .clean),
        higher: .init(.mixup, .none, .clean)),
      Claim(
        text: "MI-OL beats Gaussian noise on mixup", lower: .init(.mixup, .gaussianNoise),
        higher: .init(.mixup, .otherLabel)),
      Claim(
        text: "MI-OL beats rotation on mixup", lower: .init(.mixup, .rotation),
        higher: .init(.mixup, .otherLabel)),
      Claim(
        text: "crop and resize beats MI-OL on mixup", lower: .init(.mixup, .otherLabel),
        higher: .init(.mixup, .cropAndResize)),
      Claim(
        text: "MI-Combined beats MI-OL on mixup", lower: .init(.mixup, .otherLabel),
        higher: .init(.mixup, .combined)),
      Claim(
        text: "MI-OL needs a network trained with mixup", lower: .init(.plain, .otherLabel),
        higher: .init(.mixup, .otherLabel)),
      Claim(
        text: "MI-OL wins on interpolated AT", lower: .init(interpolated, .none),
        higher: .init(interpolated, .otherLabel)),
      Claim(
        text: "MI-OL beats crop and resize on interpolated AT",
        lower: .init(interpolated, .cropAndResize), higher: .init(interpolated, .otherLabel)),
      Claim(
        text: "MI-OL does better on interpolated AT than on AT",
        lower: .init(.adversarial, .otherLabel), higher: .init(interpolated, .otherLabel)),
      Claim(
        text: "MI-OL on interpolated AT resists random targets better",
        lower: .init(interpolated, .otherLabel), higher: .init(interpolated, .otherLabel, .targeted)
      ),
      Claim(
        text: "an attacker who knows MI-OL on interpolated AT takes back",
        lower: .init(interpolated, .otherLabel, .adaptive),
        higher: .init(interpolated, .otherLabel),
        source: "44.0 < 58.5, Tramèr et al., 2020, on CIFAR-10"),
      Claim(
        text: "an attacker who knows MI-OL on mixup takes back",
        lower: .init(.mixup, .otherLabel, .adaptive), higher: .init(.mixup, .otherLabel),
        source: "–"),
    ]
  }()

  /// Every claim with what was measured, at the radius of the figures and at the paper's.
  var agreementTable: Table {
    Table(
      columns: ["claim", "published, %", "ε", "here, %", "difference", "agrees"],
      rows: Self.claims.flatMap { claim in
        radii(of: claim).compactMap { epsilon -> [Table.Cell]? in
          guard let lower = result(claim.lower, epsilon), let higher = result(claim.higher, epsilon)
          else { return nil }
          let pairs = PairedOutcomes(
            higher.outcomes.map(\.isCorrect), lower.outcomes.map(\.isCorrect))
          let likely = pairs.differenceInterval()
          let verdict: Table.Cell =
            likely.lower > 0
            ? Table.Cell("yes", .good)
            : likely.upper < 0 ? Table.Cell("no", .bad) : "not decided"
          func text(_ share: Double) -> String { fixed(100 * share, decimals: 1) }
          return [
            Table.Cell(claim.text), Table.Cell(claim.source ?? figures(of: claim) ?? "–"),
            Table.Cell("\(epsilon)"),
            Table.Cell("\(text(pairs.second.value)), \(text(pairs.first.value))"),
            Table.Cell(interval(pairs.difference, likely, decimals: 1, scale: 100)),
            verdict,
          ]
        }
      })
  }

  /// Both of the paper's figures; nil where its table lacks one.
  private func figures(of claim: Claim) -> String? {
    guard let lower = published?[claim.lower], let higher = published?[claim.higher] else {
      return nil
    }
    return "\(fixed(lower, decimals: 1)) < \(fixed(higher, decimals: 1))"
  }

  private func radii(of claim: Claim) -> [Epsilon] {
    let own = settings.figureEpsilon(claim.higher.method)
    let paper = settings.epsilons.filter { $0.description == PublishedTable.epsilon }
    return [own] + paper.filter { $0 != own }
  }

  private func result(_ place: Claim.Place, _ epsilon: Epsilon) -> JobResult? {
    let attack =
      switch place.column {
      case .clean: AttackDescription.none
      case .untargeted: settings.oblivious(epsilon)
      case .targeted:
        AttackDescription(
          AttackName(.targetedPGD), epsilon: epsilon, steps: settings.referenceSteps)
      case .adaptive: settings.adaptive(epsilon)
      }
    return network(place.method)?.table[place.defence, attack]
  }
}

extension PublishedTable {
  /// The paper's figure for a claim's cell, under attacks of the fewest steps.
  package subscript(_ place: ReproductionReport.Claim.Place) -> Double? {
    let row = self[place.method, place.defence]
    switch place.column {
    case .clean: return row?.clean
    case .untargeted: return row?.untargeted.first
    case .targeted: return row?.targeted.first ?? nil
    case .adaptive: return nil
    }
  }
}
