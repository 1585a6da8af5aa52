import Classification
import Datasets
import Foundation
import PropertyChecks
import PropertyTesting
import Statistics
import TestSupport
import Testing

@Suite("The IDX files of MNIST and its like")
struct IDXTests {
  /// The first digits of either file, every pixel nine times and a frame of two: 28×28 bytes. Their labels
  /// are 0 to 9.
  private static func digits() throws -> IDXFiles {
    func part(_ images: LabelledImages) -> (images: [[UInt8]], labels: [UInt8]) {
      let images = images[0..<20]
      let rows = (0..<images.count).map { n in
        let values = images.pixels[[n]].tensor.values
        return (0..<28 * 28).map { place in
          let (row, column) = ((place / 28 - 2), (place % 28 - 2))
          guard 0..<24 ~= row, 0..<24 ~= column else { return UInt8(0) }
          return UInt8(values[row / 3 * 8 + column / 3] * 240)
        }
      }
      return (rows, images.labels.map(UInt8.init))
    }
    return IDXFiles(
      height: 28, width: 28, training: part(try Digits.training()), test: part(try Digits.test()))
  }

  @Test(
    "hold the digits that were written, with a hyphen in their names or a dot",
    arguments: [Dataset.mnist.name, Dataset.fashionMNIST.name], ["-", "."])
  func digits(_ name: String, _ separator: String) throws {
    let dataset = try #require(Dataset.named(name))
    var written = try Self.digits()
    let renamed = written.files.map { ($0.replacing("-idx", with: "\(separator)idx"), $1) }
    written.files = Dictionary(uniqueKeysWithValues: renamed)
    try withTemporaryFolder { folder in
      try written.write(to: folder)
      let (training, test) = try dataset.files(in: folder)
      for (found, original, first) in [
        (training, try Digits.training(), 0), (test, try Digits.test(), 20),
      ] {
        #expect(found.labels == Array(original.labels[0..<20]) && found.classCount == 10)
        #expect(found.indices == Array(first..<first + 20))
        for n in 0..<20 {
          let (image, digit) = (found.pixels[[n]].tensor, original.pixels[[n]].tensor)
          #expect(image.shape == [1, 1, 28, 28])
          for (row, column) in [(2, 2), (4, 25), (13, 14), (25, 25), (20, 3)] {
            let level = digit[(row - 2) / 3 * 8 + (column - 2) / 3] * 240
            #expect(image[row * 28 + column] == level / 255)
          }
          #expect(image[0] == 0 && image[28 * 28 - 1] == 0)
        }
      }
    }
  }

  @Test("give every byte divided by 255 back, at its place")
  func roundTrip() async {
    await check(
      "an image read is the image written",
      .integer(in: 10...12), .array(of: .integer(in: 0...255), count: 64), .integer(in: 0...9)
    ) { (count: Int, bytes: [Int], shift: Int) in
      let images: [[UInt8]] = (0..<count).map { (n: Int) -> [UInt8] in
        (0..<784).map { (place: Int) -> UInt8 in UInt8(bytes[(7 * n + place) % 64] ^ (place & 0x55))
        }
      }
      let labels: [UInt8] = (0..<count).map { UInt8(($0 + shift) % 10) }
      let expected: [Float] = images.joined().map { Float($0) / 255 }
      try withTemporaryFolder { folder in
        try IDXFiles(
          height: 28, width: 28, training: (images, labels),
          test: (Array(images.prefix(1)), [UInt8(shift)])
        ).write(to: folder)
        let (training, test) = try Dataset.mnist.files(in: folder)
        #expect(training.pixels.tensor.values == expected)
        #expect(training.labels == labels.map(Int.init) && test.indices == [count])
      }
    }
  }

  /// What is thrown when files are changed before they are read.
  private func failure(
    _ change: (inout IDXFiles) throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> DatasetError? {
    var files = try Self.digits()
    try change(&files)
    return try withTemporaryFolder { folder in
      try files.write(to: folder)
      return #expect(throws: DatasetError.self, sourceLocation: sourceLocation) {
        try Dataset.mnist.files(in: folder)
      }
    }
  }

  private let images = "train-images-idx3-ubyte"
  private let labels = "t10k-labels-idx1-ubyte"

