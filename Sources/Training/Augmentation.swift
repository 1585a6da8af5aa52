import Classification
import Statistics

/// Changes of an image that do not change its class, drawn anew in every epoch.
public enum Augmentation: Codable, Hashable, Sendable {
  /// With probability ½ the image mirrored left to right; then a window of its size at a uniformly
  /// random place in the image with `padding` black pixels (0 on the pixel scale) on every side.
  ///
  /// The usual augmentation of CIFAR, padding 4.
  case flipAndCrop(padding: Int)

  /// The augmented images, in the same order. What happens to one depends on seed, epoch and the
  /// image's index alone.
  package func augmented(
    _ examples: LabelledImages, seed: UInt64, epoch: Int
  ) throws(LabelledImagesError) -> LabelledImages {
    let padding =
      switch self {
      case .flipAndCrop(let padding): padding
      }
    let shape = examples.pixels.imageShape
    var result = Tensor(shape: examples.pixels.tensor.shape)
    result.withUnsafeMutablePointer { result in
      examples.pixels.tensor.withUnsafePointer { images in
        for (n, index) in examples.indices.enumerated() {
          var random = RandomStream(
            RandomKey(seed: seed, purpose: .augmentation, example: index, step: epoch))
          let isMirrored = random.integer(below: 2) == 1
          // Where the window's upper left corner lies in the image.
          let top = random.integer(below: 2 * padding + 1) - padding
          let left = random.integer(below: 2 * padding + 1) - padding
          copyWindow(
            images + n * shape.count, shape, isMirrored: isMirrored, top: top, left: left,
            to: result + n * shape.count)
        }
      }
    }
    return try LabelledImages(
      pixels: Pixels(unchecked: result), labels: examples.labels, classCount: examples.classCount,
      indices: examples.indices)
  }
}

/// The part of a window that lies on the image; the rest of `window` is left as it is.
private func copyWindow(
  _ image: UnsafePointer<Float>, _ shape: ImageShape, isMirrored: Bool, top: Int, left: Int,
  to window: UnsafeMutablePointer<Float>
) {
  let (height, width) = (shape.height, shape.width)
  let rows = max(0, -top)..<max(0, -top, min(height, height - top))
  let columns = max(0, -left)..<max(0, -left, min(width, width - left))
  for channel in 0..<shape.channels {
    for row in rows {
      let source = image + (channel * height + row + top) * width
      let target = window + (channel * height + row) * width
      if isMirrored {
        for column in columns { target[column] = source[width - 1 - (column + left)] }
      } else {
        (target + columns.lowerBound).update(
          from: source + columns.lowerBound + left, count: columns.count)
      }
    }
  }
}
