import Classification
import Foundation
import Statistics

/// Four IDX files in a folder: images and labels to train on, images and labels to test on.
///
/// An IDX file begins with four bytes, 0, 0, 8 for unsigned bytes and the number of dimensions; then come their
/// extents, 32 bits each with the highest byte first, and the values. Source: LeCun, Cortes and Burges, "The MNIST
/// database of handwritten digits", yann.lecun.com/exdb/mnist.
struct IDXFolder: Sendable {
  /// What the folder has to hold, in words.
  static let contents =
    "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte"

  /// The extents of every image; one channel.
  let imageShape: ImageShape
  let classCount: Int

  /// The images of both files; indices count through the training file and on through the test file.
  ///
  /// - Throws: `DatasetError`.
  func load(from folder: URL) throws -> Dataset.Files {
    let training = try images("train", in: folder, firstIndex: 0)
    let present = Set(training.labels)
    if let missing = (0..<classCount).first(where: { !present.contains($0) }) {
      throw DatasetError.emptyClass(
        folder.relativePath, label: missing, classCount: classCount)
    }
    return (training, try images("t10k", in: folder, firstIndex: training.count))
  }

  private func images(
    _ part: String, in folder: URL, firstIndex: Int
  ) throws -> LabelledImages {
    // The files circulate under two names: with a hyphen before "idx" and with a dot.
    func array(_ what: String, rank: Int) throws(DatasetError) -> IDXArray {
      try IDXArray(
        DataFile.first(
          of: ["-", "."].map { "\(part)-\(what)\($0)idx\(rank)-ubyte" }, in: folder), rank: rank)
    }
    let images = try array("images", rank: 3)
    let shape = ImageShape(channels: 1, height: images.extents[1], width: images.extents[2])
    guard shape == imageShape else {
      throw DatasetError.imageShape(images.file.path, found: shape, expected: imageShape)
    }
    let count = images.extents[0]
    guard count > 0 else { throw DatasetError.noImages(images.file.path) }
    let labels = try array("labels", rank: 1)
    guard labels.extents[0] == count else {
      throw DatasetError.labelCount(
        labels.file.path, labels: labels.extents[0], images: count)
    }
    let values = try labels.file.bytes(at: labels.start, count: count).map(Int.init)
    if let bad = values.firstIndex(where: { $0 >= classCount }) {
      throw DatasetError.labelInFile(
        labels.file.path, record: bad, label: values[bad], classCount: classCount)
    }
    return try LabelledImages(
      pixels: Pixels(count: count, imageShape: shape) {
        [file = images.file, start = images.start] in
        file.readLevels(at: start + $0 * shape.count, count: shape.count, into: $1)
      }, labels: values, classCount: classCount,
      indices: Array(firstIndex..<firstIndex + count))
  }
}

/// An array of bytes in an IDX file.
private struct IDXArray {
  let file: DataFile
  let extents: [Int]
  /// Where the values begin, the last dimension's side by side.
  let start: Int

  /// - Throws: `DatasetError` unless the file holds an array of bytes with `rank` dimensions, and as many
  ///   bytes as its extents say.
  init(_ file: DataFile, rank: Int) throws(DatasetError) {
    start = 4 + 4 * rank
    let head = try file.bytes(at: 0, count: start)
    let reader = ByteReader(Data(head))
    /// 0 behind the end, of which there is none within the head.
    func number(_ place: Int) -> UInt32 { (reader.value(at: 4 * place) ?? 0 as UInt32).byteSwapped }
    let expected = UInt32(0x0800 + rank)
    if head.starts(with: [0x1F, 0x8B]) { throw .compressedFile(file.path) }
    guard head.count == start else {
      throw .shortHeader(file.path, bytes: file.count, header: start)
    }
    guard number(0) == expected else {
      throw .wrongKind(file.path, found: number(0), expected: expected)
    }
    let extents = (1...rank).map(number)
    let bytes = file.count - start
    guard extents.map(Int.init).product(atMost: .max) == bytes else {
      throw .extents(file.path, extents, bytes: bytes)
    }
    self.file = file
    self.extents = extents.map(Int.init)
  }
}
