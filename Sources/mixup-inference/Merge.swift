import ArgumentParser
import Experiments
import Foundation
import Reporting

struct Merge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Puts the parts of an evaluation together.",
    discussion: """
      Takes the folders that `evaluate --store` filled, one for every shard, and prints and writes what \
      one run over all images would have. Where a store holds evaluations that differ in the number of \
      images alone, the largest counts. Stores that differ in checkpoint, plan or seed, missing images and \
      images measured twice are refused.

      Example: mixup-inference merge one two --json results.json
      """)

  @Argument(help: "Folders given to --store.")
  var stores: [String]

  @OptionGroup var files: RecordOptions

  func run() throws {
    try files.checkFormat()
    try files.destinations.check(stores: stores)
    try EvaluationSummary(merging: stores.map { URL(filePath: $0) }).publish(files)
  }
}
