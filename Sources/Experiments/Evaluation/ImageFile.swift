import Classification
import Datasets
import Foundation
import NeuralNetwork
import Robustness
import Statistics

/// Images of a file, such as an attack of another tool has found, as they are to be scored.
///
/// Where the file says which images of the data set its own were made of, the two are compared: images that
/// were scrambled by mistake are misclassified too, and would pass for a strong attack.
package struct ImageFile: Sendable {
  /// The images with the file's labels. Their indices are the data set's if they were compared with it,
  /// otherwise the file's, or their places in it.
  package let images: LabelledImages
  /// The same images of the data set, with its labels; nil if the file does not say which they are.
  package let originals: LabelledImages?
  /// What records and tables say of the file.
  package let description: EvaluationRecord.Images

  /// Reads "images" [N, C, H, W] in [0, 1], or as bytes (U8) from 0 to 255, "labels" [N], and, where the file
  /// has them, "indices" [N]: the places of the originals, counted through the training file and on through
  /// the test file, or in the test file alone. Metadata "attack", "norm" and "epsilon" say how the images
  /// were made.
  ///
  /// - Throws: `ImageFileError` if a tensor is missing or is no such thing, or if the images are not those of
  ///   the data set at their indices; `SafetensorsError`; and `LabelledImagesError` as `LabelledImages` does.
  package init(_ bytes: Data, of data: DatasetSplit) throws {
    let header = try SafetensorsHeader(bytes)
    let file = try Safetensors(bytes)
    let isBytes = header.entries.first { $0.name == "images" }?.type == .uint8
    let pixels = try Self.pixels(file, isBytes: isBytes, shape: data.test.pixels.imageShape)
    guard let labels = try Self.column("labels", of: file) else {
      throw ImageFileError.missing("labels")
    }
    let given = try LabelledImages(
      pixels: pixels, labels: labels, classCount: data.test.classCount,
      indices: Self.column("indices", of: file))
    guard given.count > 0 else { throw ImageFileError.empty }

    let claim = try Claim(file.metadata)
    var description = EvaluationRecord.Images(
      identity: given.identity, attack: claim.attack, norm: claim.budget?.norm,
      epsilon: claim.budget?.radius,
      model: file.metadata["model"].flatMap { $0.isEmpty ? nil : $0 },
      constant: pixels.constantCount)
    guard file.tensors["indices"] != nil else {
      images = given
      originals = nil
      self.description = description
      return
    }
    let (found, distances, training) = try Self.originals(of: given, in: data, claim: claim)
    images = try LabelledImages(
      pixels: pixels, labels: labels, classCount: given.classCount, indices: found.indices)
    originals = found
    description.comparison = distances.record(
      otherLabels: zip(labels, found.labels).count { $0 != $1 }, training: training,
      beyond: claim.budget.map { distances.countBeyond($0, isEightBit: pixels.areEightBit) })
    self.description = description
  }

  // MARK: Reading

  private static func pixels(
    _ file: Safetensors, isBytes: Bool, shape: ImageShape
  ) throws -> Pixels {
    guard let tensor = file.tensors["images"] else { throw ImageFileError.missing("images") }
    let expected = [shape.channels, shape.height, shape.width]
    guard tensor.shape.count == 4, Array(tensor.shape.dropFirst()) == expected else {
      throw ImageFileError.shape(tensor.shape, expected: shape)
    }
    if isBytes { return try Pixels(tensor.map { $0 / 255 }) }
    let values = tensor.values
    if let place = values.firstIndex(where: { !($0 >= 0 && $0 <= 1) }) {
      throw ImageFileError.scale(
        values[place], image: place / tensor.rowCount, advice: Self.advice(scale: values))
    }
    return try Pixels(tensor)
  }

  /// What to do with values that are not from 0 to 1.
  private static func advice(scale values: [Float]) -> String {
    if values.allSatisfy({ $0 == $0.rounded() && 0...255 ~= $0 }) {
      return "they look like 0 to \(Int(values.max() ?? 0)): divide them, or write bytes as U8"
    }
    return values.allSatisfy { abs($0) <= 1 }
      ? "they look like a scale of ±1: add 1 and divide by 2"
      : "undo the network's own scaling before the file is written"
  }

  private static func column(_ name: String, of file: Safetensors) throws -> [Int]? {
    guard let tensor = file.tensors[name] else { return nil }
    guard tensor.shape.count == 1 else { throw ImageFileError.column(name, tensor.shape) }
    return try tensor.values.map {
      // Float holds whole numbers up to 2²⁴.
      guard $0 >= 0, $0 <= 0x1p24, $0 == $0.rounded() else { throw ImageFileError.number(name, $0) }
      return Int($0)
    }
  }

  /// What the file's metadata say of how its images were made.
  struct Claim {
    var attack: String?
    var budget: PerturbationBudget?

    init(_ metadata: [String: String]) throws {
      attack = metadata["attack"].flatMap { $0.isEmpty ? nil : $0 }
      guard let epsilon = metadata["epsilon"], !epsilon.isEmpty else { return }
      let text = metadata["norm"] ?? "linf"
      guard let norm = PerturbationBudget.Norm(rawValue: text) else {
        throw ImageFileError.norm(text)
      }
      budget = PerturbationBudget(norm, try Epsilon(epsilon, norm: norm))
    }
  }

  // MARK: Comparison

  /// The data set's images at the file's indices. Both ways of counting are tried, and the first by which
  /// the images can have been made of them is taken.
  private static func originals(
    of images: LabelledImages, in data: DatasetSplit, claim: Claim
  ) throws -> (originals: LabelledImages, distances: ImageDistances, training: Int) {
    let all = data.byIndex
    let first = data.test.indices.first ?? 0
    var unknown: Int?
    var refusal: ImageFileError?
    // Some tools count the test images from 0, others go on counting from the training images.
    for offset in first == 0 ? [0] : [0, first] {
      if let index = images.indices.first(where: { all[$0 + offset] == nil }) {
        unknown = unknown ?? index
        continue
      }
      let places = images.indices.compactMap { all[$0 + offset] }
      let originals = try LabelledImages(places, classCount: images.classCount)
      let distances = ImageDistances(images.pixels, originals.pixels)
      guard let problem = distances.problem(claim: claim.budget) else {
        return (originals, distances, places.count { !$0.isTest })
      }
      // If both fail, the error is about the one that comes nearer.
      if refusal == nil || problem.isRecognised { refusal = .otherImages(problem.description) }
    }
    throw refusal ?? .index(unknown ?? 0, images: all.count)
  }
}

