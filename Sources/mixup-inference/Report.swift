import ArgumentParser
import Experiments
import Foundation
import Reporting

struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a page of result files, and compares runs.",
    discussion: """
      Takes what --json of `evaluate`, `merge`, `reproduce` and `certify` wrote, and shows in one page what each \
      defence keeps, with intervals, whether the sanity suite lets it be quoted, and what the figures rest on. Of \
      several runs (two seeds, two networks, two versions) it says what moved, with intervals for the differences, and \
      what else differs. With the files of --per-image (JSON lines) of both, images are compared one by one.

      Writes index.html, and every figure and table as a file in figures.

      Example: mixup-inference report results.json --output page
      Example: mixup-inference report seed1.json seed2.json seed1-images.jsonl seed2-images.jsonl --output page
      """)

  @Argument(help: "Files of results.")
  var results: [String]

  @Option(help: "Folder for the page and its figures.")
  var output: String

  func run() throws {
    let folder = URL(filePath: output)
    try [Destination?]().check(
      inputs: results, others: [folder.appending(path: "index.html")])
    var names = Set<String>()
    let files = try results.map { path in
      let file = URL(filePath: path)
      // Two runs of one name are told apart by where they are.
      let name = names.insert(file.lastPathComponent).inserted ? file.lastPathComponent : path
      do { return (name: name.printable, data: try Data(contentsOf: file)) } catch {
        throw Failure.file("\(path) cannot be read; give a file of results")
      }
    }
    let page = RunReport(try MeasuredRun.read(files)).page
    try page.write(to: folder)
    show("Written: \(folder.appending(path: "index.html").relativePath), figures/")
  }
}
