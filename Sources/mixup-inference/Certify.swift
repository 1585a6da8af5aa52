import ArgumentParser
import Experiments
import Foundation
import Reporting
import Robustness

struct Certify: Verb {
  static let configuration = CommandConfiguration.verb(
    "Certifies predictions: no change within a radius in ℓ2 can alter them.",
    """
    By randomised smoothing: the model is asked under Gaussian noise, with or without mixup inference before \
    it, and the share of draws that name a class bounds how far an attacker has to go. A certificate is false \
    with probability --alpha at most, image by image, whatever the radii are. It is one of the prediction of \
    infinitely many draws, which abstains where no class has more than half of them. Networks that were \
    not trained with noise (`train --noise`) mostly abstain. Behind mi-ol and mi-pl it holds for the mixing partners \
    of every label that an attacker could make the network predict.

    Draws end as soon as every radius of --radii is decided. --fixed takes so many draws for every image instead, \
    with a bound for that number, as Cohen et al. do.
    """,
    examples: [
      "certify --model noisy.safetensors --sigma 0.25 \\\n--radii 0,0.125,0.25 --count 500 --cohen certificates.tsv",
      "certify --model noisy.safetensors --defence mi-ol --lambda 0.5 \\\n--sigma 0.25 --sanity 50 --json certified.json",
    ], isLong: true)

  @OptionGroup var subject: SubjectOptions
  @OptionGroup var dataset: DatasetOptions

  @Option(help: "gaussian, mi-ol or mi-pl; usually gaussian.")
  var defence: [String] = []

  @Option(
    name: .customLong("lambda"),
    help: "λ of mi-ol and mi-pl: the share of the input itself in a mixture; usually 0.5.")
  var lambda: String?

  @Option(help: "σ of the Gaussian noise on the pixel scale, behind the mixing if there is any.")
  var sigma: Double

  @Option(
    help: "α: the largest probability of a false certificate, for each image; usually 0.001.")
  var alpha = 0.001

  @Option(
    help: """
      Radii in question, on the pixel scale, rising, with commas between them; 0 asks whether the prediction \
      abstains. One radius takes fewest draws. 0, ½, 1, 1½ and 2 times σ unless given.
      """)
  var radii: String?

  @Option(
    help: """
      What a draw counts for: \(names(Certification.Votes.allCases)): the class that is named, or its probability.
      """)
  var votes = Certification.Votes.hard.rawValue

  @Option(help: "The most draws of an image, for every label's partners; usually 100000.")
  var draws: Int?

  @Option(help: "A fixed number of draws in place of as many as the radii need.")
  var fixed: Int?

  @Option(help: "Test images, from the first; all unless given.")
  var count: Int?

  @Option(help: "Which part of the images to certify, such as 2/4.")
  var shard: String?

  @Option(
    help: "On how many images certificates are attacked within their radii, to see that they hold.")
  var sanity: Int?

  @Option(help: "Seed of everything random.")
  var seed: UInt64 = 1

  @Option(
    help: """
      File for a line of every image, tab-separated: idx, label, predict, radius, correct, time, as locuslab/smoothing \
      has them; - for standard output. The time is the only figure that differs from run to run.
      """)
  var cohen: Destination?

  @OptionGroup var machine: MachineOptions
  @OptionGroup var common: CommonOptions
  @OptionGroup var profile: ProfileOptions

  func run() throws {
    guard defence.count <= 1 else { throw Failure.usage("certify takes one --defence") }
    let name = try defence.first.map { try named($0, "--defence") } ?? DefenceName.gaussianNoise
    var flags = GivenFlags([("lambda", lambda)])
    let description = try DefenceDescription(name, from: &flags)
    let smoothed = try SmoothedDefence(description, sigma: sigma)
    if flags.untaken != nil {
      throw Failure.usage("--lambda says nothing here: \(name.rawValue) does not mix; leave it out")
    }
    guard draws == nil || fixed == nil else {
      throw Failure.usage("--draws is the most that a sequence takes; leave it out beside --fixed")
    }
    if let sanity, !(1...1_000_000 ~= sanity) {
      throw Failure.usage("--sanity is \(sanity); give a number of images")
    }
    let votes: Certification.Votes = try named(votes, "--votes")
    let rule: Certification.Rule =
      fixed.map { .fixed(count: $0) } ?? .sequence(limit: draws ?? 100_000)
    let certification = try Certification(
      seed: seed, level: alpha,
      radii: radii.map(numbers) ?? [0, 0.5, 1, 1.5, 2].map { $0 * sigma }, votes: votes,
      rule: rule)
    let shard = try self.shard.map { try Shard($0) } ?? .whole
    try [common.json, cohen].check(
      inputs: [subject.model, dataset.file], others: profile.files, data: dataset.data)
    let set = try dataset.described()
    let model = try subject.required(for: set.imageShape)
    let data = try dataset.load(set, seed: model.splitSeed)
    let run = CertificationRun(
      defence: smoothed, certification: certification, count: count, shard: shard,
      execution: try machine.execution(),
      progress: common.progress(
        advice: Interruption.nothingIsKept + "; --shard makes shorter runs"))
    let summary = try profile.profiled("certify", machine) {
      try run.run(model, on: data, dataset: set, sanityCount: sanity)
    }
    if shard != .whole { common.say("part \(shard) of the images alone", beside: [cohen]) }
    try common.json?.write(summary.json())
    try cohen?.write(Data(summary.cohenTable.utf8))
    common.say(summary, beside: [cohen])
  }

  private func numbers(_ text: String) throws -> [Double] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let number = Double($0) else {
        throw Failure.usage("--radii is \(text); give numbers with commas between them")
      }
      return number
    }
  }
}
