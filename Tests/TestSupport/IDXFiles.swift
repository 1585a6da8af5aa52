import Foundation

/// Four IDX files, as bytes that a test may change before they are written.
package struct IDXFiles: Sendable {
  /// The files by their names.
  package var files: [String: Data]

  /// Files of images of one shape, a row of bytes for each, and their labels.
  ///
  /// - Parameter separator: what stands in front of "idx" in a name: "-" or ".".
  package init(
    height: Int, width: Int, training: (images: [[UInt8]], labels: [UInt8]),
    test: (images: [[UInt8]], labels: [UInt8]), separator: String = "-"
  ) {
    files = [:]
    for (part, contents) in [("train", training), ("t10k", test)] {
      files["\(part)-images\(separator)idx3-ubyte"] = Self.file(
        [contents.images.count, height, width], contents.images.flatMap(\.self))
      files["\(part)-labels\(separator)idx1-ubyte"] = Self.file(
        [contents.labels.count], contents.labels)
    }
  }

  /// A file: 0, 0, 8 for unsigned bytes, the number of extents, the extents, the values.
  package static func file(_ extents: [Int], _ values: [UInt8]) -> Data {
    var bytes: [UInt8] = [0, 0, 8, UInt8(extents.count)]
    for extent in extents { withUnsafeBytes(of: UInt32(extent).bigEndian) { bytes += $0 } }
    return Data(bytes + values)
  }

  /// Writes all files.
  package func write(to folder: URL) throws {
    for (name, bytes) in files { try bytes.write(to: folder.appending(path: name)) }
  }
}
