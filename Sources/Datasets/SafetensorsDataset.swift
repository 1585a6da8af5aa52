import Classification
import Foundation
import NeuralNetwork

extension Dataset {
  /// A data set of anybody's own, in one safetensors file: tensors "train.images" and "test.images",
  /// [N, C, H, W], as U8 from 0 to 255 or as F32 in [0, 1], and "train.labels" and "test.labels", [N], of
  /// any type of whole numbers.
  ///
  /// The metadata may name the labels 0, 1, … under "labelNames", a JSON list of texts; otherwise there are as
  /// many classes as the largest label says. Every class must have a training image, so that labels which
  /// are counted from 1, or read wrongly, are noticed. The data set's name is the file's, with its
  /// extension, which keeps it apart from the known ones; indices count through the training images and on
  /// through the test images.
  ///
  /// - Throws: `DatasetError`.
  public init(safetensors file: URL) throws(DatasetError) {
    let contents = try SafetensorsDataset(file)
    let (shape, name) = (contents.imageShape, file.lastPathComponent.printable)
    self.init(
      name: name, imageShape: shape, labelNames: contents.labelNames,
      training: max(shape.height, shape.width) <= 16
        ? .tiny
        // No cropping and flipping, as a mirrored image may belong to another class.
        : .small.with { $0.cropPadding = nil },
      source: .atHand { (try contents.images(.training), try contents.images(.test)) })
  }

  /// Whether a file is meant as a data set: whether it has one at least of the four tensors.
  package static func isHeld(by header: SafetensorsHeader) -> Bool {
    let names = [SafetensorsDataset.Part.training, .test].flatMap { [$0.images, $0.labels] }
    return header.entries.contains { names.contains($0.name) }
  }
}

/// A safetensors file in which everything but the values of the pixels has been checked.
private struct SafetensorsDataset: Sendable {
  /// The tensors of a part of the data set, by the beginning of their names.
  enum Part: String, Sendable {
    case training = "train"
    case test

    var images: String { "\(rawValue).images" }
    var labels: String { "\(rawValue).labels" }
  }

  /// The key of the metadata under which labels have names.
  static let labelNamesKey = "labelNames"

  let imageShape: ImageShape
  let labelNames: [String]
  private let file: DataFile
  private let header: SafetensorsHeader
  private let labels: [Part: [Int]]

  init(_ url: URL) throws(DatasetError) {
    file = try DataFile(url)
    let contents = try file.contents
    do throws(SafetensorsError) { header = try SafetensorsHeader(contents) } catch {
      throw .safetensors(file.path, error)
    }
    imageShape = try Self.shape(.training, header, file)
    let testShape = try Self.shape(.test, header, file)
    guard testShape == imageShape else {
      throw .imageShape(
        "\(Part.test.images) in \(file.path)", found: testShape, expected: imageShape)
    }

    let training = try Self.labels(.training, header, file, contents)
    let test = try Self.labels(.test, header, file, contents)
    labels = [.training: training, .test: test]
    let names = try Self.names(header, file)
    // The label `Int.max` is refused below: the number of its classes would be too large for an `Int`.
    let largest = (training + test).reduce(0, max)
    let classCount = names?.count ?? (largest < .max ? largest + 1 : .max)
    for (part, values) in [(Part.training, training), (.test, test)] {
      if let bad = values.firstIndex(where: { !(0..<classCount ~= $0) }) {
        throw .labelInFile(
          "\(part.labels) in \(file.path)", record: bad, label: values[bad],
          classCount: classCount)
      }
    }
    // Quick however large a label is: the search below ends at the first class without images.
    guard classCount > 1 else { throw .oneClass(file.path) }
    let present = Set(training)
    if let missing = (0..<classCount).first(where: { !present.contains($0) }) {
      throw .emptyClass(file.path, label: missing, classCount: classCount)
    }
    labelNames = names ?? (0..<classCount).map(String.init)
  }

