import Foundation
import NeuralNetwork

extension LabelledImages {
  /// What every image is, whatever file it came from and wherever it stands there: the first 32 hexadecimal
  /// digits of the SHA-256 of its shape, class and number of classes as text, and of its values as
  /// little-endian Float32. Equal images are equal texts; others are not, but by a chance of 2⁻¹²⁸.
  package var identities: [String] {
    let width = pixels.imageShape.count
    return pixels.tensor.withUnsafePointer { values in
      labels.indices.map { n in
        var bytes = Data("image 1, \(pixels.imageShape), \(labels[n]) of \(classCount);".utf8)
        bytes.append(Data(bytes: values + n * width, count: 4 * width))
        return String(sha256(bytes).prefix(32))
      }
    }
  }

  /// SHA-256 of every image's index and identity, in their order.
  package var identity: String {
    sha256(
      Data(zip(indices, identities).map { "\($0) \($1)\n" }.joined().utf8))
  }
}
