import Classification

/// Global average pooling: out[n, c] = mean over the pixels of in[n, y, x, c].
public enum GlobalAveragePool {
  /// [N, H, W, C] → [N, 1, 1, C].
  public static func forward(_ input: Tensor) -> Tensor {
    let (images, channels) = (input.shape[0], input.channels)
    let pixels = input.rowCount / max(channels, 1)
    var output = Tensor(shape: [images, 1, 1, channels])
    output.withUnsafeMutablePointer { output in
      input.withUnsafePointer { input in
        for image in 0..<images {
          average(input + image * pixels * channels, pixels, channels, output + image * channels)
        }
      }
    }
    return output
  }

  /// [N, 1, 1, C] → the shape of the input: every pixel gets its share g / (H·W).
  public static func backward(_ gradient: Tensor, inputShape: [Int]) -> Tensor {
    let channels = gradient.channels
    var result = Tensor(uninitialized: inputShape)
    let pixels = result.rowCount / max(channels, 1)
    result.withUnsafeMutablePointer { result in
      gradient.withUnsafePointer { gradient in
        for image in 0..<inputShape[0] {
          for pixel in 0..<pixels {
            for c in 0..<channels {
              result[(image * pixels + pixel) * channels + c] =
                gradient[image * channels + c] / Float(pixels)
            }
          }
        }
      }
    }
    return result
  }

  /// One image: [pixels, channels] → [channels].
  static func average(
    _ input: UnsafePointer<Float>, _ pixels: Int, _ channels: Int,
    _ output: UnsafeMutablePointer<Float>
  ) {
    for c in 0..<channels { output[c] = 0 }
    for pixel in 0..<pixels {
      for c in 0..<channels { output[c] += input[pixel * channels + c] }
    }
    for c in 0..<channels { output[c] /= Float(pixels) }
  }
}
