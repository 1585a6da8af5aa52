import Datasets
import NeuralNetwork

extension LabelledImages {
  /// Images of a file: "images" [N, C, H, W] in [0, 1], "labels" [N], and "indices" [N], which count from 0
  /// if the file has none.
  ///
  /// - Throws: `ImageFileError` if a tensor is missing or holds no whole numbers, `PixelsError` and
  ///   `DatasetError` as the initialisers do.
  package init(file: Safetensors, classCount: Int) throws {
    func column(_ name: String) throws -> [Int]? {
      guard let tensor = file.tensors[name] else { return nil }
      return try tensor.values.map {
        // Float holds whole numbers up to 2²⁴.
        guard $0 >= 0, $0 <= 0x1p24, $0 == $0.rounded() else {
          throw ImageFileError.number(name, $0)
        }
        return Int($0)
      }
    }
    guard let images = file.tensors["images"] else { throw ImageFileError.missing("images") }
    guard let labels = try column("labels") else { throw ImageFileError.missing("labels") }
    try self.init(
      pixels: Pixels(images), labels: labels, classCount: classCount, indices: column("indices"))
  }
}

/// What can be wrong with a file of images.
package enum ImageFileError: Error, Equatable, CustomStringConvertible {
  case missing(String)
  case number(String, Float)

  package var description: String {
    switch self {
    case .missing(let name):
      "there is no tensor \"\(name)\"; a file of images has images, labels and, if known, indices"
    case .number(let name, let value):
      "\(name) holds \(value), which is no whole number from 0 to 16,777,216"
    }
  }
}
