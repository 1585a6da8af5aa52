import NeuralNetwork

extension LabelledImages {
  /// What names the images, whatever file they came from: SHA-256, in hexadecimal, of classes, places,
  /// labels and pixels, version 1.
  ///
  /// The bytes are those of `CanonicalDigest` under the domain "mixup-inference images": the number of
  /// classes; the number of extents [N, C, H, W] and each; of every image its index and its label; and the
  /// pixels as Float32, little-endian.
  package var identity: String {
    let digest = CanonicalDigest(domain: "mixup-inference images", version: 1)
    digest.add(classCount)
    digest.add(pixels.tensor.shape.count)
    for extent in pixels.tensor.shape { digest.add(extent) }
    for (index, label) in zip(indices, labels) {
      // An index may be any whole number.
      digest.add(UInt64(bitPattern: Int64(index)))
      digest.add(label)
    }
    pixels.tensor.withUnsafePointer {
      digest.add(UnsafeRawBufferPointer(start: $0, count: 4 * pixels.tensor.count))
    }
    return digest.finish()
  }
}
