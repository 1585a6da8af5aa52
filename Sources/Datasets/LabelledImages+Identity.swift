import Classification
import NeuralNetwork
import Synchronization

extension LabelledImages {
  /// A digest of the content of every image, which does not depend on the file or place that the image
  /// comes from: the first 32 hexadecimal digits of the SHA-256 of classes, label, extents and pixels,
  /// version 1.
  ///
  /// The bytes are those of `CanonicalDigest` under the domain "mixup-inference image": the number of
  /// classes, the label, the number of extents [C, H, W] and each, and the pixels as Float32, little-endian.
  /// Equal images have equal digests; two different ones have the same with probability 2⁻¹²⁸.
  package func identities(_ forEach: ForEach = oneAfterTheOther) -> [String] {
    // Many images at once, so that nobody waits for the lock.
    let size = 512
    let blocks = (count + size - 1) / size
    let found = Mutex([[String]](repeating: [], count: blocks))
    forEach(blocks) { block in
      let identities = (block * size..<min((block + 1) * size, count)).map(identity(ofImage:))
      found.withLock { $0[block] = identities }
    }
    return found.withLock { Array($0.joined()) }
  }

  private func identity(ofImage n: Int) -> String {
    let shape = pixels.imageShape
    var digest = CanonicalDigest(domain: "mixup-inference image", version: 1)
    digest.add(classCount)
    digest.add(labels[n])
    let extents = [shape.channels, shape.height, shape.width]
    digest.add(extents.count)
    for extent in extents { digest.add(extent) }
    pixels.withImage(n) {
      digest.add(UnsafeRawBufferPointer(start: $0, count: 4 * shape.count))
    }
    return String(digest.finish().prefix(32))
  }

  /// A digest of all images together, which does not depend on the file that they come from: SHA-256, in
  /// hexadecimal, of every image's index and identity, in their order, version 1, under the domain
  /// "mixup-inference images".
  package var identity: String { identity(of: identities()) }

  /// `identity`, from the images' `identities`, for callers that have these already.
  package func identity(of identities: [String]) -> String {
    var digest = CanonicalDigest(domain: "mixup-inference images", version: 1)
    digest.add(count)
    for (index, identity) in zip(indices, identities) {
      // An index may be any whole number.
      digest.add(UInt64(bitPattern: Int64(index)))
      digest.add(identity)
    }
    return digest.finish()
  }
}
