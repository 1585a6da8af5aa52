import Statistics

/// A batch of images [N, C, H, W] on the pixel scale: finite values in [0, 1].
///
/// The only scale on which data sets, attacks and defences speak; a network's own scale (often ±1)
/// stays inside its classifier.
public struct Pixels: Sendable {
  /// As they are kept.
  private enum Storage: Sendable {
    case values(Tensor)
    /// Elsewhere, such as in a file, from where each image is read when it is used. Sets of images of one
    /// file share the reader; `places` tells where each image stands.
    case elsewhere(Reader, places: [Int])
  }

  /// Writes the values of the image at a place, [C, H, W], in [0, 1]: always the same ones, from any thread.
  package typealias Reader = @Sendable (_ place: Int, _ values: UnsafeMutablePointer<Float>) -> Void

  private let storage: Storage
  /// [N, C, H, W].
  private let shape: [Int]

  /// The values, [N, C, H, W]. Pixels that are kept elsewhere are read anew each time.
  public var tensor: Tensor {
    switch storage {
    case .values(let tensor): return tensor
    case .elsewhere:
      var tensor = Tensor(uninitialized: shape)
      tensor.withUnsafeMutablePointer { write(0..<count, to: $0) }
      return tensor
    }
  }

  /// Checked pixels.
  ///
  /// - Throws: `PixelsError` unless the tensor has four dimensions and finite values in [0, 1].
  public init(_ tensor: Tensor) throws(PixelsError) {
    guard tensor.shape.count == 4 else { throw .rank(tensor.shape) }
    let bad = tensor.withUnsafePointer { values in
      (0..<tensor.count).first { !(values[$0] >= 0 && values[$0] <= 1) }
    }
    if let bad {
      throw .value(tensor[bad], image: bad / tensor.rowCount, position: bad % tensor.rowCount)
    }
    self.init(unchecked: tensor)
  }

  /// Pixels that are known to be in range because of how they were made.
  package init(unchecked tensor: Tensor) {
    storage = .values(tensor)
    shape = tensor.shape
  }

  /// Values that may lie outside of [0, 1]: images to which a defence has added noise, or points around
  /// an image at which SPSA asks the model. Networks are defined there all the same. Only for the input
  /// of a classifier.
  package init(beyondRange tensor: Tensor) { self.init(unchecked: tensor) }

  /// Images that are kept elsewhere, at the places 0..<count, and are read whenever they are used: a set of
  /// 50,000 takes no memory so.
  package init(count: Int, imageShape: ImageShape, reader: @escaping Reader) {
    storage = .elsewhere(reader, places: Array(0..<count))
    shape = [count, imageShape.channels, imageShape.height, imageShape.width]
  }

  /// The number of images.
  public var count: Int { shape[0] }

  /// The shape of one image.
  public var imageShape: ImageShape {
    ImageShape(channels: shape[1], height: shape[2], width: shape[3])
  }

  /// The images at the given indices, in that order, as values.
  public subscript(indices: some Collection<Int>) -> Pixels {
    switch storage {
    case .values(let tensor): return Pixels(unchecked: tensor.rows(indices))
    case .elsewhere:
      let width = imageShape.count
      var rows = Tensor(uninitialized: [indices.count] + shape.dropFirst())
      rows.withUnsafeMutablePointer { result in
        for (place, index) in indices.enumerated() {
          precondition(index >= 0 && index < count, "image \(index) outside \(count)")
          write(index..<index + 1, to: result + place * width)
        }
      }
      return Pixels(unchecked: rows)
    }
  }

  /// The images at the given indices, in that order, kept as these are: what is kept elsewhere stays there.
  package func kept(_ indices: [Int]) -> Pixels {
    guard case .elsewhere(let reader, let places) = storage else { return self[indices] }
    return Pixels(
      storage: .elsewhere(reader, places: indices.map { places[$0] }),
      shape: [indices.count] + shape.dropFirst())
  }

  private init(storage: Storage, shape: [Int]) {
    self.storage = storage
    self.shape = shape
  }

  /// Reads the values of one image, [C, H, W], without those of the others.
  package func withImage<R>(
    _ index: Int, _ body: (UnsafePointer<Float>) throws -> R
  ) rethrows -> R {
    let width = imageShape.count
    precondition(index >= 0 && index < count, "image \(index) outside \(count)")
    if case .values(let tensor) = storage {
      return try tensor.withUnsafePointer { try body($0 + index * width) }
    }
    return try withUnsafeTemporaryAllocation(of: Float.self, capacity: max(width, 1)) { values in
      guard let start = values.baseAddress else { preconditionFailure("no memory") }
      write(index..<index + 1, to: start)
      return try body(UnsafePointer(start))
    }
  }

  /// Writes the values of images that are kept elsewhere.
  private func write(_ images: Range<Int>, to result: UnsafeMutablePointer<Float>) {
    guard case .elsewhere(let read, let places) = storage else { return }
    let width = imageShape.count
    for (row, image) in images.enumerated() { read(places[image], result + row * width) }
  }
}

extension Pixels: Equatable {
  /// Whether shapes and values agree, however they are kept.
  public static func == (a: Pixels, b: Pixels) -> Bool { a.tensor == b.tensor }
}

/// The extents of one image.
public struct ImageShape: Hashable, Sendable, Codable, CustomStringConvertible {
  /// 1 for grey, 3 for colour.
  public var channels: Int
  /// Rows.
  public var height: Int
  /// Columns.
  public var width: Int

  /// The extents in the order of storage.
  public init(channels: Int, height: Int, width: Int) {
    self.channels = channels
    self.height = height
    self.width = width
  }

  /// The number of values of one image.
  public var count: Int { channels * height * width }

  /// Channels × rows × columns.
  public var description: String { "\(channels)×\(height)×\(width)" }
}

/// Why a tensor holds no images.
public enum PixelsError: ExplainedError, Equatable {
  case rank([Int])
  case value(Float, image: Int, position: Int)

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .rank(let shape):
      "images need four dimensions [images, channels, height, width], found \(shape)"
    case .value(let value, let image, let position):
      """
      image \(image) holds \(value) at position \(position); pixels are finite and in [0, 1]: \
      divide 8-bit levels by 255
      """
    }
  }
}
