import Foundation
import TestSupport
import Testing

@Suite("certify")
struct CertifyTests {
  private func certify(_ place: Workplace, _ options: String) throws -> Command.Result {
    let arguments = "certify --model model.safetensors --sigma 0.25 --count 6 --seed 3 \(options)"
    let result = try Command(folder: place.folder).run(
      arguments.split(separator: " ").map(String.init))
    #expect(result.status == 0, "\(result.error)")
    return result
  }

  private func text(_ place: Workplace, _ name: String) throws -> String {
    try String(contentsOf: place.folder.appending(path: name), encoding: .utf8)
  }

  // An untrained network names one class under any noise, so there are certificates.
  @Test(
    "the table, the record and Cohen's table tell of the same images",
    arguments: ["gaussian", "mi-ol --lambda 0.6", "mi-pl --lambda 0.6", "gaussian --votes mean"])
  func outputs(_ defence: String) throws {
    try Workplace.with { place in
      let options = "--defence \(defence) --radii 0,0.125,0.25 --draws 2000"
      let result = try certify(
        place, "\(options) --json record.json --cohen table.tsv --sanity 2")
      for word in [
        "radius (ℓ2)", "certified", "95% interval", "undecided", "infinitely many draws",
        "α = 0.001",
        "no mean radius is given", "certificates: ", "draws, median",
      ] { #expect(result.output.contains(word), "\(word)") }
      let record = try #require(
        JSONSerialization.jsonObject(with: Data(text(place, "record.json").utf8))
          as? [String: Any])
      let images = try #require(record["images"] as? [[String: Any]])
      #expect(images.count == 6)
      #expect(record["seed"] as? Int == 3 && record["level"] as? Double == 0.001)
      #expect(record["lawCount"] as? Int == (defence.hasPrefix("gaussian") ? 1 : 10))
      #expect((record["pool"] as? [String: Any] != nil) == !defence.hasPrefix("gaussian"))
      let rows = try #require(record["radii"] as? [[String: Any]])
      for row in rows {
        let counts = ["correct", "wrong", "refuted", "undecided"].compactMap { row[$0] as? Int }
        #expect(counts.reduce(0, +) == 6 && counts.count == 4)
      }
      let draws = try rows.map { try #require($0["draws"] as? [String: Double]) }
      #expect(draws.allSatisfy { $0.keys.sorted() == ["mean", "median", "most"] })
      for draws in draws {
        #expect(try result.output.contains(String(format: "%.1f", #require(draws["median"]))))
      }
      let lines = try text(place, "table.tsv").split(separator: "\n").map {
        $0.split(separator: "\t").map(String.init)
      }
      #expect(lines[0] == ["idx", "label", "predict", "radius", "correct", "time"])
      #expect(lines.count == 7)
      for (line, image) in zip(lines.dropFirst(), images) {
        #expect(Int(line[0]) == image["index"] as? Int && Int(line[1]) == image["label"] as? Int)
        let certified = try #require(image["certified"] as? Int)
        #expect(Int(line[2]) == (certified > 0 ? image["candidate"] as? Int : -1))
        #expect(Double(line[3]) == (certified > 0 ? image["radius"] as? Double : 0))
        #expect(line[4] == (certified > 0 && line[1] == line[2] ? "1" : "0"))
        #expect(line[5].wholeMatch(of: /\d+:\d\d:\d\d\.\d{6}/) != nil)
      }
      let page = try Command(folder: place.folder).run(
        ["report", "record.json", "--output", "page"])
      #expect(page.status == 0, "\(page.error)")
      #expect(try text(place, "page/index.html").contains("Certified accuracy over the radius"))
      // Any number of threads, and the parts: the same bytes, but for the times.
      _ = try certify(place, "\(options) --json other.json --sanity 2 --threads 3")
      #expect(try text(place, "other.json") == text(place, "record.json"))
      var parts: [String: [String]] = [:]
      for part in 1...2 {
        _ = try certify(place, "\(options) --cohen part.tsv --shard \(part)/2 --threads 1")
        for line in try text(place, "part.tsv").split(separator: "\n").dropFirst() {
          let fields = line.split(separator: "\t").map(String.init)
          parts[fields[0]] = Array(fields.dropLast())
        }
      }
      #expect(parts.count == 6)
      for line in lines.dropFirst() { #expect(parts[line[0]] == Array(line.dropLast())) }
    }
  }

  @Test("a fixed number of draws takes it for every image, and refutes nothing")
  func fixed() throws {
    try Workplace.with { place in
      let result = try certify(place, "--fixed 300 --radii 0,0.25 --json -")
      let record = try #require(
        JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
      let images = try #require(record["images"] as? [[String: Any]])
      for image in images {
        let laws = try #require(image["laws"] as? [[String: Any]])
        #expect(laws.count == 1 && laws[0]["draws"] as? Int == 300)
        #expect(image["standing"] as? Int == 2)
      }
      // What is for people goes elsewhere then.
      #expect(result.error.contains("radius (ℓ2)"))
    }
  }

  @Test("train --noise is told by the checkpoint, and is another training")
  func trainedWithNoise() throws {
    try Workplace.with { place in
      func train(_ options: String) throws -> Command.Result {
        let line =
          "train --method mixup --dataset own.safetensors --epochs 1 --batch-size 10 \(options)"
        return try Command(folder: place.folder).run(line.split(separator: " ").map(String.init))
      }
      let result = try train("--noise 0.25 --output noisy.safetensors")
      #expect(result.status == 0, "\(result.error)")
      #expect(try train("--output plain.safetensors").status == 0)
      let noisy = try Data(contentsOf: place.folder.appending(path: "noisy.safetensors"))
      #expect(String(decoding: noisy.prefix(20_000), as: UTF8.self).contains("\\\"noise\\\":0.25"))
      let plain = try Data(contentsOf: place.folder.appending(path: "plain.safetensors"))
      #expect(!String(decoding: plain.prefix(20_000), as: UTF8.self).contains("noise"))
      let inspected = try Command(folder: place.folder).run(["inspect", "noisy.safetensors"])
      #expect(inspected.output.contains("\"noise\":0.25"))
    }
  }
}
