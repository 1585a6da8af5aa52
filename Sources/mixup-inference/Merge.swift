import ArgumentParser
import Experiments
import Foundation
import Reporting

struct Merge: Verb {
  static let configuration = CommandConfiguration.verb(
    "Puts the parts of an evaluation together.",
    """
    Takes the folders that `evaluate --store` filled, one for every shard, and prints and writes what \
    one run over all images would have. Where a store holds evaluations that differ in the number of \
    images alone, the largest counts. Stores that differ in checkpoint, plan or seed, missing images and \
    images measured twice are refused.
    """,
    examples: [
      "merge one two --json results.json",
      "merge results --csv results.csv --latex table.tex",
    ])

  @Argument(help: "Folders given to --store.")
  var stores: [String]

  @OptionGroup var files: RecordOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    try files.checkFormat()
    try (files.destinations + [common.json]).check(stores: stores)
    try EvaluationSummary(merging: stores.map { URL(filePath: $0) }).publish(files, common)
  }
}
