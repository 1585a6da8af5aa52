import ArgumentParser
import Experiments
import Foundation
import Reporting
import Statistics

/// Where a verb puts a result: a file, or standard output for "-".
struct Destination: ExpressibleByArgument {
  /// The file; nil for standard output.
  fileprivate let file: URL?

  init?(argument: String) { file = argument == "-" ? nil : URL(filePath: argument) }

  var isStandardOutput: Bool { file == nil }

  /// The path of a file without links and "..", by which two names of one file are recognised.
  fileprivate static func place(_ file: URL) -> String {
    file.standardizedFileURL.resolvingSymlinksInPath().path(percentEncoded: false)
  }

  /// Whether it is a file, or will be one, rather than a device.
  fileprivate static func isFile(_ file: URL) -> Bool {
    var status = stat()
    return stat(file.path(percentEncoded: false), &status) != 0
      || status.st_mode & S_IFMT == S_IFREG
  }

  /// Finds out before long work whether the result can be written.
  ///
  /// - Throws: `FileWriteError`.
  func check() throws { if let file { try AtomicFile.check(file) } }

  /// - Throws: `FileWriteError`, and `Failure` for standard output that does not take it.
  func write(_ bytes: Data) throws {
    guard let file else {
      if let code = bytes.withUnsafeBytes({ writeAll($0, to: STDOUT_FILENO) }) {
        throw Failure.output(code)
      }
      return
    }
    try AtomicFile.write(bytes, to: file)
  }
}

extension [Destination?] {
  /// `Destination.check` for all results of a verb, which must not overwrite each other or an input.
  ///
  /// - Parameters:
  ///   - inputs: files that the verb reads.
  ///   - others: files that it writes besides these results.
  ///   - stores: folders of evaluations that it reads or fills.
  ///   - data: a folder with the files of a data set.
  /// - Throws: `Failure` if two results are one place, or one of them a file that is read or written besides, a
  ///   store's own, or one that is there in the folder of the data.
  func check(
    inputs: [String?] = [], others: [URL] = [], stores: [String?] = [], data: String? = nil
  ) throws {
    let given = compactMap(\.self)
    guard given.count(where: \.isStandardOutput) <= 1 else {
      throw Failure.usage("two results cannot both go to standard output; name a file for one")
    }
    let stores = stores.compactMap { $0.map { EvaluationStore(URL(filePath: $0)) } }
    var taken = inputs.compactMap { $0.map { Destination.place(URL(filePath: $0)) } }
    let folders = stores.flatMap(\.folders).map { Destination.place($0) + "/" }
    let dataFolder = data.map { Destination.place(URL(filePath: $0)) + "/" }
    for file in others + stores.flatMap(\.files) + given.compactMap(\.file) {
      let place = Destination.place(file)
      let isData =
        dataFolder.map { place.hasPrefix($0) } == true
        && FileManager.default.fileExists(atPath: place)
      let isTaken = taken.contains(place) || isData || folders.contains { place.hasPrefix($0) }
      // A device such as /dev/null takes as much as comes.
      guard !isTaken || !Destination.isFile(file) else {
        throw Failure.usage(
          "\(file.relativePath) would be overwritten: it is read, or something else is written there; "
            + "name another file")
      }
      taken.append(place)
    }
    for destination in given { try destination.check() }
  }
}

/// Files for an evaluation's records.
struct RecordOptions: ParsableArguments {
  @Option(help: "File for the records, comma-separated values; - for standard output.")
  var csv: Destination?

  @Option(
    help: """
      File for a row for every image behind every defence under every attack: comma-separated values if its name \
      ends in .csv, JSON lines if in .jsonl.
      """)
  var perImage: Destination?

  @Option(
    help: """
      File for accuracy over the radius, comma-separated values, from one search of every attack that looks for the \
      nearest image that misleads (\(AttackName.nearest)); - for standard output.
      """)
  var curve: Destination?

  @Option(help: "File for a plot of accuracy over the radius, SVG; - for standard output.")
  var curvePlot: Destination?

  @Option(
    help: """
      File for the table, LaTeX in the style of booktabs, with this command in its caption; - for standard output.
      """)
  var latex: Destination?

  var destinations: [Destination?] { [csv, perImage, curve, curvePlot, latex] }

  /// Whether accuracy over the radius is asked for.
  var wantsCurves: Bool { curve != nil || curvePlot != nil }

  /// Finds out whether every file is in a format that can be told from its name.
  ///
  /// - Throws: `Failure` for one that is not.
  func checkFormat() throws {
    if let perImage, perImage.format == nil {
      throw Failure.usage(
        "--per-image takes a file whose name ends in .csv or .jsonl, by which its format is chosen")
    }
  }
}

extension Destination {
  /// How rows stand in a file.
  enum Format {
    case commaSeparated, jsonLines
  }

  /// The format that the file's name asks for; nil if its extension is unknown, and for standard output.
  var format: Format? {
    switch file?.pathExtension.lowercased() {
    case "csv": .commaSeparated
    case "jsonl", "ndjson": .jsonLines
    default: nil
    }
  }
}
