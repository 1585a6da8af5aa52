import Classification
import Datasets
import Experiments
import Foundation
import NeuralNetwork
import Robustness
import TestSupport
import Testing

@Suite("evaluate and train")
struct EvaluateTests {
  private static let everything = [
    "--defence", "none", "--defence", "mi-pl", "--defence", "mi-ol", "--defence", "mi-combined",
    "--attack", "none", "--attack", "pgd", "--attack", "pgd-targeted", "--attack", "adaptive-pgd",
    "--epsilon", "1/5", "--steps", "2", "--draws", "3", "--attack-draws", "2", "--count", "9",
  ]

  private func evaluate(
    _ place: Workplace, _ name: String, _ options: [String]
  ) throws -> Command.Result {
    let result = try Command(folder: place.folder).run(
      ["evaluate", "--model", place.path("model.safetensors"), "--json", place.path(name)]
        + options)
    #expect(result.status == 0, "\(result.error)")
    return result
  }

  private func records(_ file: URL) throws -> [[String: Any]] {
    let json = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
    return try #require(json as? [[String: Any]])
  }

  /// The lines of a file without those that hold a time.
  private func timeless(_ file: URL) throws -> String {
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    let kept = lines.filter { !$0.contains("\"seconds") }
    #expect(kept.count < lines.count)
    return kept.joined(separator: "\n")
  }

  @Test(
    "--json writes one record for every pair of defence and attack, and the table to the screen")
  func json() throws {
    try Workplace.with { place in
      let result = try evaluate(place, "records.json", Self.everything + ["--seed", "18"])
      let records = try records(place.folder.appending(path: "records.json"))
      // Four defences under four attacks, and the worst of the attacks on each.
      #expect(records.count == 20)
      var pairs = Set<String>()
      for record in records {
        let (defence, attack) = (
          try #require(record["defence"] as? String), try #require(record["attack"] as? String)
        )
        pairs.insert("\(defence) \(attack)")
        #expect(record["model"] as? String == "model")
        #expect(record["n"] as? Int == 9 && record["seed"] as? Int == 18)
        let correct = try #require(record["correct"] as? Int)
        let accuracy = try #require(record["accuracy"] as? Double)
        // 20 predictions of every image score what is random.
        let predictions = defence == "none" ? 9 : 180
        #expect(record["scoringDraws"] as? Int == predictions / 9)
        // Foundation reads the sixteen digits of 1/9 as the double next to it.
        #expect((0...predictions).contains(correct))
        #expect(abs(accuracy - Double(correct) / Double(predictions)) <= .ulpOfOne)
        let interval = try #require(record["interval"] as? [Double])
        #expect(interval.count == 2 && 0 <= interval[0] && interval[1] <= 1)
        #expect(interval[0] <= accuracy && accuracy <= interval[1])
        #expect((record["epsilon"] as? String) == (attack == "none" ? nil : "1/5"))
        #expect((record["norm"] as? String) == (attack == "none" ? nil : "linf"))
        #expect((record["draws"] as? Int) == (defence == "none" ? nil : 3))
      }
      #expect(pairs.count == 20)
      for word in ["defence", "mi-combined", "adaptive-pgd", "accuracy", "interval"] {
        #expect(result.output.contains(word), "\(word)")
      }
      #expect(result.error.contains("mi-ol under pgd"))
      #expect(try names(in: place.folder).filter { $0.hasSuffix(".partial") } == [])
    }
  }

  @Test("The same seed gives the same bytes apart from times, with one thread and with two")
  func sameBytes() throws {
    try Workplace.with { place in
      func run(_ name: String, _ options: [String]) throws -> String {
        _ = try evaluate(place, name, Self.everything + options)
        return try timeless(place.folder.appending(path: name))
      }
      let first = try run("1.json", ["--seed", "4", "--threads", "1"])
      #expect(try run("2.json", ["--seed", "4", "--threads", "2"]) == first)
      #expect(try run("3.json", ["--seed", "4", "--threads", "3"]) == first)
      #expect(try run("4.json", ["--seed", "5", "--threads", "2"]) != first)
    }
  }