extension DatasetSplit {
  /// Where an image stands.
  fileprivate struct Place {
    var part: LabelledImages
    var position: Int
    var isTest: Bool
  }

  /// Every image's place by its index.
  fileprivate var byIndex: [Int: Place] {
    var places: [Int: Place] = [:]
    for (part, isTest) in [(training, false), (validation, false), (test, true)] {
      for (position, index) in part.indices.enumerated() {
        places[index] = Place(part: part, position: position, isTest: isTest)
      }
    }
    return places
  }
}

extension LabelledImages {
  /// The images at some places, in that order.
  fileprivate init(_ places: [DatasetSplit.Place], classCount: Int) throws {
    let rows = places.map { $0.part[[$0.position]] }
    try self.init(
      pixels: Pixels(Tensor.concatenated(rows.map(\.pixels.tensor))),
      labels: rows.map { $0.labels[0] }, classCount: classCount,
      indices: rows.map { $0.indices[0] })
  }
}

extension Pixels {
  /// How many images have the same value at every place.
  var constantCount: Int {
    let width = imageShape.count
    return tensor.withUnsafePointer { values in
      (0..<count).count { n in
        (1..<max(width, 1)).allSatisfy { values[n * width + $0] == values[n * width] }
      }
    }
  }

  /// Whether every value is one of the 256 that eight bits can hold.
  var areEightBit: Bool {
    tensor.values.allSatisfy { ($0 * 255).rounded() / 255 == $0 }
  }
}

/// What can be wrong with a file of images.
package enum ImageFileError: ExplainedError, Equatable {
  case missing(String)
  case empty
  case number(String, Float)
  case column(String, [Int])
  case shape([Int], expected: ImageShape)
  case scale(Float, image: Int, advice: String)
  case norm(String)
  case index(Int, images: Int)
  case otherImages(String)

  package var description: String {
    switch self {
    case .missing(let name):
      "there is no tensor \"\(name)\"; a file of images has images, labels and, if known, indices"
    case .empty: "there are no images in it; write one at least"
    case .number(let name, let value):
      "\(name) holds \(value), which is no whole number from 0 to 16,777,216"
    case .column(let name, let shape):
      "\(name) has shape \(shape); give one number for every image, [N]"
    case .shape(let shape, let expected):
      "images has shape \(shape), the data set's are [N, \(expected.channels), \(expected.height), "
        + "\(expected.width)]"
        + (shape.count == 4 && shape[1] == expected.height && shape[3] == expected.channels
          ? "; channels come first here, so transpose them and make the array contiguous" : "")
    case .scale(let value, let image, let advice):
      "image \(image) holds \(value); pixels are finite and in [0, 1], \(advice)"
    case .norm(let text): "its metadata name the norm \"\(text)\"; linf and l2 are known"
    case .index(let index, let images):
      "index \(index) is no image of the data set, which has \(images); count them from 0, training "
        + "before test, or test images alone"
    case .otherImages(let problem): problem
    }
  }
}
