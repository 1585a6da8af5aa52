import Foundation

/// The table at the head of a safetensors file: which tensors it holds, of which type, and where.
///
/// Strict in what it reads: one JSON object in UTF-8, every name once, whole numbers only, metadata
/// of text only, and values one behind the other from the header's end to the file's.
package struct SafetensorsHeader: Sendable {
  /// How the values of a tensor are written, little-endian.
  package enum ElementType: String, Sendable, CaseIterable {
    case float16 = "F16"
    case bfloat16 = "BF16"
    case float32 = "F32"
    case float64 = "F64"
    case int64 = "I64"

    /// Bytes of one value.
    package var width: Int {
      switch self {
      case .float16, .bfloat16: 2
      case .float32: 4
      case .float64, .int64: 8
      }
    }
  }

  /// One tensor.
  package struct Entry: Sendable {
    package let name: String
    package let type: ElementType
    package let shape: [Int]
    /// Its bytes, counted from the file's first.
    package let bytes: Range<Int>
  }

  /// The tensors in the order of their values.
  package let entries: [Entry]
  /// Free text, under `__metadata__`.
  package let metadata: [String: String]

  private struct Fields: Decodable {
    var dtype: String
    var shape: [Int]
    var data_offsets: [Int]
  }

  /// Reads the head of a file, given whole.
  ///
  /// - Throws: `SafetensorsError` that says what does not hold.
  package init(_ data: Data) throws(SafetensorsError) {
    guard data.count >= 8 else { throw .truncated(needed: 8, found: data.count) }
    let length = data.prefix(8).enumerated().reduce(UInt64(0)) {
      $0 | UInt64($1.element) << UInt64(8 * $1.offset)
    }
    guard length <= UInt64(data.count - 8) else {
      let (needed, overflow) = length.addingReportingOverflow(8)
      throw .truncated(needed: overflow ? .max : Int(clamping: needed), found: data.count)
    }
    let start = 8 + Int(length)
    let header = data.dropFirst(8).prefix(Int(length))
    // Without the first two the parser would take other encodings and blanks in front.
    guard header.first == UInt8(ascii: "{"), !header.contains(0),
      let object = try? JSONSerialization.jsonObject(with: header) as? [String: Any]
    else { throw .header("it is not a JSON object") }
    // The parser keeps one of two equal keys, and a reader with another parser the other.
    let marks = Self.marks(header)
    let keys = object.values.reduce(object.count) { $0 + (($1 as? [String: Any])?.count ?? 0) }
    guard marks.colons == keys else { throw .header("a name occurs twice") }
    guard let metadata = object["__metadata__", default: [String: String]()] as? [String: String]
    else { throw .header("its metadata is not text") }
    self.metadata = metadata

    var found: [(name: String, fields: Fields)] = []
    for (name, value) in object where name != "__metadata__" {
      guard let value = value as? [String: Any],
        let bytes = try? JSONSerialization.data(withJSONObject: value),
        let fields = try? JSONDecoder().decode(Fields.self, from: bytes),
        fields.data_offsets.count == 2
      else { throw .header("the entry of \(name) lacks dtype, shape or data_offsets") }
      found.append((name, fields))
    }
    // 1.0 and 1e0 are whole to this parser, and errors to others.
    guard !marks.hasFraction else { throw .header("a number in it is not written as a whole one") }
    var entries: [Entry] = []
    var place = 0
    for (name, fields) in found.sorted(by: {
      ($0.fields.data_offsets[0], $0.fields.data_offsets[1], $0.name)
        < ($1.fields.data_offsets[0], $1.fields.data_offsets[1], $1.name)
    }) {
      guard let type = ElementType(rawValue: fields.dtype) else {
        throw .type(fields.dtype, tensor: name)
      }
      var count = 1
      for extent in fields.shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: extent)
        guard extent >= 0, !overflow, product <= data.count else {
          throw .header("the shape \(fields.shape) of \(name) is impossible")
        }
        count = product
      }
      let (begin, end) = (fields.data_offsets[0], fields.data_offsets[1])
      guard begin == place, end == begin + count * type.width else {
        throw .header("the values of \(name) are not where its shape says")
      }
      guard end <= data.count - start else {
        throw .truncated(needed: start + end, found: data.count)
      }
      entries.append(
        Entry(name: name, type: type, shape: fields.shape, bytes: start + begin..<start + end))
      place = end
    }
    guard place == data.count - start else {
      throw .header("\(data.count - start - place) bytes belong to no tensor")
    }
    self.entries = entries
  }

  /// What stands outside the strings of valid JSON: the number of colons, which is that of keys,
  /// and whether a number has a point or an exponent.
  private static func marks(_ json: Data) -> (colons: Int, hasFraction: Bool) {
    var (colons, hasFraction) = (0, false)
    var (isInString, isEscaped) = (false, false)
    var previous: UInt8 = 0
    for byte in json {
      if isEscaped {
        isEscaped = false
      } else if isInString {
        isEscaped = byte == UInt8(ascii: "\\")
        isInString = byte != UInt8(ascii: "\"")
      } else {
        isInString = byte == UInt8(ascii: "\"")
        if byte == UInt8(ascii: ":") { colons += 1 }
        let followsDigit = UInt8(ascii: "0")...UInt8(ascii: "9") ~= previous
        // Lower case and upper case differ in this bit.
        if followsDigit, byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e") {
          hasFraction = true
        }
      }
      previous = byte
    }
    return (colons, hasFraction)
  }
}

// MARK: Values

extension SafetensorsHeader.Entry {
  /// The values of the tensor in Float32: F16 and BF16 are exact, F64 and I64 are rounded.
  ///
  /// - Parameter file: the bytes whose head this entry comes from.
  func tensor(in file: Data) -> Tensor {
    var tensor = Tensor(uninitialized: shape)
    let count = tensor.count
    let type = type
    file.withUnsafeBytes { file in
      let source = UnsafeRawBufferPointer(rebasing: file[bytes])
      tensor.withUnsafeMutablePointer { target in
        switch type {
        case .float32:
          UnsafeMutableRawBufferPointer(start: target, count: 4 * count).copyMemory(from: source)
        case .float16:
          for i in 0..<count {
            let bits = source.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)
            target[i] = Float(Float16(bitPattern: bits))
          }
        case .bfloat16:
          for i in 0..<count {
            let bits = source.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)
            target[i] = Float(bitPattern: UInt32(bits) << 16)
          }
        case .float64:
          for i in 0..<count {
            target[i] = Float(source.loadUnaligned(fromByteOffset: 8 * i, as: Double.self))
          }
        case .int64:
          for i in 0..<count {
            target[i] = Float(source.loadUnaligned(fromByteOffset: 8 * i, as: Int64.self))
          }
        }
      }
    }
    return tensor
  }
}