  @Test("that are damaged are refused with what is wrong")
  func damaged() throws {
    var error = try failure { $0.files[images] = Data() }
    guard case .shortHeader(_, bytes: 0, header: 16) = error else { return wrong(error) }
    error = try failure { $0.files[images] = $0.files[images]?.prefix(15) }
    guard case .shortHeader(_, bytes: 15, header: 16) = error else { return wrong(error) }
    error = try failure { $0.files[images] = $0.files[images]?.dropLast() }
    guard case .extents(_, [20, 28, 28], bytes: 15679) = error else { return wrong(error) }
    error = try failure { $0.files[labels]?.append(0) }
    guard case .extents(_, [20], bytes: 21) = error else { return wrong(error) }
    // 2³²−1 in every extent: their product is no number of 64 bits.
    error = try failure {
      $0.files[images]?.replaceSubrange(4..<16, with: Data(repeating: 255, count: 12))
    }
    guard case .extents(_, [.max, .max, .max], bytes: 15680) = error else { return wrong(error) }
    error = try failure { $0.files[images] = IDXFiles.file([0, 28, 28], []) }
    guard case .noImages = error else { return wrong(error) }
    error = try failure {
      $0.files[images] = IDXFiles.file([20, 14, 56], [UInt8](repeating: 0, count: 15680))
    }
    guard
      case .imageShape(
        _, ImageShape(channels: 1, height: 14, width: 56), Dataset.mnist.imageShape) = error
    else { return wrong(error) }
    error = try failure { $0.files[labels] = IDXFiles.file([19], [UInt8](repeating: 0, count: 19)) }
    guard case .labelCount(_, labels: 19, images: 20) = error else { return wrong(error) }
    error = try failure { $0.files[labels]?[8 + 7] = 10 }
    guard case .labelInFile(_, record: 7, label: 10, classCount: 10) = error else {
      return wrong(error)
    }
    error = try failure {
      $0.files["train-labels-idx1-ubyte"] = IDXFiles.file([20], [UInt8](repeating: 3, count: 20))
    }
    guard case .emptyClass(_, label: 0, classCount: 10) = error else { return wrong(error) }
  }

  private func wrong(
    _ error: DatasetError?, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    Issue.record("threw \(String(describing: error))", sourceLocation: sourceLocation)
  }

  @Test("of another kind are known by their first bytes")
  func kinds() throws {
    // Labels in the place of images, signed bytes, lowest byte first.
    for (head, found) in [
      ([0, 0, 8, 1], 0x801), ([0, 0, 9, 3], 0x903), ([3, 8, 0, 0], 0x0308_0000),
    ] as [([UInt8], UInt32)] {
      let error = try failure { $0.files[images]?.replaceSubrange(0..<4, with: head) }
      guard case .wrongKind(_, found, expected: 0x803) = error else { return wrong(error) }
      #expect(error?.cause == .data)
    }
  }

  @Test("that are compressed are to be unpacked, under their own names or with .gz behind them")
  func compressed() throws {
    var error = try failure { $0.files[images] = Data([0x1F, 0x8B, 8, 0]) + Data(count: 100) }
    guard case .compressedFile(let file) = error else { return wrong(error) }
    #expect(file.hasSuffix(images))
    error = try failure { $0.files["\(labels).gz"] = $0.files.removeValue(forKey: labels) }
    guard case .compressedFile(let file) = error else { return wrong(error) }
    #expect(file.hasSuffix("\(labels).gz") && error?.description.contains("gunzip") == true)
  }

  @Test("are refused at worst, whatever was done to their bytes")
  func anything() async throws {
    let files = try Self.digits()
    let names = files.files.keys.sorted()
    await check(
      "no damage of an IDX file does more than refuse it",
      .element(of: names), .array(of: .integer(in: 0...23), count: 0...4),
      .array(of: .integer(in: 0...255), count: 4), .integer(in: 0...100), cases: 300
    ) { (name: String, places: [Int], values: [Int], share: Int) in
      var damaged = files
      var bytes = try #require(files.files[name])
      for (place, value) in zip(places, values) { bytes[place] = UInt8(value) }
      damaged.files[name] = bytes.prefix(bytes.count * share / 100)
      try withTemporaryFolder { folder in
        try damaged.write(to: folder)
        do {
          let (training, test) = try Dataset.mnist.files(in: folder)
          #expect(training.count == 20 && test.count == 20)
        } catch { #expect(error is DatasetError, "\(error)") }
      }
    }
  }
}
