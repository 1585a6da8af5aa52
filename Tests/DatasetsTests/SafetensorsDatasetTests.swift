import Classification
import Datasets
import Foundation
import NeuralNetwork
import PropertyChecks
import PropertyTesting
import Statistics
import TestSupport
import Testing

@Suite("Data sets in safetensors")
struct SafetensorsDatasetTests {
  /// Writes a file and opens it, and reads its images.
  private static func read(
    _ file: RawSafetensors, _ change: (Data) -> Data = { $0 }
  ) throws -> (dataset: Dataset, files: Dataset.Files) {
    try withTemporaryFolder { folder in
      let url = folder.appending(path: "own.safetensors")
      try change(file.encoded()).write(to: url)
      let dataset = try Dataset(safetensors: url)
      return (dataset, try dataset.files())
    }
  }

  /// Three classes, images of 2×3×2: five to train on and two to test on.
  private static func plain() -> RawSafetensors {
    RawSafetensors(entries: [
      .init("train.images", "U8", [5, 2, 3, 2], Data((0..<60).map { UInt8(4 * $0) })),
      .init("train.labels", "U8", [5], Data([0, 1, 2, 1, 0])),
      .init("test.images", "F32", [2, 2, 3, 2], rawBytes((0..<24).map { Float($0) / 23 })),
      .init("test.labels", "I64", [2], rawBytes([Int64(2), 0])),
    ])
  }

  // MARK: What is read

