import Statistics

/// A batch of images [N, C, H, W] on the pixel scale: finite values in [0, 1].
///
/// The only scale on which data sets, attacks and defences speak; a network's own scale (often ±1)
/// stays inside its classifier.
public struct Pixels: Sendable, Equatable {
  /// The values, [N, C, H, W].
  public let tensor: Tensor

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
    self.tensor = tensor
  }

  /// Pixels that are known to be in range because of how they were made.
  package init(unchecked tensor: Tensor) { self.tensor = tensor }

  /// Values that may lie outside of [0, 1]: images to which a defence has added noise, or points around
  /// an image at which SPSA asks the model. Networks are defined there all the same. Only for the input
  /// of a classifier.
  package init(beyondRange tensor: Tensor) { self.tensor = tensor }

  /// The number of images.
  public var count: Int { tensor.shape[0] }

  /// The shape of one image.
  public var imageShape: ImageShape {
    ImageShape(channels: tensor.shape[1], height: tensor.shape[2], width: tensor.shape[3])
  }

  /// The images at the given indices, in that order.
  public subscript(indices: some Collection<Int>) -> Pixels {
    Pixels(unchecked: tensor.rows(indices))
  }
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
