import ArgumentParser
import Experiments
import Foundation
import Reporting

struct Merge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Puts the parts of an evaluation together.",
    discussion: """
      Takes the folders that `evaluate --store` filled, one for every shard, and prints and writes what \
      one run over all images would have. Stores of another checkpoint, plan or seed, missing images \
      and images measured twice are refused.

      Example: mixup-inference merge one two --json results.json
      """)

  @Argument(help: "Folders given to --store.")
  var stores: [String]

  @Option(help: "File for the records, a JSON array.")
  var json: String?

  @Option(help: "File for the records, a table with commas.")
  var csv: String?

  func run() throws {
    for file in [json, csv].compactMap(\.self) { try AtomicFile.check(URL(filePath: file)) }
    let results = try EvaluationStore.merged(stores.map { EvaluationStore(URL(filePath: $0)) })
    try EvaluationSummary(results).publish(json: json, csv: csv)
  }
}
