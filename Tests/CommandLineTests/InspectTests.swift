import Foundation
import NeuralNetwork
import TestSupport
import Testing

@Suite("mixup-inference inspect")
struct InspectTests {
  private func inspect(_ path: String) throws -> String {
    let result = try Command().run(["inspect", path])
    #expect(result.status == 0 && result.error.isEmpty, "\(result.error)")
    return result.output
  }

  @Test("A checkpoint of this package: digest, network, scale, and a line for every tensor")
  func own() throws {
    try Workplace.with { place in
      let output = try inspect(place.path("model.safetensors"))
      let bytes = try Data(contentsOf: place.folder.appending(path: "model.safetensors"))
      let lines = output.split(separator: "\n")
      #expect(lines.contains("bytes: \(bytes.count)"))
      #expect(lines.contains("SHA-256: \(sha256(bytes))"))
      #expect(
        lines.contains(
          """
          network: residual network of 8 layers: 1, 1, 1 basic blocks of widths 16, 32, 64, first \
          kernel 3×3, shortcuts by projection, 10 classes
          """))
      #expect(lines.contains("parameters: 77754") && lines.contains("images: 1×8×8"))
      #expect(lines.contains("normalization: mean 0.5, standard deviation 0.5"))
      for name in try Checkpoint(bytes).tensors.keys {
        #expect(lines.contains { $0.hasPrefix(name + " ") }, "\(name)")
      }
    }
  }

  @Test(
    "State dicts of other code are recognised, with their types and names",
    arguments: [
      ("official", "F32", "names: fc_dense, downsample (official)", 2 + 3 * 4),
      ("torchvision", "F64", "names: fc, downsample (torchvision)", 2 + 2 * 5),
      ("kuangliu", "F16", "names: linear, shortcut (cifar)", 2 + 2 * 5),
      ("akamaster", "BF16", "names: linear, shortcut, module. in front (cifar)", 2 + 2 * 4),
    ])
  func foreign(_ style: String, _ type: String, _ names: String, _ layers: Int) throws {
    let file = Fixtures.folder.appending(path: "checkpoints/\(style).safetensors")
    let output = try inspect(file.path(percentEncoded: false))
    let lines = output.split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("network: residual network of \(layers) layers: ") })
    #expect(lines.contains { $0 == names })
    let stem = lines.first { $0.contains("conv1.weight") && !$0.contains("layer") }
    #expect(stem?.contains(" \(type) ") == true)
    #expect(output.contains("num_batches_tracked") && output.contains(" I64 "))
    let scale = lines.first { $0.hasPrefix("normalization: ") }
    #expect(
      scale
        == (style == "akamaster"
          ? "normalization: mean 0.4914, 0.4822, 0.4465, standard deviation 0.247, 0.2435, 0.2616"
          : "normalization: not in the file; give --mean and --std to `evaluate`"))
  }

  @Test("Tensors that are no network are listed, with the reason why they are none")
  func noNetwork() throws {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "x.safetensors")
      let tensors = ["a\u{1B}[31m\nb": Tensor(shape: [2, 3]), "s": Tensor(shape: [])]
      try Safetensors(tensors: tensors, metadata: ["k\nk": "v\rv"]).encoded().write(to: file)
      let output = try inspect(file.path(percentEncoded: false))
      #expect(output.contains("network: not recognised: no dense layer"))
      #expect(output.contains("metadata k k: v v\n") && output.contains("a [31m b"))
      #expect(output.contains("2×3") && !output.contains("\u{1B}"))
    }
  }

  @Test("A state dict of other code is evaluated, with its own normalisation or a given one")
  func evaluated() throws {
    try Workplace.with { place in
      func correct(_ arguments: [String]) throws -> Int {
        let json = place.folder.appending(path: "records.json")
        let result = try Command(folder: place.folder).run(
          ["evaluate", "--json", json.path(percentEncoded: false)] + arguments)
        #expect(result.status == 0, "\(result.error)")
        let records = try JSONSerialization.jsonObject(with: Data(contentsOf: json))
        let first = try #require((records as? [[String: Any]])?.first)
        return try #require(first["correct"] as? Int)
      }
      // The same network with and without the words that say which it is.
      let digits = ["--count", "300", "--mean", "0.5", "--std", "0.5", "--model"]
      #expect(
        try correct(digits + [place.path("nameless.safetensors")])
          == correct(digits + [place.path("model.safetensors")]))
      for (style, scale) in [
        ("akamaster", []), ("kuangliu", ["--mean", "0,0,0", "--std", "1,1,1"]),
      ] {
        let file = Fixtures.folder.appending(path: "checkpoints/\(style).safetensors")
        let count = try correct(
          ["--dataset", "cifar10", "--data", place.path("cifar"), "--model"]
            + [file.path(percentEncoded: false)] + scale)
        #expect(0...2 ~= count)
      }
    }
  }
}
