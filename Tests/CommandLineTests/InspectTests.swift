import Classification
import Datasets
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

  @Test(
    "A data set, by its name or its file: extents, network, identities, and a line for every label")
  func datasets() throws {
    let embedded = try inspect("digits").split(separator: "\n")
    let (training, test) = try Dataset.digits.files()
    #expect(embedded.contains("data set: digits") && embedded.contains("images: 1×8×8"))
    for (part, images) in [("training", training), ("test", test)] {
      #expect(embedded.contains("identity of the \(part) images: \(images.identity)"))
      #expect(embedded.contains("\(part) images: \(images.count), of which 0 repeat another"))
    }
    // 376 and 178 as the data set's own description counts them.
    #expect(embedded.contains { $0.split(separator: " ") == ["0", "0", "376", "178"] })

    let own = Fixtures.folder.appending(path: "datasets/floats.safetensors").path
    let lines = try inspect(own).split(separator: "\n")
    #expect(lines.contains("data set: floats.safetensors") && lines.contains("classes: 10"))
    let labels = training.labels[0..<40].count { $0 == 7 }
    let tests = test.labels[0..<20].count { $0 == 7 }
    #expect(lines.contains { $0.split(separator: " ") == ["7", "seven", "\(labels)", "\(tests)"] })

    try Workplace.with { place in
      let lines = try inspect(place.path("own.safetensors")).split(separator: "\n")
      // 37 is odd, so that four images of 64 bytes have gone through all 256.
      #expect(lines.contains("training images: 20, of which 16 repeat another"))
      #expect(lines.contains("test images among the training images: 2"))
    }
  }

  @Test("A checkpoint of this package: digest, network, scale, and a line for every tensor")
  func own() throws {
    try Workplace.with { place in
      let output = try inspect(place.path("model.safetensors"))
      let bytes = try Data(contentsOf: place.folder.appending(path: "model.safetensors"))
      let lines = output.split(separator: "\n")
      #expect(lines.contains("bytes: \(bytes.count)"))
      #expect(lines.contains("SHA-256 of the file: \(sha256(bytes))"))
      let identity = try #require(CheckpointFile(bytes).identity)
      #expect(lines.contains("identity: \(identity)"))
      #expect(
        lines.contains(
          """
          network: residual network of 8 layers: 1, 1, 1 basic blocks of widths 16, 32, 64, first \
          kernel 3×3, shortcuts by projection, 10 classes
          """))
      #expect(lines.contains("parameters: 77754") && lines.contains("images: 1×8×8"))
      #expect(
        lines.contains(
          "normalization: mean 0.5, standard deviation 0.5, from the file's metadata"))
      // Nothing is assumed of a file of this package.
      #expect(!output.contains("reading "))
      for name in try Checkpoint(bytes).tensors.keys {
        #expect(lines.contains { $0.hasPrefix(name + " ") }, "\(name)")
      }
    }
  }

  @Test(
    "State dicts of other code are recognised, with their types and names",
    arguments: [
      ("official", "F32", "names: layer1.0.conv1, downsample.0, fc_dense", 2 + 3 * 4),
      ("torchvision", "F64", "names: layer1.0.conv1, downsample.0, fc", 2 + 2 * 5),
      ("kuangliu", "F16", "names: layer1.0.conv1, shortcut.0, linear", 2 + 2 * 5),
      (
        "akamaster", "BF16", "names: layer1.0.conv1, downsample.0, linear, module. in front",
        2 + 2 * 4
      ),
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
      scale.map(String.init)
        == (style == "akamaster"
          ? "normalization: mean 0.4914, 0.4822, 0.4465, standard deviation 0.247, 0.2435, 0.2616, from "
            + "the file's metadata"
          : "normalization: not in the file; give --mean and --std"))
    for question in ["activation", "block-order", "class-order", "pixel-range", "stem-pooling"] {
      #expect(lines.contains { $0.hasPrefix("reading \(question): ") }, "\(question)")
    }
    #expect(!output.contains("AMBIGUOUS"))
    #expect(output.contains("UNDECIDED") == (style == "torchvision"))
    #expect(output.contains("rounded: F64") == (style == "torchvision"))
  }

  @Test("With a scaling and readings on the command line a state dict has an identity")
  func completed() throws {
    let file = Fixtures.folder.appending(path: "checkpoints/torchvision.safetensors")
    let result = try Command().run([
      "inspect", file.path(percentEncoded: false), "--mean", "0.4914,0.4822,0.4465", "--std",
      "0.2023,0.1994,0.201", "--reading", "stem-pooling=none",
    ])
    #expect(result.status == 0 && result.error.isEmpty)
    // That of fixtures/checkpoints/identities.json.
    #expect(
      result.output.contains(
        "identity: 716f4795a9a6e62f6ab479d3e39d8f4419e770ef601807cb56ddc3959867d95a\n"))
    #expect(result.output.contains("from what was given") && !result.output.contains("UNDECIDED"))
  }

  @Test("Tensors that are no network are listed, with the reason why they are none")
  func noNetwork() throws {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "x.safetensors")
      let tensors = ["a\u{1B}[31m\nb": Tensor(shape: [2, 3]), "s": Tensor(shape: [])]
      try Safetensors(tensors: tensors, metadata: ["k\nk": "v\rv"]).encoded().write(to: file)
      let output = try inspect(file.path(percentEncoded: false))
      #expect(output.contains("network: not recognised: no dense layer"))
      #expect(output.contains("metadata k\\u{A}k: v\\u{D}v\n"))
      #expect(output.contains("a\\u{1B}[31m\\u{A}b"))
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
          == correct(["--count", "300", "--model", place.path("model.safetensors")]))
      let data = place.folder.appending(path: "ten")
      try FileManager.default.createDirectory(at: data, withIntermediateDirectories: false)
      let labels = (0..<180).map { UInt8($0 % 10) }
      try writeCIFAR10(
        training: Array(repeating: Array(labels[..<10]), count: 5), test: labels, in: data)
      for (style, scale) in [
        ("akamaster", []), ("kuangliu", ["--mean", "0,0,0", "--std", "1,1,1"]),
      ] {
        let file = Fixtures.folder.appending(path: "checkpoints/\(style).safetensors")
        let count = try correct(
          ["--dataset", "cifar10", "--data", place.path("ten"), "--model"]
            + [file.path(percentEncoded: false)] + scale)
        let given =
          scale.isEmpty
          ? nil : try Normalization(mean: [0, 0, 0], standardDeviation: [1, 1, 1])
        let classifier = try NetworkClassifier(
          InferencePlan(Checkpoint(Data(contentsOf: file), normalization: given)))
        let images = try Dataset.cifar10.load(from: data, seed: 1).test
        let predictions = try classifier.predictions(
          of: images.pixels, draws: Draws(seed: 0, purpose: .test, examples: images.indices))
        #expect(count == zip(predictions, images.labels).count(where: ==) && count > 0)
      }
    }
  }

  /// The first record of an evaluation, and what it said meanwhile.
  private func record(
    _ place: Workplace, _ arguments: [String]
  ) throws -> (provenance: [String: Any], output: String, error: String) {
    let json = place.path("records.json")
    let result = try Command(folder: place.folder).run(
      ["evaluate", "--json", json, "--count", "4"] + arguments)
    #expect(result.status == 0, "\(result.error)")
    let all = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: json)))
    let first = try #require((all as? [[String: Any]])?.first)
    let provenance = try #require(first["provenance"] as? [String: Any])
    return (provenance, result.output, result.error)
  }

  @Test("Records hold identity and file; files of one content have one identity")
  func records() throws {
    try Workplace.with { place in
      let scaling = ["--mean", "0.5", "--std", "0.5"]
      let named = try record(place, ["--model", place.path("model.safetensors")]).provenance
      let nameless = try record(
        place, ["--model", place.path("nameless.safetensors")] + scaling
      ).provenance
      let bytes = try Data(contentsOf: place.folder.appending(path: "model.safetensors"))
      #expect(named["checkpointFile"] as? String == sha256(bytes))
      #expect(named["checkpoint"] as? String == (try CheckpointFile(bytes)).identity)
      #expect(named["checkpoint"] as? String == nameless["checkpoint"] as? String)
      #expect(named["checkpointFile"] as? String != nameless["checkpointFile"] as? String)
    }
  }

  @Test("A store goes on with a file of the same content, and begins anew with another")
  func store() throws {
    try Workplace.with { place in
      let scaling = ["--mean", "0.5", "--std", "0.5"]
      func run(_ model: String, _ more: [String]) throws -> Bool {
        // Names are part of a job.
        let copy = place.path("copy.safetensors")
        try? FileManager.default.removeItem(atPath: copy)
        try FileManager.default.copyItem(atPath: place.path("\(model).safetensors"), toPath: copy)
        return try record(place, ["--model", copy, "--store", place.path("store")] + more).error
          .contains("done before")
      }
      let found = [
        try run("model", []), try run("nameless", scaling),
        try run("nameless", ["--mean", "0.25", "--std", "0.5"]),
      ]
      #expect(found == [false, true, false])
    }
  }

  @Test("What a state dict leaves undecided ends evaluate with the choices, until one is taken")
  func undecided() throws {
    try Workplace.with { place in
      // The ten classes of CIFAR, under names that networks with and without max-pooling have.
      let own = try Checkpoint(
        Data(contentsOf: place.folder.appending(path: "colour.safetensors")))
      let naming = StateNaming.torchvision.behind("module.")
      try Safetensors(tensors: own.architecture.renamed(own.tensors, naming)).encoded()
        .write(to: place.folder.appending(path: "doubt.safetensors"))
      let arguments = [
        "--model", place.path("doubt.safetensors"), "--dataset", "cifar10", "--data",
        place.path("cifar"), "--mean", "0.5,0.5,0.5", "--std", "0.5,0.5,0.5",
      ]
      let stopped = try Command(folder: place.folder).run(["evaluate"] + arguments)
      #expect(stopped.status != 0 && stopped.output.isEmpty)
      #expect(
        stopped.error.contains("--reading stem-pooling=none (")
          && stopped.error.contains("--reading stem-pooling=max ("))
      var identities: [String?] = []
      for pooling in ["none", "max"] {
        let found = try record(place, arguments + ["--reading", "stem-pooling=\(pooling)"])
        #expect(!found.error.contains("warning") && !found.output.contains("read with"))
        #expect(found.provenance["readingsInDoubt"] as? [String] == [])
        identities.append(found.provenance["checkpoint"] as? String)
      }
      #expect(identities[0] != nil && identities[0] != identities[1])
    }
  }

  @Test("With images the ways to read a file are tried, and what that cannot tell is said")
  func trial() throws {
    try Workplace.with { place in
      let file = Fixtures.folder.appending(path: "checkpoints/pooled.safetensors").path
      let images = ["--dataset", "cifar10", "--data", place.path("cifar")]
      let found = try Command().run(
        ["inspect", file, "--mean", "0,0,0", "--std", "1,1,1"] + images)
      #expect(found.status == 0 && found.error.isEmpty, "\(found.error)")
      let rows = found.output.split(separator: "\n").filter { $0.hasPrefix("stem-pooling=") }
      #expect(rows.count == 2 && rows.allSatisfy { $0.hasSuffix("] of 2") })
      #expect(found.output.contains("cannot choose between scalings"))
      // Without a scaling those that are usual are tried too.
      let unscaled = try Command().run(["inspect", file] + images).output
      #expect(unscaled.split(separator: "\n").count { $0.hasPrefix("stem-pooling=") } == 8)
    }
  }

  @Test("A scaling in config.json beside the file is used, and said")
  func settings() throws {
    try Workplace.with { place in
      let config = place.folder.appending(path: "config.json")
      try Data(#"{"mean": [0.5], "std": [0.25]}"#.utf8).write(to: config)
      let inspected = try inspect(place.path("nameless.safetensors"))
      let says = "mean 0.5, standard deviation 0.25, from config.json beside the file"
      #expect(inspected.contains("normalization: \(says)\n"))
      let found = try record(place, ["--model", place.path("nameless.safetensors")])
      #expect(found.error.contains("normalization \(says)"))
      let given = try record(
        place, ["--model", place.path("nameless.safetensors"), "--mean", "0.5", "--std", "0.25"])
      #expect(!given.error.contains("normalization"))
      #expect(
        given.provenance["checkpoint"] as? String == found.provenance["checkpoint"] as? String)
    }
  }

  @Test("What is in doubt, and can be computed in one way only, is warned of until it is confirmed")
  func warning() throws {
    try Workplace.with { place in
      // Of one width throughout, so that normalisations might as well stand in front of their convolutions.
      let network = ResNet(
        ResNet.Architecture(
          imageShape: Dataset.digits.imageShape, classCount: 10, widths: [4], blocks: [1]))
      network.initialize(seed: 1)
      try Safetensors(tensors: network.state.tensors).encoded()
        .write(to: place.folder.appending(path: "even.safetensors"))
      let arguments = ["--model", place.path("even.safetensors"), "--mean", "0.5", "--std", "0.5"]
      let doubtful = try record(place, arguments)
      #expect(doubtful.error.contains("warning: "))
      #expect(
        doubtful.output.contains("even: read with block-order=post-activation, which its tensors"))
      #expect(
        doubtful.provenance["readingsInDoubt"] as? [String] == ["block-order=post-activation"])
      let decided = try record(
        place, arguments + ["--reading", "block-order=post-activation"])
      #expect(!decided.error.contains("warning") && !decided.output.contains("read with"))
      #expect(decided.provenance["readingsInDoubt"] as? [String] == [])
      #expect(
        doubtful.provenance["checkpoint"] as? String
          == decided.provenance["checkpoint"] as? String)
    }
  }

  @Test("A file's name, and a store that has it, steer no terminal")
  func foreignNames() throws {
    try Workplace.with { place in
      let name = "\u{1B}[31m\u{202E}red.safetensors"
      try FileManager.default.copyItem(
        atPath: place.path("model.safetensors"), toPath: place.path(name))
      let model = ["--model", name, "--count", "2"]
      for arguments in [
        ["inspect", name],
        ["evaluate", "--store", "s", "--csv", "out.csv", "--defence", "none"] + model,
        ["merge", "s"], ["merge", name], ["certify", "--sigma", "0.25", "--fixed", "200"] + model,
        [
          "evaluate", "--model", name, "--count", "2", "--attack", "pgd", "--epsilon", "1/5",
          "--json", "-",
        ],
        ["export", "--model", name, "--onnx", name],
        ["train", "--method", "plain", "--epochs", "1", "--output", "\u{1B}[2J.safetensors"],
      ] {
        let result = try Command(folder: place.folder).run(arguments)
        // Records are data, in which JSON shows such characters by itself.
        let texts = [result.error] + (arguments.last == "-" ? [] : [result.output])
        for scalar in texts.joined().unicodeScalars where scalar != "\n" {
          let category = scalar.properties.generalCategory
          #expect(category != .control && category != .format, "\(arguments[0])")
        }
      }
    }
  }
}
