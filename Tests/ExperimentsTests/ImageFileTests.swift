import Classification
import Datasets
import Experiments
import Foundation
import Kernels
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import TestSupport
import Testing

@Suite("Files of images that other tools wrote")
struct ImageFileTests {
  /// Colour images whose training file holds 30, of which 5 validate, and whose test file holds 24.
  private let colour: DatasetSplit

  init() throws {
    let all = try randomImages(
      54, shape: ImageShape(channels: 3, height: 6, width: 6), classCount: 4, seed: 1)
    colour = try DatasetSplit(
      trainingFile: all[0..<30], test: all[30..<54], validationCount: 5, seed: 1)
  }

  private func column(_ values: [Int]) throws -> Tensor {
    try Tensor(values.map(Float.init), shape: [values.count])
  }

  /// The file of some test images, changed.
  private func file(
    _ images: LabelledImages, indices: [Int]? = nil, labels: [Int]? = nil, hasIndices: Bool = true,
    metadata: [String: String] = [:], _ change: (Tensor) throws -> Tensor = { $0 }
  ) throws -> Data {
    var tensors = [
      "images": try change(images.pixels.tensor), "labels": try column(labels ?? images.labels),
    ]
    if hasIndices { tensors["indices"] = try column(indices ?? images.indices) }
    return try Safetensors(tensors: tensors, metadata: metadata).encoded()
  }

  private func noise(_ radius: Float, seed: UInt64 = 1) -> (Tensor) -> Tensor {
    { tensor in
      var stream = RandomStream(RandomKey(seed: seed, purpose: .test))
      return tensor.map { min(max($0 + radius * (2 * stream.uniform() - 1), 0), 1) }
    }
  }

  @Test("are held against the data set's images, and what they differ by is told")
  func compared() throws {
    let images = colour.test[0..<10]
    let metadata = ["attack": "pgd", "norm": "linf", "epsilon": "1/10"]
    let found = try ImageFile(
      try file(images, metadata: metadata) { tensor in
        var moved = noise(0.1)(tensor)
        // The first image is left as it was.
        moved.withUnsafeMutablePointer { moved in
          tensor.withUnsafePointer { moved.update(from: $0, count: tensor.rowCount) }
        }
        return moved
      }, of: colour)
    #expect(found.images.indices == images.indices && found.images.labels == images.labels)
    #expect(found.originals?.pixels == images.pixels)
    let comparison = try #require(found.description.comparison)
    #expect(comparison.unchanged == 1 && comparison.beyond == 0 && comparison.otherLabels == 0)
    #expect(comparison.training == 0)
    #expect(0.09...0.1 ~= comparison.medianLinf && comparison.largestLinf <= 0.1 + 0x1p-22)
    // Of 108 values a few are clamped; E u² = ε²/3.
    let expected = 0.1 * (108.0 / 3).squareRoot()
    #expect(0.8 * expected...1.1 * expected ~= comparison.medianL2)
    let text = found.description.text
    #expect(text.contains("the file's pgd, linf 1/10") && text.contains("1 unchanged, 0 constant"))
  }

  @Test("may count the test images from 0; they get the data set's indices all the same")
  func countedFromZero() throws {
    let images = colour.test[[3, 9, 4]]
    let found = try ImageFile(
      try file(images, indices: [3, 9, 4], noise(0.05)), of: colour)
    #expect(found.images.indices == images.indices && found.images.labels == images.labels)
    // What is counted as the data set counts is not taken for anything else.
    let training = colour.training[0..<3]
    let own = try ImageFile(try file(training), of: colour)
    #expect(own.images.indices == training.indices && own.description.comparison?.training == 3)
  }

