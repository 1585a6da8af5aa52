import Classification
import Foundation
import Statistics

/// The safetensors file format: eight bytes with the header's length (little-endian), a JSON header
/// that names type, shape and place of every tensor, then the values.
///
/// Reads truth values, whole numbers, Float16, BFloat16, Float32 and Float64, all as Float32, which is
/// what it writes: F64 is rounded, a whole number that Float32 cannot hold is an error. See
/// `SafetensorsHeader` for what else a file must satisfy. Source: github.com/huggingface/safetensors,
/// "Format".
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

  /// Reads a file's bytes.
  ///
  /// - Throws: `SafetensorsError` that says what does not hold.
  public init(_ data: Data) throws(SafetensorsError) {
    let header = try SafetensorsHeader(data)
    tensors = [:]
    metadata = header.metadata
    for entry in header.entries { tensors[entry.name] = try entry.tensor(in: data) }
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
public enum SafetensorsError: ExplainedError, Equatable {
  /// The bytes are a file of another kind; the text says which, and what to do.
  case format(String)
  /// The first eight bytes say a length of the header that no safetensors file has.
  case headerLength(UInt64)
  case truncated(needed: Int, found: Int)
  case header(String)
  case type(String, tensor: String)
  case value(String, type: String, tensor: String)

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .format(let text): text
    case .headerLength(let length):
      """
      this is no safetensors file, which begins with the length of its header: here it would be \
      \(length) bytes; give a checkpoint that `train` or fixtures/convert_checkpoint.py wrote
      """
    case .truncated(let needed, let found):
      "the file ends after \(found) bytes, \(needed) are needed; copy it again"
    case .header(let problem):
      "the safetensors header is damaged: \(problem.printable); copy the file again or write it anew"
    case .type(let type, let tensor):
      """
      \(tensor.printable) has type \(type.printable), which cannot be read; write it as F32, F16 or \
      BF16, or as whole numbers
      """
    case .value(let value, let type, let tensor):
      """
      \(tensor.printable) holds \(value) as \(type), which 32-bit floating point cannot hold; write \
      it as F32
      """
    }
  }
}
