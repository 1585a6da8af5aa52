import Datasets
import Testing
import Training

import Experiments

@Suite("The paper's tables")
struct PublishedTableTests {
  @Test(
    "have one row for a defence, of accuracies that fall with the attack's steps",
    arguments: [
      Dataset.cifar10, .cifar100,
    ])
  func rows(_ dataset: Dataset) throws {
    let table = try #require(PublishedTable(dataset))
    #expect(Set(table.rows.map { "\($0.method) \($0.defence)" }).count == table.rows.count)
    for row in table.rows {
      #expect(row.method.defences.contains(row.defence))
      #expect(row.untargeted.count == 3 && row.targeted.count == 3)
      #expect(row.untargeted == row.untargeted.sorted(by: >))
      #expect(row.clean > row.untargeted[0] && row.clean <= 100)
      let targeted = row.targeted.compactMap(\.self)
      #expect(targeted == targeted.sorted(by: >))
    }
  }

  // A claim said the wrong way round would be called refuted by whoever finds the same as the paper.
  @Test("have every claim that is said to be theirs, on both data sets")
  func claims() throws {
    for dataset in [Dataset.cifar10, .cifar100] {
      let table = try #require(PublishedTable(dataset))
      var compared = 0
      for claim in ReproductionReport.claims where claim.source == nil {
        guard let lower = table[claim.lower], let higher = table[claim.higher] else {
          // CIFAR-100 has no ablations.
          #expect(dataset.name == Dataset.cifar100.name && claim.lower.method != .mixup)
          continue
        }
        compared += 1
        #expect(lower < higher, "\(claim.text)")
      }
      #expect(compared > 0)
    }
    #expect(PublishedTable(.digits) == nil)
  }
}