  @Test("that were scrambled on their way are refused, and what was done is named")
  func scrambled() throws {
    let images = colour.test[0..<12]
    let (count, side) = (12, 6)
    /// Another order of the same values.
    func moved(_ source: @escaping (Int, Int, Int, Int) -> Int) -> (Tensor) throws -> Tensor {
      { tensor in
        var values: [Float] = []
        for n in 0..<count {
          for c in 0..<3 {
            for h in 0..<side { for w in 0..<side { values.append(tensor[source(n, c, h, w)]) } }
          }
        }
        return try Tensor(values, shape: tensor.shape)
      }
    }
    func place(_ n: Int, _ c: Int, _ h: Int, _ w: Int) -> Int {
      ((n * 3 + c) * side + h) * side + w
    }
    // Channels last: the value at the k-th place of memory is that of pixel k / 3, channel k % 3.
    func pixelOrder(_ n: Int, _ c: Int, _ h: Int, _ w: Int) -> Int {
      let k = (c * side + h) * side + w
      return place(n, k % 3, k / 3 / side, k / 3 % side)
    }
    // Column-major: in memory the first extent runs fastest.
    func columnMajor(_ n: Int, _ c: Int, _ h: Int, _ w: Int) -> Int {
      let k = place(n, c, h, w)
      return place(k % 12, k / 12 % 3, k / 36 % side, k / 216)
    }
    let mistakes: [(String, (Tensor) throws -> Tensor)] = [
      ("rows and columns", moved { place($0, $1, $3, $2) }),
      ("channels come last", moved(pixelOrder)), ("column-major", moved(columnMajor)),
      ("opposite order", moved { place($0, 2 - $1, $2, $3) }),
      ("left and right", moved { place($0, $1, $2, 5 - $3) }),
      ("top and bottom", moved { place($0, $1, 5 - $2, $3) }),
      ("negatives", { $0.map { 1 - $0 } }), ("too dark", { $0.map { $0 / 255 } }),
    ]
    for (says, mistake) in mistakes {
      // With a perturbation before it, as an attack would leave.
      for radius in [0, 0.06] as [Float] {
        let bytes = try file(images) { try mistake(noise(radius)($0)) }
        let error = #expect(throws: ImageFileError.self, "\(says)") {
          try ImageFile(bytes, of: colour)
        }
        #expect(error?.description.contains(says) == true, "\(says): \(error?.description ?? "")")
      }
    }
  }

  @Test("under the indices of others, or that nobody knows, are refused")
  func strangers() throws {
    let images = colour.test[0..<12]
    func refusal(_ bytes: Data) -> String {
      do {
        _ = try ImageFile(bytes, of: colour)
        return "accepted"
      } catch { return "\(error)" }
    }
    let rotated = Array(images.indices[1...] + [images.indices[0]])
    #expect(
      refusal(try file(images, indices: rotated)).contains(
        "the indices are not those of the images"))
    let others = try randomImages(
      12, shape: images.pixels.imageShape, classCount: 4, seed: 9)
    #expect(refusal(try file(others, indices: images.indices)).contains("not the data set's"))
    #expect(refusal(try file(images, indices: Array(100..<112))).contains("index 100 is no image"))
    #expect(refusal(try file(images[[0, 1, 0]])).contains("both have index 30"))
    #expect(refusal(try file(images[[Int]()])).contains("no images"))
  }

  @Test("may be as far from the originals as they say, and no further without being told")
  func radius() throws {
    let images = colour.test[0..<12]
    func found(_ radius: Float, claim: String?, norm: String = "linf") throws -> ImageFile {
      var metadata = ["attack": "a"]
      if let claim { (metadata["epsilon"], metadata["norm"]) = (claim, norm) }
      return try ImageFile(
        try file(images, metadata: metadata) { tensor in
          var stream = RandomStream(RandomKey(seed: 3, purpose: .test))
          return tensor.map { value in
            stream.next() & 1 == 0 ? max(value - radius, 0) : min(value + radius, 1)
          }
        }, of: colour)
    }
    #expect(try found(0.9, claim: "1").description.comparison?.beyond == 0)
    #expect(try found(0.9, claim: "19/20").description.comparison?.beyond == 0)
    #expect(throws: ImageFileError.self) { try found(0.9, claim: nil) }
    #expect(throws: ImageFileError.self) { try found(0.9, claim: "1/10") }
    #expect(try found(0.11, claim: "1/10").description.comparison?.beyond == 12)
    // A rounding of Float32 further is no further.
    #expect(try found(Float(0.1).nextUp, claim: "1/10").description.comparison?.beyond == 0)
    #expect(try found(0.1, claim: "1/10", norm: "l2").description.comparison?.beyond == 12)
    #expect(try found(0.1, claim: "2", norm: "l2").description.comparison?.beyond == 0)
    #expect(throws: EpsilonError.self) { try found(0.1, claim: "2") }
    #expect(throws: ImageFileError.norm("l1")) { try found(0.1, claim: "1", norm: "l1") }
  }

  @Test("that were cut to eight bits may lie one level outside, and are read as bytes")
  func eightBits() throws {
    let images = colour.test[0..<12]
    let metadata = ["attack": "a", "norm": "linf", "epsilon": "8/255"]
    func cut(_ rule: FloatingPointRoundingRule) throws -> Int? {
      try ImageFile(
        try file(images, metadata: metadata) { tensor in
          tensor.map { (min($0 + 8 / 255, 1) * 255).rounded(rule) / 255 }
        }, of: colour
      ).description.comparison?.beyond
    }
    #expect(try cut(.down) == 0 && cut(.toNearestOrEven) == 0 && cut(.up) == 0)
    // Two levels are not rounding.
    let beyond = try ImageFile(
      try file(images, metadata: metadata) { tensor in
        tensor.map { (min($0 + 10 / 255, 1) * 255).rounded(.up) / 255 }
      }, of: colour
    ).description.comparison?.beyond
    #expect(beyond == 12)
  }

  @Test("with other labels than the data set's, or without indices, say so before any figure")
  func warnings() throws {
    let images = colour.test[0..<10]
    let other = try ImageFile(
      try file(images, labels: images.labels.map { ($0 + 1) % 4 }), of: colour)
    #expect(other.description.comparison?.otherLabels == 10)
    #expect(other.originals?.labels == images.labels)
    let alone = try ImageFile(try file(images, hasIndices: false), of: colour)
    #expect(alone.originals == nil && alone.description.comparison == nil)
    #expect(alone.images.indices == Array(0..<10))
    #expect(alone.description.text.contains("not compared with the data set"))
  }

  @Test("of one value throughout are counted")
  func constant() throws {
    let bytes = try file(colour.test[0..<10], hasIndices: false) { tensor in
      let width = tensor.rowCount
      var tensor = tensor
      tensor.withUnsafeMutablePointer { values in
        for place in 0..<2 * width { values[place] = 0 }
      }
      return tensor
    }
    #expect(try ImageFile(bytes, of: colour).description.constant == 2)
  }

  @Test("are what they hold, in whatever order, and whatever else is in the file")
  func identity() throws {
    let images = colour.test[0..<4]
    func identity(_ bytes: Data) throws -> String {
      try ImageFile(bytes, of: colour).description.identity
    }
    let own = try identity(try file(images))
    #expect(try identity(try file(images, metadata: ["a": "b", "attack": "pgd"])) == own)
    #expect(try identity(try file(images, noise(0.01))) != own)
  }

  @Test("on another scale, or of another shape, are refused with what to do")
  func scale() throws {
    let images = colour.test[0..<4]
    let cases: [(String, (Tensor) throws -> Tensor)] = [
      ("0 to 255", { $0.map { ($0 * 255).rounded() } }), ("±1", { $0.map { 2 * $0 - 1 } }),
      ("own scaling", { $0.map { 3 * ($0 - 0.5) } }),
      ("channels come first", { try Tensor($0.values, shape: [4, 6, 6, 3]) }),
      ("[N, 3, 6, 6]", { try Tensor($0.values, shape: [4, 108]) }),
    ]
    for (says, change) in cases {
      let bytes = try file(images, hasIndices: false, change)
      let error = #expect(throws: ImageFileError.self) { try ImageFile(bytes, of: colour) }
      #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }
  }
}
