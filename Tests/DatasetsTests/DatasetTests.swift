import Classification
import Datasets
import Foundation
import NeuralNetwork
import Statistics
import TestSupport
import Testing

@Suite("Data sets, described once")
struct DatasetTests {
  @Test("have names of their own, by which they are found, and labels that differ")
  func names() {
    #expect(Set(Dataset.known.map(\.name)).count == Dataset.known.count)
    for dataset in Dataset.known {
      #expect(Dataset.named(dataset.name)?.labelNames == dataset.labelNames)
      #expect(Set(dataset.labelNames).count == dataset.classCount && dataset.classCount > 1)
      // A file is called by its ending, so that no figure of it passes for one of theirs.
      #expect(!dataset.name.hasSuffix(".safetensors"))
    }
    #expect(Dataset.named("Digits") == nil && Dataset.named("") == nil)
    #expect(Dataset.cifar100.classCount == 100 && Dataset.cifar100Coarse.classCount == 20)
  }

  @Test("are embedded, or say what their folder has to hold")
  func sources() throws {
    for dataset in Dataset.known {
      switch dataset.source {
      case .atHand:
        let (training, test) = try dataset.files()
        for images in [training, test] {
          #expect(images.pixels.imageShape == dataset.imageShape)
          #expect(images.classCount == dataset.classCount)
        }
      case .folder(let contents, _):
        #expect(throws: DatasetError.noFolder(dataset.name, holding: contents)) {
          try dataset.files()
        }
        try withTemporaryFolder { folder in
          let error = #expect(throws: DatasetError.self) { try dataset.files(in: folder) }
          guard case .missingFile(let name, folder.relativePath) = error else {
            Issue.record("threw \(String(describing: error))")
            return
          }
          #expect(contents.contains(name) && error?.cause == .file)
        }
      }
    }
  }

  @Test("have networks that take their images and have an output for each of their classes")
  func networks() throws {
    for dataset in Dataset.known {
      let made = dataset.training.architecture(dataset.imageShape, dataset.classCount)
      #expect(made.imageShape == dataset.imageShape && made.classCount == dataset.classCount)
      let network = NetworkClassifier(
        InferencePlan(
          ResNet(made).graph, normalization: .plusMinusOne(channels: made.imageShape.channels),
          kernels: .reference))
      let image = try randomImages(1, shape: made.imageShape, classCount: 2, seed: 1)
      let logits = try network.logits(
        of: image.pixels, draws: Draws(seed: 1, purpose: .score, examples: [0]))
      #expect(logits.shape == [1, dataset.classCount])
    }
  }

  @Test("set 500 images apart for validation, or a fifth of few")
  func validation() throws {
    #expect(try Dataset.digits.load(seed: 1).validation.count == 500)
    try withTemporaryFolder { folder in
      try writeCIFAR10(training: CIFARTests.training, test: CIFARTests.test, in: folder)
      let split = try Dataset.cifar10.load(from: folder, seed: 1)
      #expect(split.validation.count == 1 && split.training.count == 8)
    }
  }

  @Test("say what is wrong in one line that does not end in the middle")
  func descriptions() {
    let shape = ImageShape(channels: 1, height: 2, width: 3)
    let errors: [DatasetError] = [
      .validationCount(9, images: 9), .noFolder("cifar10", holding: "a.bin"),
      .missingFile("a.bin", folder: "data"), .unreadableFile("a.bin", reason: "why"),
      .compressedFile("a.gz"), .truncatedFile("a.bin", bytes: 1, recordBytes: 2),
      .shortHeader("a.bin", bytes: 1, header: 8), .wrongKind("a", found: 7, expected: 0x801),
      .wrongKind("a", found: 7, expected: 0x803), .extents("a", [1, 2, 3], bytes: 5),
      .safetensors("a", .headerLength(7)), .safetensors("a", .truncated(needed: 9, found: 8)),
      .missingTensor("train.images", file: "a"),
      .tensorType("test.images", file: "a", found: "F64", expected: "U8"),
      .tensorShape("test.images", file: "a", found: [1, 2], expected: "[N]"),
      .labelNames("a", found: "\u{1B}[31mx\ny"), .imageShape("a", found: shape, expected: shape),
      .noImages("a"), .labelCount("a", labels: 1, images: 2),
      .labelInFile("a.bin", record: 3, label: 11, classCount: 10),
      .pixel("a", image: 1, value: .nan), .emptyClass("a", label: 1, classCount: 3),
      .oneClass("a"),
    ]
    #expect(Set(errors.map(\.description)).count == errors.count)
    for error in errors {
      let text = error.description
      #expect(!text.contains(where: \.isNewline) && text.count > 20 && !text.contains("\u{1B}"))
    }
    // What was asked for: too many images, no folder.
    #expect(errors[..<2].allSatisfy { $0.cause == .usage })
    #expect(errors[2..<4].allSatisfy { $0.cause == .file })
    #expect(errors[4...].allSatisfy { $0.cause == .data })
    #expect(errors[7].description.contains("0x00000007 and not with 0x00000801"))
  }
}