  @Test("Killed in the middle, a run with --store goes on to the same records")
  func killed() throws {
    try Workplace.with { place in
      let options = [
        "--defence", "none", "--defence", "mi-ol", "--attack", "none", "--attack", "pgd",
        "--attack", "adaptive-pgd", "--epsilon", "1/5", "--steps", "3", "--draws", "4", "--scores",
        "5", "--attack-draws", "2", "--count", "150", "--threads", "1", "--store",
      ]
      _ = try evaluate(place, "whole.json", options + ["whole"])
      let process = Process()
      process.executableURL = Command.built
      process.arguments = ["evaluate", "--model", "model.safetensors"] + options + ["killed"]
      process.currentDirectoryURL = place.folder
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      let outcomes = place.folder.appending(path: "killed/outcomes")
      // Two of six files are there, so one of them is being written and most work is to be done.
      while process.isRunning, (try? names(in: outcomes).count) ?? 0 < 2 { sched_yield() }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      #expect(process.terminationReason == .uncaughtSignal)
      #expect(!FileManager.default.fileExists(atPath: place.path("killed/results.jsonl")))

      let resumed = try evaluate(place, "resumed.json", options + ["killed"])
      #expect(resumed.error.contains("done before"))
      #expect(
        try timeless(place.folder.appending(path: "resumed.json"))
          == timeless(place.folder.appending(path: "whole.json")))
      let lines = try String(
        contentsOf: place.folder.appending(path: "killed/results.jsonl"), encoding: .utf8)
      // Six, and the worst attack on each defence.
      #expect(lines.split(separator: "\n").count == 8)
    }
  }

  @Test("Parts that processes measured are merged to what one would have measured")
  func merged() throws {
    try Workplace.with { place in
      let command = Command(folder: place.folder)
      let options = [
        "--defence", "none", "--defence", "mi-ol", "--attack", "pgd", "--epsilon", "1/5", "--steps",
        "2", "--draws", "3", "--count", "7",
      ]
      _ = try evaluate(place, "whole.json", options + ["--per-image", place.path("whole.jsonl")])
      for part in ["1", "2", "3"] {
        let result = try command.run(
          ["evaluate", "--model", "model.safetensors", "--shard", "\(part)/3", "--store", part]
            + options)
        #expect(result.status == 0, "\(result.error)")
        #expect(try names(in: place.folder.appending(path: part)) == ["evaluations", "outcomes"])
      }
      let incomplete = try command.run(["merge", "1", "3", "--json", "merged.json"])
      #expect(incomplete.status == 65 && incomplete.error.contains("finish every shard first"))
      let result = try command.run(
        [
          "merge", "2", "1", "3", "--json", "merged.json", "--csv", "merged.csv", "--per-image",
          "merged.jsonl",
        ])
      #expect(result.status == 0 && result.output.contains("mi-ol"), "\(result.error)")
      #expect(
        try timeless(place.folder.appending(path: "merged.json"))
          == timeless(place.folder.appending(path: "whole.json")))
      let table = try String(
        contentsOf: place.folder.appending(path: "merged.csv"), encoding: .utf8)
      #expect(table.split(separator: "\n").count == 3)
      let images = try String(
        contentsOf: place.folder.appending(path: "merged.jsonl"), encoding: .utf8)
      #expect(images.split(separator: "\n").count == 14)
      #expect(
        try images
          == String(contentsOf: place.folder.appending(path: "whole.jsonl"), encoding: .utf8))
    }
  }

  @Test("--json FILE.jsonl is a record a line, as the store keeps them, and --csv has as many")
  func lines() throws {
    try Workplace.with { place in
      _ = try evaluate(
        place, "records.jsonl",
        [
          "--count", "4", "--attack", "none", "--attack", "fgsm", "--attack", "frozen-fgsm",
          "--epsilon",
          "1/20", "--store", place.path("store"), "--csv", place.path("records.csv"),
        ])
      func text(_ name: String) throws -> String {
        try String(contentsOf: place.folder.appending(path: name), encoding: .utf8)
      }
      let lines = try text("records.jsonl").split(separator: "\n")
      #expect(try text("records.jsonl") == text("store/results.jsonl"))
      for line in lines {
        let record = try JSONSerialization.jsonObject(with: Data(line.utf8))
        #expect((record as? [String: Any])?["schema"] as? Int == 3)
      }
      let rows = try text("records.csv").split(separator: "\n")
      #expect(lines.count == 3 && rows.count == 4)
    }
  }

  @Test("--sanity prints its verdicts before the figures, and records bear what it says")
  func sanity() throws {
    try Workplace.with { place in
      let result = try evaluate(
        place, "records.json",
        [
          "--count", "6", "--attack", "none", "--attack", "fgsm", "--epsilon", "1/20", "--sanity",
          "6",
        ])
      // One step does not break everything at ε = 1, or finds no more with twice as many.
      let records = try records(place.folder.appending(path: "records.json"))
      let verdict = try #require(records.last?["sanity"] as? String)
      #expect(verdict.hasPrefix("passed on 6 images") || verdict.hasPrefix("failed on 6 images: "))
      // Of the clean images nothing was checked.
      #expect(records.count == 2 && records[0]["sanity"] as? String == nil)
      let lines = result.output.split(separator: "\n")
      #expect(lines[0] == "sanity of none under fgsm, linf 1/20, loss log-odds:")
      let table = try #require(lines.firstIndex { $0.hasPrefix("in all rows: model ") })
      let warning = lines[table - 1]
      #expect(
        verdict.hasPrefix("passed")
          ? warning == "the sanity suite of none under fgsm, linf 1/20, loss log-odds \(verdict)"
          : warning == "DO NOT QUOTE the figures of none: \(verdict)")
      for check in ["labels", "unbounded", "planted"] {
        #expect(lines[..<table].contains { $0.hasPrefix(check) })
      }
    }
  }

  @Test(
    "What the sanity suite said comes back with the figures from a store, and a plan takes no second word"
  )
  func storedSanity() throws {
    try Workplace.with { place in
      let result = try evaluate(
        place, "first.json",
        [
          "--count", "6", "--attack", "fgsm", "--epsilon", "1/20", "--sanity", "6", "--store", "s",
        ])
      let merged = try Command(folder: place.folder).run(["merge", "s", "--json", "merged.json"])
      #expect(merged.status == 0 && merged.output == result.output, "\(merged.error)")
      #expect(
        try timeless(place.folder.appending(path: "merged.json"))
          == timeless(place.folder.appending(path: "first.json")))
      try Data("{}".utf8).write(to: place.folder.appending(path: "plan.json"))
      let second = try Command(folder: place.folder).run(
        ["evaluate", "--model", "model.safetensors", "--plan", "plan.json", "--lambda", "0.5"])
      #expect(second.status == 64 && second.error.contains("--lambda is said by the plan"))
    }
  }

  @Test("attack writes the images that evaluate judges, and --images shows them to other defences")
  func attackFile() throws {
    try Workplace.with { place in
      let options = [
        "--attack", "pgd", "--epsilon", "1/5", "--steps", "2", "--count", "8", "--seed", "3",
      ]
      let command = Command(folder: place.folder)
      let written = try command.run(
        [
          "attack", "--model", "model.safetensors", "--output", "found.safetensors", "--logits",
          "logits.safetensors",
        ] + options)
      #expect(written.status == 0, "\(written.error)")
      let file = try Safetensors(
        Data(contentsOf: place.folder.appending(path: "found.safetensors")))
      let clean = try Digits.test()[0..<8]
      let images = try #require(file.tensors["images"])
      #expect(images.shape == clean.pixels.tensor.shape)
      for place in 0..<images.count {
        #expect(abs(images[place] - clean.pixels.tensor[place]) <= 0.2 + 0x1p-24)
        #expect(images[place] >= 0 && images[place] <= 1)
      }
      #expect(file.tensors["labels"]?.values.map { Int($0) } == clean.labels)
      #expect(file.tensors["indices"]?.values.map { Int($0) } == clean.indices)
      #expect(file.metadata["attack"] == "pgd" && file.metadata["epsilon"] == "1/5")

      _ = try evaluate(place, "direct.json", options)
      _ = try evaluate(
        place, "shown.json",
        [
          "--images", place.path("found.safetensors"), "--defence", "none", "--defence", "mi-ol",
          "--logits", place.path("shown.safetensors"),
        ])
      let direct = try #require(try records(place.folder.appending(path: "direct.json")).first)
      let shown = try records(place.folder.appending(path: "shown.json"))
      #expect(direct["correct"] as? Int == shown[0]["correct"] as? Int)
      let predictions = try #require(file.tensors["predictions"]).values.map { Int($0) }
      #expect(zip(predictions, clean.labels).count(where: ==) == direct["correct"] as? Int)
      #expect(shown.count == 2 && shown.allSatisfy { $0["split"] as? String == "file" })
      // Of the attack on the bare network, and of both defences on its images.
      let logits = try Safetensors(
        Data(contentsOf: place.folder.appending(path: "logits.safetensors")))
      let both = try Safetensors(
        Data(contentsOf: place.folder.appending(path: "shown.safetensors")))
      let rows = try #require(logits.tensors["logits.0"])
      #expect(try argmax(rowsOf: rows) == predictions)
      #expect(both.tensors["logits.0"] == logits.tensors["logits.0"])
      #expect(both.metadata["defence.1"]?.hasPrefix("mi-ol, ") == true)
      #expect(both.tensors["logits.1"]?.shape == [8, 10])
      #expect(both.tensors["logits.1"] != both.tensors["logits.0"])
      let told = try #require(shown[0]["images"] as? [String: Any])
      #expect(told["attack"] as? String == "pgd" && told["epsilon"] as? String == "1/5")
      #expect((told["comparison"] as? [String: Any])?["beyond"] as? Int == 0)
    }
  }

  @Test("- is standard output: records alone on it, what is for people on standard error")
  func standardOutput() throws {
    try Workplace.with { place in
      let command = Command(folder: place.folder)
      let options = [
        "evaluate", "--model", "model.safetensors", "--count", "3", "--defence", "mi-combined",
        // A negative number is a value.
        "--threshold", "-0.2", "--draws", "2", "--attack", "cw", "--epsilon", "3", "--steps", "1",
      ]
      let json = try command.run(options + ["--json", "-"])
      #expect(json.status == 0, "\(json.error)")
      let records = try #require(
        try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
      #expect(records[0]["threshold"] as? Double == -0.2 && records[0]["norm"] as? String == "l2")
      #expect(json.error.contains("mi-combined") && json.error.contains("interval"))
      let csv = try command.run(options + ["--csv", "-"])
      #expect(csv.output.hasPrefix("model,") && csv.output.split(separator: "\n").count == 2)
      let plain = try command.run(options)
      #expect(json.error.hasSuffix(plain.output))
      #expect(!(try names(in: place.folder).contains("-")))
      try Data().write(to: place.folder.appending(path: "images"))
      let images = try command.run(
        ["attack"] + options.dropFirst() + ["--output", "-"], outputTo: place.path("images"))
      #expect(images.status == 0 && images.error.contains("3 images"))
      let file = try Safetensors(Data(contentsOf: place.folder.appending(path: "images")))
      #expect(file.tensors["images"]?.shape == [3, 1, 8, 8])
    }
  }

  @Test("Images of eight bits are pixels from 0 to 255; a file's bytes do not name its images")
  func eightBits() throws {
    try Workplace.with { place in
      let images = try Digits.test()[0..<7]
      // The digits have sixteen levels; these are levels of eight bits near them.
      let bytes = images.pixels.tensor.values.map { UInt8(($0 * 255).rounded()) }
      func file(_ type: String, _ pixels: Data, note: String) throws -> String {
        let file = place.folder.appending(path: "images.safetensors")
        try RawSafetensors(
          entries: [
            .init("images", type, [7, 1, 8, 8], pixels),
            .init("labels", "F32", [7], rawBytes(images.labels.map(Float.init))),
          ], metadata: [("note", note)]
        ).encoded().write(to: file)
        return file.path(percentEncoded: false)
      }
      func record(_ images: String) throws -> [String: Any] {
        _ = try evaluate(place, "shown.json", ["--images", images])
        return try #require(records(place.folder.appending(path: "shown.json")).first)
      }
      let floats = bytes.map { Float($0) / 255 }.withUnsafeBytes { Data($0) }
      let eight = try record(try file("U8", Data(bytes), note: "a"))
      let single = try record(try file("F32", floats, note: "b"))
      #expect(eight["n"] as? Int == 7 && eight["correct"] as? Int == single["correct"] as? Int)
      func identity(_ record: [String: Any]) throws -> String {
        try #require((record["images"] as? [String: Any])?["identity"] as? String)
      }
      #expect(try identity(eight) == identity(single))
      var other = floats
      other[0] ^= 1
      let third = try record(try file("F32", other, note: "b"))
      #expect(try identity(third) != identity(single))
    }
  }

  @Test("A transfer attack searches on the other network, and is judged on this one")
  func transfer() throws {
    try Workplace.with { place in
      let network = ResNet(.resNet8(Dataset.digits.imageShape))
      network.initialize(seed: 6)
      try Checkpoint(network, normalization: .plusMinusOne(channels: 1)).encoded()
        .write(to: place.folder.appending(path: "other.safetensors"))
      let command = Command(folder: place.folder)
      func found(_ model: String, _ attack: [String]) throws -> [String: Tensor] {
        let result = try command.run(
          ["attack", "--model", model, "--output", "found.safetensors", "--attack"] + attack
            + ["--epsilon", "1/5", "--steps", "3", "--count", "20"])
        #expect(result.status == 0, "\(result.error)")
        return try Safetensors(
          Data(contentsOf: place.folder.appending(path: "found.safetensors"))
        ).tensors
      }
      let transferred = try found(
        "model.safetensors", ["transfer-pgd", "--other", "other.safetensors"])
      let images = try #require(transferred["images"])
      #expect(images == (try found("other.safetensors", ["pgd"])["images"]))
      #expect(images != (try found("model.safetensors", ["pgd"])["images"]))
      let checkpoint = try Checkpoint(
        Data(contentsOf: place.folder.appending(path: "model.safetensors")))
      let predictions = try NetworkClassifier(InferencePlan(checkpoint)).predictions(
        of: Pixels(images), draws: Draws(seed: 0, purpose: .test, examples: Array(0..<20)))
      #expect(transferred["predictions"]?.values.map { Int($0) } == predictions)

      // On itself it is the attack on the network, and its record says what it is.
      let own = try evaluate(
        place, "own.json",
        [
          "--epsilon", "1/5", "--steps", "3", "--count", "20", "--attack", "pgd", "--attack",
          "transfer-pgd", "--other", "model.safetensors",
        ])
      #expect(own.error.contains("none under transfer-pgd"))
      let records = try records(place.folder.appending(path: "own.json"))
      #expect(records[0]["correct"] as? Int == records[1]["correct"] as? Int)
      let provenance = try #require(records[1]["provenance"] as? [String: Any])
      #expect(provenance["knowledge"] as? String == "another network")
    }
  }

  @Test(
    "--match says whether what was asked for is kept; records say what competed, on which images")
  func match() throws {
    try Workplace.with { place in
      let settings: [InputTransformation] = [0, 5].map { .gaussianNoise(standardDeviation: $0) }
      try JSONEncoder().encode(
        EvaluationPlan(
          count: 30, scoringDraws: 2,
          defences: [DefenceDescription(.none)]
            + settings.map { DefenceDescription(TransformedInput($0, sampleCount: 2)) }
            + [DefenceDescription(TransformedInput(.bitDepth(8), sampleCount: 1))])
      ).write(to: place.folder.appending(path: "plan.json"))
      // Of an untrained network hardly any image is right; noise of size 5 leaves none to chance.
      let plan = ["--plan", place.path("plan.json")]
      let low = try evaluate(place, "low.json", plan + ["--match", "0.0001"])
      let high = try evaluate(place, "high.json", plan + ["--match", "1"])
      #expect(low.output.split(separator: "\n").prefix(3).allSatisfy { $0.contains("matched: ") })
      #expect(high.output.hasPrefix("not matched: none is the best of 1"))
      for (name, target) in [("low.json", 0.0001), ("high.json", 1)] {
        let records = try records(place.folder.appending(path: name))
        #expect(records.map { $0["defence"] as? String } == ["none", "gaussian", "bit-depth"])
        // The records say what was asked for, what competed, and on which images.
        let choices = try records.map { record in
          try #require((record["provenance"] as? [String: Any])?["matching"] as? [String: Any])
        }
        #expect(choices.allSatisfy { $0["target"] as? Double == target })
        #expect(choices.allSatisfy { $0["images"] as? Int == 30 })
        #expect(Set(choices.compactMap { ($0["identity"] as? String)?.count }) == [64])
        let titles = choices.map { choice in
          (choice["candidates"] as? [[String: Any]] ?? []).compactMap { $0["defence"] as? String }
        }
        #expect(
          titles == [
            ["none"], ["gaussian, draws 2, strength 0.0", "gaussian, draws 2, strength 5.0"],
            ["bit-depth, bits 8, gradient straight through, draws 1"],
          ])
      }
      _ = try evaluate(place, "given.json", plan)
      for record in try records(place.folder.appending(path: "given.json")) {
        #expect((record["provenance"] as? [String: Any])?["matching"] == nil)
      }
    }
  }

  @Test("A plan from a file is what its options would say")
  func planFile() throws {
    try Workplace.with { place in
      try Data(
        """
        {"count": 5, "defences": [{"name": "mi-ol", "draws": 3, "lambda": 0.6}],
         "attacks": [{"name": "none"}, {"name": "pgd", "epsilon": "1/5", "steps": 2}]}
        """.utf8
      ).write(to: place.folder.appending(path: "plan.json"))
      _ = try evaluate(place, "file.json", ["--plan", "plan.json", "--seed", "3"])
      _ = try evaluate(
        place, "options.json",
        [
          "--count", "5", "--defence", "mi-ol", "--draws", "3", "--lambda", "0.6", "--attack",
          "none", "--attack", "pgd", "--epsilon", "1/5", "--steps", "2", "--seed", "3",
        ])
      #expect(
        try timeless(place.folder.appending(path: "file.json"))
          == timeless(place.folder.appending(path: "options.json")))
    }
  }

  @Test("Without defence or attack the figure is that of the network itself")
  func isTheNetworks() throws {
    try Workplace.with { place in
      _ = try evaluate(place, "records.json", ["--count", "300"])
      let record = try #require(try records(place.folder.appending(path: "records.json")).first)
      let checkpoint = try Checkpoint(
        Data(contentsOf: place.folder.appending(path: "model.safetensors")))
      let classifier = try NetworkClassifier(InferencePlan(checkpoint))
      let images = try Digits.test()[0..<300]
      let predictions = try classifier.predictions(
        of: images.pixels, draws: Draws(seed: 0, purpose: .test, examples: images.indices))
      #expect(record["correct"] as? Int == zip(predictions, images.labels).count(where: ==))
      #expect(record["n"] as? Int == 300)
    }
  }

  @Test("A network for CIFAR is evaluated on CIFAR's files, at the scale that is asked for")
  func cifar() throws {
    try Workplace.with { place in
      let own = try Checkpoint(
        Data(contentsOf: place.folder.appending(path: "colour.safetensors")))
      try Safetensors(tensors: own.tensors).encoded()
        .write(to: place.folder.appending(path: "colour.safetensors"))
      let file = place.folder.appending(path: "records.json")
      let result = try Command(folder: place.folder).run([
        "evaluate", "--model", place.path("colour.safetensors"), "--dataset", "cifar10", "--data",
        "cifar", "--mean", "0.49,0.48,0.45", "--std", "0.25,0.24,0.26", "--json", "records.json",
      ])
      #expect(result.status == 0, "\(result.error)")
      let record = try #require(try records(file).first)
      #expect(record["dataset"] as? String == "cifar10" && record["n"] as? Int == 2)
    }
  }

  @Test("The executable needs nothing beside it, nor a search path")
  func moved() throws {
    try Workplace.with { place in
      let copy = place.folder.appending(path: "elsewhere/mi")
      try FileManager.default.createDirectory(
        at: copy.deletingLastPathComponent(), withIntermediateDirectories: false)
      try FileManager.default.copyItem(at: Command.built, to: copy)
      let command = Command(executable: copy, folder: place.folder, environment: [:])
      let doctor = try command.run(["doctor"])
      #expect(doctor.status == 0 && doctor.output.contains("kernel set"))
      let result = try command.run([
        "evaluate", "--model", "model.safetensors", "--defence", "mi-ol", "--count", "3",
        "--draws", "2",
      ])
      #expect(result.status == 0, "\(result.error)")
      #expect(result.output.contains("mi-ol"))
    }
  }

  @Test("train writes a checkpoint that evaluate reads: the same bytes for a seed")
  func train() throws {
    try Workplace.with { place in
      func train(_ name: String, _ options: [String]) throws -> Data {
        let result = try Command(folder: place.folder).run(
          [
            "train", "--method", "mixup", "--epochs", "1", "--batch-size", "128", "--output", name,
          ] + options)
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.hasPrefix("\(name): validation accuracy "))
        return try Data(contentsOf: place.folder.appending(path: name))
      }
      let first = try train("a/one.safetensors", ["--seed", "3", "--threads", "1"])
      #expect(try train("a/two.safetensors", ["--seed", "3", "--threads", "2"]) == first)
      #expect(
        try names(in: place.folder.appending(path: "a")) == [
          "one-best.safetensors", "one.csv", "one.safetensors", "two-best.safetensors", "two.csv",
          "two.safetensors",
        ])
      let checkpoint = try Checkpoint(first)
      #expect(checkpoint.architecture == .resNet8(ImageShape(channels: 1, height: 8, width: 8)))
      let result = try Command(folder: place.folder).run([
        "evaluate", "--model", "a/one.safetensors", "--count", "5",
      ])
      #expect(result.status == 0, "\(result.error)")
    }
  }

  @Test("train that was killed goes on after its last epoch and ends with the same bytes")
  func killedTraining() throws {
    try Workplace.with { place in
      func arguments(_ output: String, _ more: [String] = []) -> [String] {
        [
          "train", "--method", "plain", "--epochs", "12", "--crop", "1", "--batch-size", "128",
          "--output", output,
        ] + more
      }
      let command = Command(folder: place.folder)
      #expect(try command.run(arguments("whole.safetensors")).status == 0)
      let process = Process()
      process.executableURL = Command.built
      process.arguments = arguments("killed.safetensors")
      process.currentDirectoryURL = place.folder
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      let state = place.path("killed-state.safetensors")
      while process.isRunning, !FileManager.default.fileExists(atPath: state) { sched_yield() }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      // It ends by the signal unless it was done before it came; then there is nothing to go on from.
      #expect(process.terminationReason == .uncaughtSignal)
      #expect(!FileManager.default.fileExists(atPath: place.path("killed.safetensors")))

      let other = try command.run(arguments("killed.safetensors", ["--seed", "2"]))
      #expect(other.status == 64 && other.error.contains("--fresh"), "\(other.error)")
      let resumed = try command.run(arguments("killed.safetensors"))
      #expect(resumed.status == 0 && resumed.error.contains("done before"), "\(resumed.error)")
      #expect(!FileManager.default.fileExists(atPath: state))
      for ending in [".safetensors", "-best.safetensors"] {
        #expect(
          try Data(contentsOf: place.folder.appending(path: "killed" + ending))
            == Data(contentsOf: place.folder.appending(path: "whole" + ending)))
      }
      func curve(_ name: String) throws -> [String] {
        // Without the seconds.
        try String(contentsOf: place.folder.appending(path: name), encoding: .utf8)
          .split(separator: "\n").map { $0.split(separator: ",").dropLast().joined(separator: ",") }
      }
      let lines = try curve("killed.csv")
      #expect(try lines.count == 13 && lines == curve("whole.csv"))
    }
  }
}