  @Test("written by the format's own library are read as they were meant")
  func golden() throws {
    let originals = [try Digits.training()[0..<40], try Digits.test()[0..<20]]
    func byte(_ pixel: Float) -> Float { Float(Int(pixel * 16) * 15) / 255 }
    let files: [(String, (Float) -> Float)] = [("floats", { $0 }), ("bytes", byte)]
    for (name, expected) in files {
      let dataset = try Dataset(
        safetensors: Fixtures.folder.appending(path: "datasets/\(name).safetensors"))
      #expect(
        dataset.name == "\(name).safetensors" && dataset.imageShape == Dataset.digits.imageShape)
      #expect(
        dataset.labelNames
          == (name == "bytes"
            ? (0...9).map(String.init)
            : ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]))
      let (training, test) = try dataset.files()
      for (found, original) in zip([training, test], originals) {
        #expect(found.pixels.tensor == original.pixels.tensor.map(expected))
        #expect(found.labels == original.labels && found.classCount == 10)
      }
      #expect(training.indices == Array(0..<40) && test.indices == Array(40..<60))
    }
  }

  @Test("give the images, labels and names back that were written, of every type and shape")
  func roundTrip() async {
    await check(
      "a data set read is the data set written",
      .array(of: .integer(in: 1...4), count: 3), .integer(in: 2...5), .integer(in: 0...6),
      .element(of: ["U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64"]), .bool, .bool,
      .array(of: .integer(in: 0...255), count: 64)
    ) {
      (
        extents: [Int], classCount: Int, more: Int, labelType: String, areBytes: Bool,
        hasNames: Bool,
        bytes: [Int]
      ) in
      var file = RawSafetensors()
      var (pixels, labels): ([[Float]], [[Int]]) = ([], [])
      let width = extents.reduce(1, *)
      for (part, count) in [("train", classCount + more), ("test", 1 + more)] {
        let own = (0..<count * width).map { UInt8(bytes[(5 * $0 + count) % 64]) }
        // Every class has a training image.
        let classes = (0..<count).map { (7 * $0) % classCount }.enumerated().map {
          $0.offset < classCount ? $0.offset : $0.element
        }
        pixels.append(own.map { Float($0) / 255 })
        labels.append(classes)
        file.entries += [
          areBytes
            ? .init("\(part).images", "U8", [count] + extents, Data(own))
            : .init("\(part).images", "F32", [count] + extents, rawBytes(pixels.last ?? [])),
          .init("\(part).labels", labelType, [count], Self.integers(classes, labelType)),
        ]
      }
      let names = (0..<classCount).map { "class \"\($0)\"" }
      if hasNames {
        file.metadata = [
          ("labelNames", String(decoding: try JSONEncoder().encode(names), as: UTF8.self))
        ]
      }
      let (dataset, (training, test)) = try Self.read(file)
      #expect(dataset.labelNames == (hasNames ? names : (0..<classCount).map(String.init)))
      #expect(
        dataset.imageShape
          == ImageShape(channels: extents[0], height: extents[1], width: extents[2]))
      for (place, found) in [training, test].enumerated() {
        #expect(found.pixels.tensor.values == pixels[place] && found.labels == labels[place])
        #expect(found.pixels.imageShape == dataset.imageShape)
      }
      #expect(training.indices + test.indices == Array(0..<training.count + test.count))
    }
  }

  private static func integers(_ values: [Int], _ type: String) -> Data {
    switch type {
    case "U8", "I8": rawBytes(values.map(UInt8.init))
    case "U16", "I16": rawBytes(values.map(UInt16.init))
    case "U32", "I32": rawBytes(values.map(UInt32.init))
    default: rawBytes(values.map(UInt64.init))
    }
  }

  // MARK: What is refused

  private func failure(
    _ change: (inout RawSafetensors) -> Void, sourceLocation: SourceLocation = #_sourceLocation
  ) -> DatasetError? {
    var file = Self.plain()
    change(&file)
    return #expect(throws: DatasetError.self, sourceLocation: sourceLocation) {
      try Self.read(file)
    }
  }

  private func wrong(
    _ error: DatasetError?, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    Issue.record("threw \(String(describing: error))", sourceLocation: sourceLocation)
  }

  @Test(
    "without one of their tensors, or with one of another type or shape, are refused by its name")
  func tensors() throws {
    _ = try Self.read(Self.plain())
    for (place, name) in ["train.images", "train.labels", "test.images", "test.labels"].enumerated()
    {
      var error = failure { $0.entries.remove(at: place) }
      guard case .missingTensor(name, _) = error else { return wrong(error) }
      error = failure { file in
        let count = file.entries[place].shape.reduce(1, *)
        file.entries[place].type = "F64"
        file.entries[place].bytes = Data(count: 8 * count)
      }
      guard case .tensorType(name, _, found: "F64", _) = error else { return wrong(error) }
      error = failure { $0.entries[place].shape.insert(1, at: 0) }
      guard case .tensorShape(name, _, _, _) = error else { return wrong(error) }
    }
    var error = failure { $0.entries[1].type = "BOOL" }
    guard case .tensorType("train.labels", _, found: "BOOL", _) = error else { return wrong(error) }
    error = failure { $0.entries[0] = .init("train.images", "U8", [0, 2, 3, 2], Data()) }
    guard case .noImages = error else { return wrong(error) }
    error = failure { $0.entries[0] = .init("train.images", "U8", [5, 2, 0, 2], Data()) }
    guard case .tensorShape("train.images", _, [5, 2, 0, 2], _) = error else { return wrong(error) }
    error = failure { $0.entries[2].shape = [2, 2, 2, 3] }
    guard
      case .imageShape(
        _, ImageShape(channels: 2, height: 2, width: 3),
        ImageShape(channels: 2, height: 3, width: 2)) =
        error
    else { return wrong(error) }
    error = failure { $0.entries[3] = .init("test.labels", "U8", [3], Data([0, 1, 2])) }
    guard case .labelCount(_, labels: 3, images: 2) = error else { return wrong(error) }
  }

  @Test(
    "with pixels outside [0, 1] or none are refused with the image",
    arguments: [
      -0.001, 1.000001, 255, .infinity, .nan,
    ] as [Float])
  func pixels(_ value: Float) {
    let error = failure {
      $0.entries[2].bytes.replaceSubrange(13 * 4..<14 * 4, with: rawBytes([value]))
    }
    guard case .pixel(let file, image: 1, let found) = error else { return wrong(error) }
    #expect(file.hasPrefix("test.images in ") && "\(found)" == "\(value)")
  }

  @Test("with labels that are no classes are refused, however large they are")
  func labels() {
    var error = failure { $0.entries[3].bytes = rawBytes([Int64(2), -1]) }
    guard case .labelInFile(_, record: 1, label: -1, classCount: 3) = error else {
      return wrong(error)
    }
    // Counted from 1, the first class has no image.
    error = failure { $0.entries[1].bytes = Data([1, 2, 3, 2, 1]) }
    guard case .emptyClass(_, label: 0, classCount: 4) = error else { return wrong(error) }
    error = failure { $0.entries[3].bytes = rawBytes([Int64(3), 0]) }
    guard case .emptyClass(_, label: 3, classCount: 4) = error else { return wrong(error) }
    error = failure { file in
      for place in [1, 3] {
        file.entries[place].bytes.resetBytes(in: 0..<file.entries[place].bytes.count)
      }
    }
    guard case .oneClass = error else { return wrong(error) }
    // A network for so many classes would not fit into any memory.
    error = failure { $0.entries[3].bytes = rawBytes([Int64.max - 1, 0]) }
    guard case .emptyClass(_, label: 3, classCount: .max) = error else { return wrong(error) }
    error = failure { $0.entries[3].bytes = rawBytes([Int64.max, 0]) }
    guard case .labelInFile(_, record: 0, label: .max, _) = error else { return wrong(error) }
    error = failure { file in
      file.entries[3].type = "U64"
      file.entries[3].bytes = rawBytes([UInt64.max, 0])
    }
    guard case .tensorType("test.labels", _, found: "U64 and numbers from 2⁶³ on", _) = error else {
      return wrong(error)
    }
  }

  @Test(
    "name every label once, or are refused",
    arguments: [
      "", "zero, one, two", "[]", "[0, 1, 2]", "{\"0\": \"a\"}", "[\"a\", \"b\", \"a\"]", "null",
    ])
  func names(_ text: String) {
    let error = failure { $0.metadata = [("labelNames", text)] }
    guard case .labelNames(_, text) = error else { return wrong(error) }
  }

  @Test("name all classes, those that no test image has too")
  func numberOfNames() throws {
    var error = failure { $0.metadata = [("labelNames", "[\"a\", \"b\"]")] }
    guard case .labelInFile(_, record: 2, label: 2, classCount: 2) = error else {
      return wrong(error)
    }
    error = failure { $0.metadata = [("labelNames", "[\"a\", \"b\", \"c\", \"d\"]")] }
    guard case .emptyClass(_, label: 3, classCount: 4) = error else { return wrong(error) }
    var file = Self.plain()
    file.metadata = [("labelNames", "[\"a\", \"b\", \"c\"]"), ("note", "anything")]
    #expect(try Self.read(file).dataset.labelNames == ["a", "b", "c"])
  }

  @Test("that are other files are refused with what they are")
  func otherFiles() throws {
    for (bytes, text) in [
      (Data(), "empty"), (Data("PK\u{3}\u{4}".utf8) + Data(count: 60), "zip"),
      (Data([0x1F, 0x8B]) + Data(count: 60), "gunzip"),
      (Data(repeating: 255, count: 60), "convert_dataset.py"),
    ] {
      let error = #expect(throws: DatasetError.self) { try Self.read(Self.plain()) { _ in bytes } }
      #expect(error?.description.contains(text) == true && error?.cause == .data)
    }
    try withTemporaryFolder { folder in
      let error = #expect(throws: DatasetError.self) { try Dataset(safetensors: folder) }
      #expect(error?.cause == .file)
    }
    let device = #expect(throws: DatasetError.self) {
      try Dataset(safetensors: URL(filePath: "/dev/zero"))
    }
    #expect(device?.description.contains("no ordinary file") == true)
  }

  @Test("are refused at worst, whatever was done to their bytes")
  func anything() async {
    let count = Self.plain().encoded().count
    await check(
      "no damage of a data set's bytes does more than refuse it",
      .array(of: .integer(in: 0...count - 1), count: 0...5),
      .array(of: .integer(in: 0...255), count: 5), .integer(in: 0...2 * count), cases: 1000
    ) { (places: [Int], values: [Int], length: Int) in
      do {
        let (dataset, files) = try Self.read(Self.plain()) { bytes in
          var bytes = bytes
          for (place, value) in zip(places, values) { bytes[place] = UInt8(value) }
          return bytes.prefix(length)
        }
        #expect(files.training.pixels.imageShape == dataset.imageShape)
      } catch {
        #expect(error is DatasetError, "\(error)")
        let text = "\(error)"
        #expect(!text.contains { $0.isNewline })
      }
    }
  }
}
