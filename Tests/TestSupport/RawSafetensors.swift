import Classification
import Foundation

/// A safetensors file as its bytes say it: any order, any padding, any type.
package struct RawSafetensors: Sendable {
  package struct Entry: Sendable {
    package var name: String
    package var type: String
    package var shape: [Int]
    package var bytes: Data

    package init(_ name: String, _ type: String, _ shape: [Int], _ bytes: Data) {
      self.name = name
      self.type = type
      self.shape = shape
      self.bytes = bytes
    }

    package init(_ name: String, _ tensor: Tensor) {
      self.init(name, "F32", tensor.shape, rawBytes(tensor.values))
    }
  }

  /// In the order of their values.
  package var entries: [Entry] = []
  /// In the order of the header.
  package var metadata: [(name: String, value: String)] = []
  /// Blanks behind the header.
  package var padding = 0

  /// A file of the given tensors.
  package init(
    entries: [Entry] = [], metadata: [(name: String, value: String)] = [], padding: Int = 0
  ) {
    self.entries = entries
    self.metadata = metadata
    self.padding = padding
  }

  /// - Parameter order: of the header's entries; that of the values unless given.
  package func encoded(order: [Int]? = nil) -> Data {
    func text(_ text: String) -> String {
      String(decoding: (try? JSONEncoder().encode(text)) ?? Data(), as: UTF8.self)
    }
    var place = 0
    var fields: [String] = []
    for entry in entries {
      let end = place + entry.bytes.count
      fields.append(
        """
        \(text(entry.name)):{"dtype":\(text(entry.type)),"shape":\(entry.shape),\
        "data_offsets":[\(place),\(end)]}
        """)
      place = end
    }
    var parts = (order ?? Array(fields.indices)).map { fields[$0] }
    if !metadata.isEmpty {
      let pairs = metadata.map { "\(text($0.name)):\(text($0.value))" }.joined(separator: ",")
      parts.append("\"__metadata__\":{\(pairs)}")
    }
    let header = "{" + parts.joined(separator: ",") + "}" + String(repeating: " ", count: padding)
    return rawBytes([UInt64(header.utf8.count)]) + Data(header.utf8)
      + entries.reduce(Data()) { $0 + $1.bytes }
  }
}

/// The bytes of numbers one behind the other.
package func rawBytes<Number: BitwiseCopyable>(_ numbers: [Number]) -> Data {
  numbers.withUnsafeBytes { Data($0) }
}
