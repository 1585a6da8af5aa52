import Classification
import Datasets
import Experiments
import Foundation
import NeuralNetwork
import Robustness
import TestSupport
import Testing
import Training

@Suite("Data sets of anybody's own")
struct OwnDatasetTests {
  private func run(_ arguments: [String], in folder: URL) throws -> String {
    let result = try Command(folder: folder).run(arguments)
    #expect(result.status == 0, "\(arguments): \(result.error)")
    return result.output
  }

  /// A file of records without times, and without what a data set is called.
  private func nameless(_ file: URL) throws -> String {
    try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
      .filter { !$0.contains("\"seconds") && !$0.contains("\"dataset\"") }.joined(separator: "\n")
  }

  @Test(
    "The digits in a file are the digits: the same network, figures and adversarial images, to the bit"
  )
  func sameAsEmbedded() throws {
    try withTemporaryFolder { folder in
      let (training, test) = try Dataset.digits.files()
      var file = RawSafetensors()
      for (part, images) in [("train", training), ("test", test)] {
        file.entries += [
          .init("\(part).images", images.pixels.tensor),
          .init("\(part).labels", "U8", [images.count], Data(images.labels.map { UInt8($0) })),
        ]
      }
      try file.encoded().write(to: folder.appending(path: "own.safetensors"))
      var found:
        [(checkpoint: Checkpoint, records: String, images: [String: Tensor], verified: String)] = []
      for (place, dataset) in ["digits", "own.safetensors"].enumerated() {
        let model = "\(place)/model.safetensors"
        _ = try run(
          [
            "train", "--method", "plain", "--epochs", "1", "--dataset", dataset, "--output", model,
          ], in: folder)
        let rest = [
          "--model", "0/model.safetensors", "--dataset", dataset, "--count", "20", "--steps", "2",
        ]
        let attack = [
          "--defence", "mi-ol", "--draws", "3", "--attack", "adaptive-pgd", "--epsilon", "3/20",
        ]
        _ = try run(["evaluate", "--json", "\(place).json"] + rest + attack, in: folder)
        _ = try run(["attack", "--output", "\(place).safetensors"] + rest + attack, in: folder)
        let verified = try run(["verify", "--models", "1"] + rest, in: folder)
        func bytes(_ name: String) throws -> Data {
          try Data(contentsOf: folder.appending(path: name))
        }
        found.append(
          (
            try Checkpoint(bytes(model)), try nameless(folder.appending(path: "\(place).json")),
            try Safetensors(bytes("\(place).safetensors")).tensors, verified
          ))
      }
      #expect(found[0].checkpoint.tensors == found[1].checkpoint.tensors)
      #expect(
        found[0].checkpoint.notes["trainingData"] == found[1].checkpoint.notes["trainingData"])
      #expect(found[1].checkpoint.notes["dataset"] == "own.safetensors")
      #expect(found[0].records == found[1].records)
      #expect(
        found[0].images == found[1].images && found[0].images["images"]?.shape == [20, 1, 8, 8])
      #expect(found[0].verified == found[1].verified)
    }
  }

  @Test("A flag of train changes what it names in the data set's own recipe, and nothing else")
  func flags() throws {
    try withTemporaryFolder { folder in
      // Large enough for the recipe of images of CIFAR's size, whose warm-up is another than the digits'.
      let (shape, labels) = (ImageShape(channels: 1, height: 17, width: 17), [UInt8](0...1))
      var file = RawSafetensors()
      for (part, count) in [("train", 5), ("test", 1)] {
        let all = Array(repeating: labels, count: count).flatMap(\.self)
        file.entries += [
          .init(
            "\(part).images", "U8", [all.count, 1, 17, 17],
            Data((0..<shape.count * all.count).map { UInt8($0 * 37 % 256) })),
          .init("\(part).labels", "U8", [all.count], Data(all)),
        ]
      }
      let own = folder.appending(path: "own.safetensors")
      try file.encoded().write(to: own)
      let usual = try TrainingMethod.interpolatedAdversarial.recipe(
        for: Dataset(safetensors: own), seed: 3)
      func recipe(_ flags: String) throws -> TrainingRecipe? {
        _ = try run(
          [
            "train", "--method", "interpolated-at", "--architecture", "resNet8", "--dataset",
            own.lastPathComponent, "--seed", "3", "--epochs", "1", "--batch-size", "4", "--fresh",
            "--output", "model.safetensors",
          ] + flags.split(separator: " ").map(String.init), in: folder)
        return try Checkpoint(Data(contentsOf: folder.appending(path: "model.safetensors"))).recipe
      }
      var expected = usual
      (expected.epochs, expected.batchSize) = (1, 4)
      #expect(try recipe("") == expected)
      let schedule = expected.schedule
      guard case .cosine(_, let warmUp) = schedule, warmUp == 0.2 else {
        Issue.record("\(schedule) is no other schedule than that of the digits")
        return
      }
      expected.schedule = .cosine(peak: 0.05, warmUp: warmUp)
      #expect(try recipe("--learning-rate 0.05") == expected)
      expected.schedule = schedule
      expected.method = .interpolatedAdversarial(
        alpha: 1, epsilon: Epsilon(8, over: 255), steps: 1)
      #expect(try recipe("--steps 1") == expected)
      expected.method = .interpolatedAdversarial(
        alpha: 0.5, epsilon: Epsilon(8, over: 255), steps: 5)
      #expect(try recipe("--alpha 0.5") == expected)
      expected.method = .interpolatedAdversarial(alpha: 1, epsilon: Epsilon(1, over: 8), steps: 5)
      #expect(try recipe("--epsilon 1/8") == expected)
    }
  }

  @Test("Images of 28×28 in MNIST's files are trained on, evaluated and attacked")
  func mnist() throws {
    try withTemporaryFolder { folder in
      func part(_ images: LabelledImages) -> (images: [[UInt8]], labels: [UInt8]) {
        let rows = (0..<images.count).map { n in
          let values = images.pixels[[n]].tensor.values
          return (0..<784).map { UInt8(values[$0 / 28 / 4 * 8 + $0 % 28 / 4] * 240) }
        }
        return (rows, images.labels.map { UInt8($0) })
      }
      let data = folder.appending(path: "data")
      try FileManager.default.createDirectory(at: data, withIntermediateDirectories: false)
      try IDXFiles(
        height: 28, width: 28, training: part(Digits.training()[0..<200]),
        test: part(Digits.test()[0..<10])
      ).write(to: data)
      let set = ["--dataset", "mnist", "--data", "data"]
      _ = try run(
        ["train", "--method", "plain", "--epochs", "1", "--output", "model.safetensors"] + set,
        in: folder)
      let rest =
        ["--model", "model.safetensors", "--attack", "pgd", "--epsilon", "3/10", "--steps", "2"]
        + set
      _ = try run(["evaluate", "--json", "records.json"] + rest, in: folder)
      _ = try run(["attack", "--output", "images.safetensors"] + rest, in: folder)
      let json = try Data(contentsOf: folder.appending(path: "records.json"))
      let records = try #require(JSONSerialization.jsonObject(with: json) as? [[String: Any]])
      #expect(records.allSatisfy { $0["dataset"] as? String == "mnist" && $0["n"] as? Int == 10 })
      let images = try Safetensors(Data(contentsOf: folder.appending(path: "images.safetensors")))
      #expect(images.tensors["images"]?.shape == [10, 1, 28, 28])
    }
  }
}
