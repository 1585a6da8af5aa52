import Foundation
import NeuralNetwork

/// The binary version of CIFAR-10 and CIFAR-100: records of one or two labels and 3,072 bytes, a
/// plane of 32×32 values for each of red, green and blue.
///
/// Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
struct CIFAR: Sendable {
  static let ten = CIFAR(
    classCount: 10, labelBytes: 1,
    trainingFiles: [(1...5).map { "data_batch_\($0).bin" }], testFiles: [["test_batch.bin"]])
  /// The label is the second byte, the fine one of 100. Parts of the files will do.
  static let hundred = CIFAR(
    classCount: 100, labelBytes: 2, trainingFiles: [["train.bin"], ["train_part_00.bin"]],
    testFiles: [["test.bin"], ["test_part_00.bin"]])

  let classCount: Int
  let labelBytes: Int
  /// Sets of file names, of which the first that is there is read.
  let trainingFiles: [[String]]
  let testFiles: [[String]]

  private static let imageBytes = 3 * 32 * 32
  private var recordBytes: Int { labelBytes + Self.imageBytes }

  /// The images of both files; indices count through the training file and on through the test file.
  func load(from folder: URL?) throws -> (training: LabelledImages, test: LabelledImages) {
    guard let folder else { throw DatasetError.noFolder }
    let training = try images(anyOf: trainingFiles, in: folder, firstIndex: 0)
    let test = try images(anyOf: testFiles, in: folder, firstIndex: training.count)
    return (training, test)
  }

  private func images(
    anyOf choices: [[String]], in folder: URL, firstIndex: Int
  ) throws -> LabelledImages {
    let files = choices.first { names in
      names.allSatisfy { FileManager.default.fileExists(atPath: folder.appending(path: $0).path) }
    }
    guard let files else {
      throw DatasetError.missingFile(
        choices[0].first {
          !FileManager.default.fileExists(atPath: folder.appending(path: $0).path)
        }
          ?? choices[0][0], folder: folder.relativePath)
    }
    var values: [Float] = []
    var labels: [Int] = []
    for name in files {
      let file = folder.appending(path: name)
      let data: Data
      do { data = try Data(contentsOf: file, options: .mappedIfSafe) } catch {
        throw DatasetError.unreadableFile(file.relativePath, reason: error.localizedDescription)
      }
      guard !data.isEmpty, data.count % recordBytes == 0 else {
        throw DatasetError.truncatedFile(
          file.relativePath, bytes: data.count, recordBytes: recordBytes)
      }
      values.reserveCapacity(values.count + data.count)
      try data.withUnsafeBytes { bytes in
        for start in stride(from: 0, to: bytes.count, by: recordBytes) {
          let label = Int(bytes[start + labelBytes - 1])
          guard label < classCount else {
            throw DatasetError.labelInFile(
              file.relativePath, record: start / recordBytes, label: label, classCount: classCount)
          }
          labels.append(label)
          for pixel in bytes[start + labelBytes..<start + recordBytes] {
            values.append(Float(pixel) / 255)
          }
        }
      }
    }
    return try LabelledImages(
      pixels: Pixels(Tensor(values, shape: [labels.count, 3, 32, 32])), labels: labels,
      classCount: classCount, indices: Array(firstIndex..<firstIndex + labels.count))
  }
}
