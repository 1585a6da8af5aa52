import Classification
import Datasets
import Experiments
import Foundation

extension Reader {
  /// Images that another tool attacked, of the digits.
  static let images = Reader("images", change: Changes.safetensors) { data in
    let file = try ImageFile(data, of: digits)
    _ = file.description.text
  }

  private static let digits: DatasetSplit = {
    do { return try Dataset.digits.load(seed: 1) } catch { fatalError("\(error)") }
  }()

  /// A data set of anybody's own.
  static let dataset = Reader("dataset", change: Changes.safetensors) { data in
    try Scratch.with(["x.safetensors": data]) { folder in
      let dataset = try Dataset(safetensors: folder.appending(path: "x.safetensors"))
      _ = try DatasetReport(dataset, in: nil).text
    }
  }

  /// The four files of MNIST's layout. The first byte says which of them the others are.
  static let idx = Reader("idx") { data in
    guard let first = data.first else { return }
    var files = goodIDX
    let names = files.keys.sorted()
    files[names[Int(first) % names.count]] = data.dropFirst()
    try Scratch.with(files) { folder in _ = try Dataset.mnist.files(in: folder) }
  }

  /// Ten images to train on and one to test on.
  private static let goodIDX: [String: Data] = {
    func images(_ count: UInt8) -> Data {
      Data([0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28])
        + Data(repeating: 7, count: Int(count) * 784)
    }
    func labels(_ labels: Range<UInt8>) -> Data {
      Data([0, 0, 8, 1, 0, 0, 0, UInt8(labels.count)] + labels)
    }
    return [
      "train-images-idx3-ubyte": images(10), "train-labels-idx1-ubyte": labels(0..<10),
      "t10k-images-idx3-ubyte": images(1), "t10k-labels-idx1-ubyte": labels(3..<4),
    ]
  }()

  /// The binary files of CIFAR-10 and CIFAR-100, which all hold the same bytes.
  static let cifar = Reader("cifar") { data in
    let isTen = data.first.map { $0 & 0x80 == 0 } ?? true
    let names =
      isTen
      ? (1...5).map { "data_batch_\($0).bin" } + ["test_batch.bin"] : ["train.bin", "test.bin"]
    let files = Dictionary(uniqueKeysWithValues: names.map { ($0, data.dropFirst()) })
    try Scratch.with(files) { folder in
      guard !isTen else { return _ = try Dataset.cifar10.files(in: folder) }
      _ = try Dataset.cifar100.files(in: folder)
      _ = try Dataset.cifar100Coarse.files(in: folder)
    }
  }
}
