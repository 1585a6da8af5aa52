import Classification
import Datasets
import Foundation
import Statistics
import TestSupport
import Testing

@Suite("CIFAR's binary files")
struct CIFARTests {
  /// Five training files of 1, 2, 3, 1 and 2 records, nine in all.
  static let training: [[UInt8]] = [[3], [9, 0], [1, 2, 3], [7], [8, 4]]
  static let test: [UInt8] = [5, 6]

  private func load(
    _ dataset: Dataset, _ folder: URL?, validation: Int = 0
  ) throws -> DatasetSplit {
    try dataset.load(from: folder, validationCount: validation, seed: 1)
  }

  /// Writes the files, changes them, and returns what is thrown on reading.
  private func failure(_ change: (URL) throws -> Void) throws -> DatasetError? {
    try withTemporaryFolder { folder in
      try writeCIFAR10(training: Self.training, test: Self.test, in: folder)
      try change(folder)
      return #expect(throws: DatasetError.self) { try load(.cifar10, folder) }
    }
  }

  @Test("CIFAR-10: files in order, planes as channels, test images numbered behind the others")
  func ten() throws {
    try withTemporaryFolder { folder in
      try writeCIFAR10(training: Self.training, test: Self.test, in: folder)
      let split = try load(.cifar10, folder)
      #expect(split.training.labels == Self.training.flatMap { $0.map(Int.init) })
      #expect(split.training.indices == Array(0..<9))
      #expect(split.test.labels == [5, 6] && split.test.indices == [9, 10])
      #expect(split.validation.count == 0)
      #expect(split.training.classCount == 10 && split.test.classCount == 10)
      // The place of a record in its own file, which its pixels count.
      let records = Self.training.flatMap { Array($0.indices) }
      for (image, record) in records.enumerated() {
        expectPixels(of: split.training, image: image, record: record)
      }
      for image in 0..<2 { expectPixels(of: split.test, image: image, record: image) }
    }
  }

  @Test(
    "CIFAR-100: fine labels or coarse ones, from whole files or their first parts",
    arguments: [("train.bin", "test.bin"), ("train_part_00.bin", "test_part_00.bin")])
  func hundred(_ names: (training: String, test: String)) throws {
    try withTemporaryFolder { folder in
      try cifarRecords(labels: [[19, 99], [0, 42], [7, 0]])
        .write(to: folder.appending(path: names.training))
      try cifarRecords(labels: [[1, 2]]).write(to: folder.appending(path: names.test))
      let split = try load(.cifar100, folder)
      #expect(split.training.labels == [99, 42, 0] && split.test.labels == [2])
      #expect(split.test.indices == [3] && split.test.classCount == 100)
      for image in 0..<3 { expectPixels(of: split.training, image: image, record: image) }

      let coarse = try load(.cifar100Coarse, folder)
      #expect(coarse.training.labels == [19, 0, 7] && coarse.test.labels == [1])
      #expect(coarse.test.classCount == 20 && coarse.training.pixels == split.training.pixels)
    }
  }

  @Test(
    "CIFAR-100: a label of either kind out of range is refused, whichever is asked for",
    arguments: [Dataset.cifar100.name, Dataset.cifar100Coarse.name])
  func labelsOfHundred(_ name: String) throws {
    let dataset = try #require(Dataset.named(name))
    for (labels, wrong, classCount) in [([20, 5], 20, 20), ([3, 100], 100, 100)] {
      try withTemporaryFolder { folder in
        let bad = labels.map(UInt8.init)
        try cifarRecords(labels: [[0, 0], [0, 0], bad])
          .write(to: folder.appending(path: "train.bin"))
        try cifarRecords(labels: [[0, 0]]).write(to: folder.appending(path: "test.bin"))
        let error = #expect(throws: DatasetError.self) { try load(dataset, folder) }
        guard case .labelInFile(let file, record: 2, wrong, classCount) = error else {
          Issue.record("threw \(String(describing: error))")
          return
        }
        #expect(file.hasSuffix("train.bin"))
      }
    }
  }

  @Test(
    "Images are read where they are used: of a file that is replaced by another, those of the first"
  )
  func replaced() throws {
    try withTemporaryFolder { folder in
      try writeCIFAR10(training: Self.training, test: Self.test, in: folder)
      let split = try load(.cifar10, folder)
      for name in ["data_batch_2.bin", "test_batch.bin"] {
        try FileManager.default.removeItem(at: folder.appending(path: name))
        try Data([1, 2, 3]).write(to: folder.appending(path: name))
      }
      expectPixels(of: split.training, image: 2, record: 1)
      expectPixels(of: split.test, image: 1, record: 1)
    }
  }

