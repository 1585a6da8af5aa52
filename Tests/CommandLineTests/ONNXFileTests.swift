import Foundation
import TestSupport
import Testing

@Suite("Networks in ONNX, from the command line")
struct ONNXFileTests {
  private func evaluate(_ place: Workplace, _ model: String) throws -> [[String: Any]] {
    let result = try Command(folder: place.folder).run([
      "evaluate", "--model", place.path(model), "--json", "-", "--count", "40", "--attack", "none",
      "--attack", "pgd", "--epsilon", "1/5", "--steps", "3", "--defence", "none", "--defence",
      "mi-ol",
    ])
    try #require(result.status == 0, "\(result.error)")
    let json = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
    return try #require(json as? [[String: Any]])
  }

  @Test(
    "what export writes is evaluated as the checkpoint is, under attack and defence, packed or not")
  func evaluation() throws {
    try Workplace.with { place in
      let model = place.path("model.safetensors")
      let written = try Command().run([
        "export", "--model", model, "--onnx", place.path("net.onnx"),
      ])
      #expect(written.status == 0 && written.output.contains("operator set 17"), "\(written.error)")
      let (first, second) = (
        try evaluate(place, "model.safetensors"), try evaluate(place, "net.onnx")
      )
      try #require(first.count == second.count && first.count >= 4)
      for (checkpoint, graph) in zip(first, second) {
        for name in ["correct", "defence", "attack", "n", "misled"] {
          #expect(
            "\(checkpoint[name] ?? "")" == "\(graph[name] ?? "")", "\(name)")
        }
        #expect(graph["model"] as? String == "net")
        let digests = [checkpoint, graph].map {
          ($0["provenance"] as? [String: Any])?["checkpoint"] as? String
        }
        #expect(digests[0] != digests[1] && digests[1]?.count == 64)
      }
      let again = try Command().run([
        "export", "--model", place.path("net.onnx"), "--onnx", place.path("again.onnx"),
      ])
      #expect(again.status == 0)
      let output = try Command().run(["inspect", place.path("net.onnx")])
      #expect(output.status == 0 && output.error.isEmpty)
      let lines = output.output.split(separator: "\n")
      #expect(lines.contains("images: 1×8×8") && lines.contains("classes: 10"))
      #expect(lines.contains { $0.hasPrefix("operators: ") && $0.contains("Conv") })
      #expect(lines.contains { $0.contains("3×3 convolution") })
      let attack = try Command().run([
        "attack", "--model", place.path("net.onnx"), "--attack", "pgd", "--epsilon", "1/5",
        "--count", "9", "--output", place.path("found.safetensors"),
      ])
      #expect(attack.status == 0 && attack.error.contains("normalization none"), "\(attack.error)")
    }
  }

  @Test("files that are no model, or not all of one, are told in one line")
  func refused() throws {
    try withTemporaryFolder { folder in
      func line(_ name: String, _ bytes: Data, _ options: [String] = []) throws -> String {
        let file = folder.appending(path: name)
        try bytes.write(to: file)
        let result = try Command().run(["inspect", file.path] + options)
        #expect(result.status != 0 && result.output.isEmpty)
        #expect(result.error.split(separator: "\n").count == 1, "\(result.error)")
        return result.error
      }
      #expect(try line("a.onnx", Data("<!DOCTYPE html>".utf8)).contains("page for browsers"))
      #expect(try line("b.onnx", Data("PK\u{3}\u{4}".utf8)).contains("zip"))
      #expect(try line("c.onnx", Data("version https://git-lfs".utf8)).contains("git lfs pull"))
      #expect(try line("d.onnx", Data()).contains("empty"))
      let external = try Fixtures.data("onnx/wide-new-20-external.onnx")
      #expect(
        try line("e.onnx", external).contains("wide-new-20-external.onnx.data, which is not there"))
      let whole = try Fixtures.data("onnx/vgg-old-11-dynamic.onnx")
      #expect(try line("f.onnx", whole.dropLast(9)).contains("no whole ONNX model"))
      // Known by its first bytes whatever it is called.
      #expect(try line("g.bin", whole.dropLast(9)).contains("no whole ONNX model"))
      #expect(try line("h.onnx.gz", Data([0x1F, 0x8B, 8])).contains("gzip"))
      #expect(
        try line("i.onnx", whole, ["--reading", "stem-pooling=none"]).contains("--reading"))
      #expect(
        try line("j.onnx", whole, ["--mean", "0.5", "--std", "0.5"]).contains("3 channels"))
      let result = try Command().run([
        "inspect", folder.appending(path: "i.onnx").path, "--mean", "0.5,0.4,0.3", "--std",
        "1,1,0.5",
      ])
      #expect(result.status == 0 && result.output.contains("given"), "\(result.error)")
    }
  }
}
