import Foundation
import TestSupport
import Testing

@Suite("Accuracy over the radius on the command line")
struct CurveTests {
  private static let attacks = [
    "--defence", "none", "--defence", "mi-ol", "--attack", "fmn", "--attack", "adaptive-fmn",
    "--norm", "l2",
    "--steps", "6", "--draws", "3", "--attack-draws", "2", "--scores", "4", "--count", "9",
  ]

  @Test("one run without a radius writes table and plot, the same by parts and from any threads")
  func written() throws {
    try Workplace.with { place in
      let command = Command(folder: place.folder)
      func run(_ arguments: [String]) throws {
        let result = try command.run(arguments)
        #expect(result.status == 0, "\(result.error)")
      }
      func evaluate(_ more: [String]) throws {
        try run(["evaluate", "--model", "model.safetensors"] + Self.attacks + more)
      }
      func bytes(_ name: String) throws -> Data {
        try Data(contentsOf: place.folder.appending(path: name))
      }
      try evaluate([
        "--threads", "1", "--curve", "whole.csv", "--curve-plot", "whole.svg", "--json",
        "whole.json",
      ])
      for (part, threads) in [("1/2", "2"), ("2/2", "3")] {
        // The images as they are have to be asked for where no curve is.
        try evaluate([
          "--attack", "none", "--store", "part\(part.prefix(1))", "--shard", part, "--threads",
          threads,
        ])
      }
      try run(["merge", "part1", "part2", "--curve", "merged.csv", "--curve-plot", "merged.svg"])
      let whole = try String(decoding: bytes("whole.csv"), as: UTF8.self)
      let lines: [[Substring]] = whole.split(separator: "\n").map { $0.split(separator: ",") }
      #expect(Set(lines.dropFirst().map { "\($0[1]) \($0[2])" }).count == 6)
      // Every curve begins at 0 and ends at the usual radius, farther than images are apart.
      #expect(lines.count { $0[4] == "0.0" } == 6 && lines.count { $0[4] == "1000.0" } == 6)
      #expect(try String(decoding: bytes("whole.svg"), as: UTF8.self).hasPrefix("<svg"))
      // Merged are the same jobs in another order.
      #expect(
        try String(decoding: bytes("merged.csv"), as: UTF8.self).split(separator: "\n").sorted()
          == whole.split(separator: "\n").sorted())
      let records = try #require(
        JSONSerialization.jsonObject(with: bytes("whole.json")) as? [[String: Any]])
      for record in records where (record["attack"] as? String)?.hasSuffix("fmn") == true {
        let nearest = try #require(record["nearest"] as? [String: Any])
        #expect((nearest["distances"] as? [Any])?.count == 9)
        #expect(nearest["backwardPasses"] as? Double ?? 0 > 0)
      }
    }
  }

  @Test("what cannot be told is refused in one line, before anything is written")
  func refused() throws {
    try Workplace.with { place in
      let command = Command(folder: place.folder)
      for (options, reason) in [
        (
          ["--attack", "pgd", "--epsilon", "1/10", "--curve", "c.csv"],
          "looks for the nearest image"
        ),
        (["--curve-plot", "c.svg"], "looks for the nearest image"),
        (["--attack", "ddn", "--norm", "linf", "--curve", "c.csv"], "ddn needs the norm l2"),
        (["--attack", "fmn", "--curve", "c.csv", "--json", "c.csv"], "would be overwritten"),
        (["--attack", "fmn", "--steps", "0", "--curve", "c.csv"], "the number of steps is 0"),
      ] {
        let result = try command.run(
          ["evaluate", "--model", "model.safetensors", "--count", "2"] + options)
        #expect(result.status == 64 && result.error.contains(reason), "\(result.error)")
        #expect(result.error.split(separator: "\n").count == 1, "\(result.error)")
      }
      #expect(try names(in: place.folder).filter { $0.hasPrefix("c.") } == [])
    }
  }
}
