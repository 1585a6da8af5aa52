import ArgumentParser
import Experiments
import Foundation
import Reporting

struct Report: Verb {
  static let configuration = CommandConfiguration.verb(
    "Makes a page of result files, and compares runs.",
    """
    Takes what --json of `evaluate`, `merge`, `reproduce`, `certify` and `verify --model` wrote, and shows in one page \
    what each defence keeps, with intervals, whether the sanity suite lets it be quoted, and what the figures rest on; \
    accuracy over radius, steps, restarts and draws, where files differ in one of them alone; certificates beside \
    attacks in ℓ2 on the same network; and where among exact models the network stands. Of \
    several runs (two seeds, two networks, two versions) it says what moved, with intervals for the differences, and \
    what else differs. With the files of --per-image (JSON lines) of both, images are compared one by one.

    Writes index.html, and every figure and table as a file in figures.
    """,
    examples: [
      "report results.json --output page",
      "report evaluated.json certified.json verified.json --output page",
      "report seed1.json seed2.json seed1-images.jsonl \\\nseed2-images.jsonl --output page",
    ])

  @Argument(help: "Files of results.")
  var results: [String]

  @Option(help: "Folder for the page and its figures.")
  var output: String

  @OptionGroup var common: CommonOptions

  /// What --json writes.
  private struct Record: Encodable {
    var page: String
    var runs: [String]
    /// What the page says first.
    var findings: [String]
  }

  func run() throws {
    let folder = URL(filePath: output)
    try [common.json].check(
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
    let report = RunReport(try MeasuredRun.read(files))
    try report.page.write(to: folder)
    let page = folder.appending(path: "index.html").relativePath
    try common.write(
      Record(page: page, runs: report.names, findings: report.findings))
    common.say(
      "\(report.findings.map { "- \($0)\n" }.joined())\nWritten: \(page), figures/")
  }
}