  /// The images of a part with their labels.
  func images(_ part: Part) throws -> LabelledImages {
    let labels = labels[part, default: []]
    let entry = try Self.entry(part.images, header, file)
    let (width, start) = (imageShape.count, entry.bytes.lowerBound)
    let pixels = Pixels(count: labels.count, imageShape: imageShape) { [file] place, values in
      if entry.type == .uint8 {
        file.readLevels(at: start + place * width, count: width, into: values)
      } else {
        file.readValues(at: start + 4 * place * width, count: width, into: values)
      }
    }
    if entry.type == .float32 { try check(pixels, of: part) }
    let first = part == .training ? 0 : self.labels[.training, default: []].count
    return try LabelledImages(
      pixels: pixels, labels: labels, classCount: labelNames.count,
      indices: Array(first..<first + labels.count))
  }

  private func check(_ pixels: Pixels, of part: Part) throws(DatasetError) {
    for image in 0..<pixels.count {
      let bad = pixels.withImage(image) { values in
        (0..<imageShape.count).lazy.map { values[$0] }.first { !($0 >= 0 && $0 <= 1) }
      }
      if let bad {
        throw .pixel("\(part.images) in \(file.path)", image: image, value: bad)
      }
    }
  }

  // MARK: Reading

  private static func entry(
    _ name: String, _ header: SafetensorsHeader, _ file: DataFile
  ) throws(DatasetError) -> SafetensorsHeader.Entry {
    guard let entry = header.entries.first(where: { $0.name == name }) else {
      throw .missingTensor(name, file: file.path)
    }
    return entry
  }

  private static func shape(
    _ part: Part, _ header: SafetensorsHeader, _ file: DataFile
  ) throws(DatasetError) -> ImageShape {
    let entry = try entry(part.images, header, file)
    guard entry.type == .uint8 || entry.type == .float32 else {
      throw .tensorType(
        entry.name, file: file.path, found: entry.type.rawValue,
        expected: "bytes from 0 to 255 (U8), or F32 from 0 to 1")
    }
    let shape = entry.shape
    guard shape.count == 4, !shape.dropFirst().contains(0) else {
      throw .tensorShape(
        entry.name, file: file.path, found: shape,
        expected: "[images, channels, height, width]")
    }
    guard shape[0] > 0 else { throw .noImages("\(entry.name) of \(file.path)") }
    return ImageShape(channels: shape[1], height: shape[2], width: shape[3])
  }

  private static func labels(
    _ part: Part, _ header: SafetensorsHeader, _ file: DataFile, _ contents: Data
  ) throws(DatasetError) -> [Int] {
    let entry = try entry(part.labels, header, file)
    let images = try Self.entry(part.images, header, file).shape[0]
    guard entry.type.isInteger, entry.type != .boolean else {
      throw .tensorType(
        entry.name, file: file.path, found: entry.type.rawValue,
        expected: "whole numbers, such as U8 or I64")
    }
    guard entry.shape.count == 1 else {
      throw .tensorShape(
        entry.name, file: file.path, found: entry.shape, expected: "one number for every image, [N]"
      )
    }
    guard entry.count == images else {
      throw .labelCount(
        "\(part.labels) in \(file.path)", labels: entry.count, images: images)
    }
    guard let labels = entry.integers(in: contents) else {
      throw .tensorType(
        entry.name, file: file.path, found: "\(entry.type.rawValue) and numbers from 2⁶³ on",
        expected: "whole numbers from 0")
    }
    return labels
  }

  /// What the metadata call the labels; nil if they say nothing.
  private static func names(
    _ header: SafetensorsHeader, _ file: DataFile
  ) throws(DatasetError) -> [String]? {
    guard let text = header.metadata[labelNamesKey] else { return nil }
    guard let names = try? JSONDecoder().decode([String].self, from: Data(text.utf8)),
      !names.isEmpty, Set(names).count == names.count
    else { throw .labelNames(file.path, found: text) }
    return names
  }
}
