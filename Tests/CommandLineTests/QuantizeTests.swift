import Foundation
import NeuralNetwork
import Testing

@Suite("int8 on the command line")
struct QuantizeTests {
  @Test("a calibrated file is evaluated in int8, checked or in float32, compared and inspected")
  func roundTrip() throws {
    try Workplace.with { place in
      let command = Command(folder: place.folder)
      let made = try command.run([
        "quantize", "--model", "model.safetensors", "--images", "40", "--output",
        "int8.safetensors",
      ])
      #expect(made.status == 0, "\(made.error)")
      #expect(made.output.contains("least-squares over 40 training images"))
      let inspected = try command.run(["inspect", "int8.safetensors"])
      #expect(inspected.output.contains("int8: 9 activations in bytes"), "\(inspected.output)")

      func evaluated(_ model: String, _ more: String...) throws -> Command.Result {
        try command.run(["evaluate", "--model", model, "--count", "6"] + more)
      }
      let own = try evaluated("int8.safetensors")
      #expect(own.status == 0 && own.output.contains("int8 int8"), "\(own.output)\(own.error)")
      let checked = try evaluated("int8.safetensors", "--arithmetic", "int8-checked")
      #expect(checked.status == 0 && checked.output.contains("int8-checked"), "\(checked.error)")
      let exact = try evaluated("int8.safetensors", "--arithmetic", "float32", "--json", "a.json")
      #expect(exact.status == 0, "\(exact.error)")
      let bare = try evaluated("model.safetensors", "--json", "b.json")
      #expect(bare.status == 0, "\(bare.error)")
      // In float32 it is the same model, but for its name and its file.
      func digest(_ name: String) throws -> Substring {
        let text = try String(contentsOf: place.folder.appending(path: name), encoding: .utf8)
        return try #require(text.firstMatch(of: /"checkpoint(?:Digest)?" ?: ?"([0-9a-f]{64})"/)).1
      }
      #expect(try digest("a.json") == digest("b.json"))

      let refused = try evaluated(
        "int8.safetensors", "--attack", "pgd", "--steps", "1", "--epsilon", "1/8")
      #expect(refused.status == 64 && refused.error.contains("gives none"), "\(refused.error)")
      let followed = try evaluated(
        "int8.safetensors", "--attack", "pgd", "--steps", "1", "--epsilon", "1/8", "--gradient",
        "float32")
      #expect(followed.status == 0, "\(followed.error)")

      let compared = try command.run([
        "compare", "--model", "int8.safetensors", "--count", "5", "--samples", "2",
      ])
      #expect(compared.status == 0, "\(compared.error)")
      for words in ["label as float32", "int8-checked", "mi-ol"] {
        #expect(compared.output.contains(words), "\(compared.output)")
      }
    }
  }

  @Test("what cannot be done in int8 ends with one line and the right status")
  func mistakes() throws {
    try Workplace.with { place in
      let command = Command(folder: place.folder)
      let quantize = ["quantize", "--model", "model.safetensors", "--output", "int8.safetensors"]
      let checkpoint = try Checkpoint(
        Data(contentsOf: place.folder.appending(path: "model.safetensors")))
      var silu = checkpoint
      silu.architecture.details.activation = .silu
      try silu.encoded().write(to: place.folder.appending(path: "silu.safetensors"))
      let made = try command.run(quantize + ["--images", "20"])
      #expect(made.status == 0, "\(made.error)")
      var file = try Safetensors(
        Data(contentsOf: place.folder.appending(path: "int8.safetensors")))
      let calibration = try #require(file.metadata["quantization"])
      file.metadata["quantization"] = calibration.replacing(
        /"scale":[^,]*/, with: "\"scale\":0", maxReplacements: 1)
      try file.encoded().write(to: place.folder.appending(path: "zero.safetensors"))
      file.metadata["quantization"] = String(calibration.dropLast(5))
      try file.encoded().write(to: place.folder.appending(path: "cut.safetensors"))

      let mistakes: [([String], Int32, String)] = [
        (quantize + ["--images", "0"], 64, "--images is 0"),
        (quantize + ["--method", "guess"], 64, "--method takes one of"),
        (
          ["quantize", "--model", "silu.safetensors", "--output", "new.safetensors"], 65,
          "1.0.conv1 (SiLU)"
        ),
        (
          ["quantize", "--model", "model.safetensors", "--output", "model.safetensors"], 64,
          "overwritten"
        ),
        (["evaluate", "--model", "zero.safetensors"], 65, "the scale of stem is 0.0"),
        (["evaluate", "--model", "cut.safetensors"], 65, "under \"quantization\""),
        (
          ["evaluate", "--model", "model.safetensors", "--arithmetic", "int8"], 64,
          "model.safetensors: the model was not calibrated for int8; make a file that is with `quantize`"
        ),
        (
          ["evaluate", "--model", "model.safetensors", "--arithmetic", "int4"], 64,
          "int8-checked"
        ),
        (
          ["evaluate", "--model", "int8.safetensors", "--gradient", "int8"], 64, "it is float32"
        ),
        (["evaluate", "--model-command", "cat", "--arithmetic", "int8"], 64, "about checkpoints"),
        (
          ["compare", "--model", "model.safetensors"], 64,
          "model.safetensors: the model was not calibrated"
        ),
        (["compare", "--model", "int8.safetensors", "--samples", "0"], 64, "from 1 to 1000"),
      ]
      for (arguments, status, says) in mistakes {
        let result = try command.run(arguments)
        #expect(result.status == status && result.error.contains(says), "\(arguments) \(result)")
        #expect(result.error.split(separator: "\n").count == 1, "\(result.error)")
      }
      #expect(
        !FileManager.default.fileExists(
          atPath: place.folder.appending(path: "new.safetensors").path(percentEncoded: false)))
    }
  }
}