  @Test(
    "An image whose file was changed or cut off meanwhile ends the process with one line and 74")
  func changed() async throws {
    let rewritten = await #expect(
      processExitsWith: .exitCode(74), observing: [\.standardErrorContent]
    ) {
      try withTemporaryFolder { folder in
        try writeCIFAR10(training: CIFARTests.training, test: CIFARTests.test, in: folder)
        let split = try Dataset.cifar10.load(from: folder, validationCount: 0, seed: 1)
        // Without the first label, as long as the file was.
        try cifarRecords(labels: [[0], [6]]).write(to: folder.appending(path: "test_batch.bin"))
        _ = split.test.pixels.tensor
      }
    }
    let cut = await #expect(
      processExitsWith: .exitCode(74), observing: [\.standardErrorContent]
    ) {
      try withTemporaryFolder { folder in
        try writeCIFAR10(training: CIFARTests.training, test: CIFARTests.test, in: folder)
        let split = try Dataset.cifar10.load(from: folder, validationCount: 0, seed: 1)
        try Data([1]).write(to: folder.appending(path: "data_batch_5.bin"))
        _ = split.training.pixels[[7]]
      }
    }
    for (result, words) in [
      (rewritten, "test_batch.bin: it was changed meanwhile"),
      (cut, "data_batch_5.bin: it ends too early"),
    ] {
      let line = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      #expect(line.contains(words) && line.count(where: \.isNewline) == 1)
    }
  }

  private func expectPixels(of images: LabelledImages, image: Int, record: Int) {
    #expect(images.pixels.imageShape == ImageShape(channels: 3, height: 32, width: 32))
    let values = images.pixels[[image]].tensor.values
    #expect(
      (0..<3072).allSatisfy { place in
        let (plane, pixel) = place.quotientAndRemainder(dividingBy: 1024)
        return values[place] == Float((7 * record + 85 * plane + pixel) % 256) / 255
      })
  }

  @Test(
    "No folder is told with what it has to hold, one that is not there with the first file missing")
  func noFolder() throws {
    let absent = #expect(throws: DatasetError.self) { try load(.cifar10, nil) }
    guard case .noFolder("cifar10", let contents) = absent else {
      Issue.record("threw \(String(describing: absent))")
      return
    }
    #expect(contents.contains("data_batch_1.bin") && absent?.cause == .usage)
    try withTemporaryFolder { folder in
      let missing = folder.appending(path: "missing")
      let error = #expect(throws: DatasetError.self) { try load(.cifar10, missing) }
      #expect(error == .missingFile("data_batch_1.bin", folder: missing.relativePath))
      #expect(error?.cause == .file)
    }
  }

  @Test(
    "A missing file is named",
    arguments: ["data_batch_1.bin", "data_batch_4.bin", "test_batch.bin"]
  )
  func missingFile(_ name: String) throws {
    let error = try failure {
      try FileManager.default.removeItem(at: $0.appending(path: name))
    }
    guard case .missingFile(name, _) = error else {
      Issue.record("threw \(String(describing: error))")
      return
    }
    #expect(error?.cause == .file)
  }

  @Test("A folder in a file's place cannot be read")
  func unreadableFile() throws {
    let error = try failure { folder in
      let file = folder.appending(path: "data_batch_2.bin")
      try FileManager.default.removeItem(at: file)
      try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
    }
    guard case .unreadableFile(let file, _) = error else {
      Issue.record("threw \(String(describing: error))")
      return
    }
    #expect(file.hasSuffix("data_batch_2.bin") && error?.cause == .file)
  }

  @Test(
    "A file that is no whole number of records is refused", arguments: [0, 1, 3072, 3074, 6145])
  func truncatedFile(_ bytes: Int) throws {
    let error = try failure { folder in
      try Data(count: bytes).write(to: folder.appending(path: "data_batch_3.bin"))
    }
    guard case .truncatedFile(let file, bytes, recordBytes: 3073) = error else {
      Issue.record("threw \(String(describing: error))")
      return
    }
    #expect(file.hasSuffix("data_batch_3.bin") && error?.cause == .data)
  }

  @Test("A label out of range is refused with its place", arguments: [UInt8(10), 255])
  func label(_ label: UInt8) throws {
    let error = try failure { folder in
      try cifarRecords(labels: [[9], [label]]).write(to: folder.appending(path: "test_batch.bin"))
    }
    guard case .labelInFile(let file, record: 1, Int(label), classCount: 10) = error else {
      Issue.record("threw \(String(describing: error))")
      return
    }
    #expect(file.hasSuffix("test_batch.bin"))
  }

  private static let folder = ProcessInfo.processInfo.environment["CIFAR_DATA"]

  // 5,000 and 1,000 images of every class are what the authors of the data set say it holds.
  @Test(
    "The real CIFAR-10 has 5,000 training and 1,000 test images of every class",
    .enabled(if: folder != nil, "set CIFAR_DATA to the folder with CIFAR-10's binary files"))
  func realFiles() throws {
    let folder = URL(filePath: try #require(Self.folder))
    let split = try load(.cifar10, folder)
    for (images, count) in [(split.training, 5000), (split.test, 1000)] {
      #expect(images.count == 10 * count)
      for label in 0..<10 { #expect(images.labels.count { $0 == label } == count) }
    }
  }
}
