import Foundation

/// The safetensors file format: eight bytes with the header's length (little-endian), a JSON header
/// that names type, shape and place of every tensor, then the values.
///
/// Strict in what it reads: places must be in order, without gaps and inside the file, and values
/// Float32. Source: github.com/huggingface/safetensors, "Format".
public struct Safetensors: Sendable {
  /// The tensors by name.
  public var tensors: [String: Tensor]
  /// Free text, under the header's `__metadata__`.
  public var metadata: [String: String]

  /// A file with the given contents.
  public init(tensors: [String: Tensor], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  private struct Entry: Codable {
    var dtype: String
    var shape: [Int]
    var data_offsets: [Int]
  }

  /// Reads a file's bytes.
  ///
  /// - Throws: `SafetensorsError` that says what does not hold.
  public init(_ data: Data) throws(SafetensorsError) {
    guard data.count >= 8 else { throw .truncated(needed: 8, found: data.count) }
    let start = data.startIndex
    let length = data.prefix(8).enumerated().reduce(UInt64(0)) {
      $0 | UInt64($1.element) << UInt64(8 * $1.offset)
    }
    guard length <= UInt64(data.count - 8) else {
      let (needed, overflow) = length.addingReportingOverflow(8)
      throw .truncated(needed: overflow ? .max : Int(clamping: needed), found: data.count)
    }
    let headerEnd = start + 8 + Int(length)
    let header = data[start + 8..<headerEnd]
    guard let object = try? JSONSerialization.jsonObject(with: header) as? [String: Any] else {
      throw .header("it is not a JSON object")
    }
    // The parser keeps one of two equal keys, and a reader with another parser the other.
    let keys = object.values.reduce(object.count) { $0 + (($1 as? [String: Any])?.count ?? 0) }
    guard Self.keyCount(header) == keys else { throw .header("a name occurs twice") }
    guard let metadata = object["__metadata__", default: [String: String]()] as? [String: String]
    else { throw .header("its metadata is not text") }

    tensors = [:]
    self.metadata = metadata
    var entries: [(name: String, entry: Entry)] = []
    for (name, value) in object where name != "__metadata__" {
      guard let value = value as? [String: Any],
        let bytes = try? JSONSerialization.data(withJSONObject: value),
        let entry = try? JSONDecoder().decode(Entry.self, from: bytes),
        entry.data_offsets.count == 2
      else { throw .header("the entry of \(name) lacks dtype, shape or data_offsets") }
      entries.append((name, entry))
    }
    var place = 0
    for (name, entry) in entries.sorted(by: {
      ($0.entry.data_offsets[0], $0.name) < ($1.entry.data_offsets[0], $1.name)
    }) {
      // PyTorch's counters of batches are integers that nothing here uses.
      let width = ["F32": 4, "I64": 8][entry.dtype]
      guard let width, entry.dtype == "F32" || name.hasSuffix("num_batches_tracked") else {
        throw .type(entry.dtype, tensor: name)
      }
      var count = 1
      for extent in entry.shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: extent)
        guard extent >= 0, !overflow, product <= data.count else {
          throw .header("the shape \(entry.shape) of \(name) is impossible")
        }
        count = product
      }
      let (begin, end) = (entry.data_offsets[0], entry.data_offsets[1])
      guard begin == place, end == begin + count * width else {
        throw .header("the values of \(name) are not where its shape says")
      }
      guard end <= data.endIndex - headerEnd else {
        throw .truncated(needed: headerEnd - start + end, found: data.count)
      }
      place = end
      guard entry.dtype == "F32" else { continue }
      var tensor = Tensor(uninitialized: entry.shape)
      let bytes = data[headerEnd + begin..<headerEnd + end]
      tensor.withUnsafeMutablePointer { pointer in
        bytes.withUnsafeBytes { source in
          UnsafeMutableRawBufferPointer(start: pointer, count: count * 4).copyMemory(from: source)
        }
      }
      tensors[name] = tensor
    }
    guard place == data.endIndex - headerEnd else {
      throw .header("\(data.endIndex - headerEnd - place) bytes belong to no tensor")
    }
  }

  /// The number of keys in valid JSON: that of colons outside strings.
  private static func keyCount(_ json: Data) -> Int {
    var (count, isInString, isEscaped) = (0, false, false)
    for byte in json {
      if isEscaped {
        isEscaped = false
      } else if isInString {
        isEscaped = byte == UInt8(ascii: "\\")
        isInString = byte != UInt8(ascii: "\"")
      } else {
        isInString = byte == UInt8(ascii: "\"")
        count += byte == UInt8(ascii: ":") ? 1 : 0
      }
    }
    return count
  }

  /// The file's bytes: tensors by name, so equal contents give equal bytes.
  public func encoded() throws -> Data {
    var header: [String: Any] = [:]
    if !metadata.isEmpty { header["__metadata__"] = metadata }
    var place = 0
    let names = tensors.keys.sorted()
    for name in names {
      guard let tensor = tensors[name] else { continue }
      header[name] = [
        "dtype": "F32", "shape": tensor.shape, "data_offsets": [place, place + 4 * tensor.count],
      ]
      place += 4 * tensor.count
    }
    var json = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys])
    // Values start on a multiple of eight bytes.
    json.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
    var data = Data()
    withUnsafeBytes(of: UInt64(json.count).littleEndian) { data.append(contentsOf: $0) }
    data.append(json)
    for name in names {
      guard let tensor = tensors[name] else { continue }
      tensor.withUnsafePointer { data.append(Data(bytes: $0, count: 4 * tensor.count)) }
    }
    return data
  }
}

/// Why bytes are no safetensors file that can be read here.
public enum SafetensorsError: Error, Equatable, CustomStringConvertible {
  case truncated(needed: Int, found: Int)
  case header(String)
  case type(String, tensor: String)

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .truncated(let needed, let found):
      "the file ends after \(found) bytes, \(needed) are needed; copy it again"
    case .header(let problem): "the safetensors header is damaged: \(problem)"
    case .type(let type, let tensor): "\(tensor) has type \(type); only F32 can be read"
    }
  }
}
