import Classification
import Foundation
import Statistics

/// The table at the head of a safetensors file: which tensors it holds, of which type, and where.
///
/// Strict in what it reads: one JSON object in UTF-8, every name once, whole numbers only, metadata
/// of text only, and values one behind the other from the header's end to the file's.
package struct SafetensorsHeader: Sendable {
  /// How the values of a tensor are written, little-endian.
  package enum ElementType: String, Sendable, CaseIterable {
    case boolean = "BOOL"
    case uint8 = "U8"
    case int8 = "I8"
    case uint16 = "U16"
    case int16 = "I16"
    case uint32 = "U32"
    case int32 = "I32"
    case uint64 = "U64"
    case int64 = "I64"
    case float8e4m3 = "F8_E4M3"
    case float8e5m2 = "F8_E5M2"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case float32 = "F32"
    case float64 = "F64"
    case complex64 = "C64"

    /// Bytes of one value.
    package var width: Int {
      switch self {
      case .boolean, .uint8, .int8, .float8e4m3, .float8e5m2: 1
      case .uint16, .int16, .float16, .bfloat16: 2
      case .uint32, .int32, .float32: 4
      case .uint64, .int64, .float64, .complex64: 8
      }
    }

    /// Whether a value is a whole number or a truth value.
    package var isInteger: Bool {
      switch self {
      case .boolean, .uint8, .int8, .uint16, .int16, .uint32, .int32, .uint64, .int64: true
      case .float8e4m3, .float8e5m2, .float16, .bfloat16, .float32, .float64, .complex64: false
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

  /// An entry, or whatever stands in its place.
  private struct Candidate: Decodable {
    let fields: Fields?

    init(from decoder: any Decoder) { fields = try? Fields(from: decoder) }
  }

  /// Reads the head of a file, given whole.
  ///
  /// - Throws: `SafetensorsError` that says what does not hold.
  package init(_ data: Data) throws(SafetensorsError) {
    let length = try Self.length(data)
    let start = 8 + length
    let header = data.dropFirst(8).prefix(length)
    let marks = Self.marks(header)
    guard marks.parts <= Self.mostParts else {
      throw .header(
        "it has \(marks.parts) parts, and no network for small images over \(Self.mostParts)")
    }
    // Without the first two conditions the parser would accept other encodings and leading blanks.
    guard header.first == UInt8(ascii: "{"), !header.contains(0),
      let object = try? JSONSerialization.jsonObject(with: header) as? [String: Any]
    else { throw .header("it is not a JSON object") }
    // Of two equal keys this parser keeps one, and another reader's parser perhaps the other.
    let keys = object.values.reduce(object.count) { $0 + (($1 as? [String: Any])?.count ?? 0) }
    guard marks.colons == keys else { throw .header("a name occurs twice") }
    guard let metadata = object["__metadata__", default: [String: String]()] as? [String: String]
    else { throw .header("its metadata is not text") }
    self.metadata = metadata

    // Decoded again, as `JSONDecoder` refuses `true` for a number, and `JSONSerialization` takes it.
    guard
      let candidates = try? JSONDecoder().decode([String: Candidate].self, from: Data(header))
    else { throw .header("it is not a JSON object") }
    var found: [(name: String, fields: Fields)] = []
    for (name, candidate) in candidates where name != "__metadata__" {
      guard let fields = candidate.fields, fields.data_offsets.count == 2 else {
        throw .header("the entry of \(name) lacks dtype, shape or data_offsets")
      }
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
      // Room for a product by a width, and for what `Tensor` says of a shape without values.
      guard let count = fields.shape.product(atMost: Int.max / 16), count <= data.count else {
        throw .header("the shape \(fields.shape) of \(name) is impossible")
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

  /// The length of the header in bytes, all of which the file has.
  ///
  /// - Throws: `SafetensorsError`: what another file is, if it is known, or how much is missing.
  private static func length(_ data: Data) throws(SafetensorsError) -> Int {
    let length: UInt64 = ByteReader(data).value(at: 0) ?? 0
    let hasBrace = data.count > 8 && data[data.startIndex + 8] == UInt8(ascii: "{")
    if !hasBrace || length > longest, let format = FileFormat(data) {
      throw .format(format.description)
    }
    guard data.count >= 8 else { throw .truncated(needed: 8, found: data.count) }
    guard length <= longest else { throw .headerLength(length) }
    guard length <= UInt64(data.count - 8) else {
      throw .truncated(needed: Int(length) + 8, found: data.count)
    }
    return Int(length)
  }

  /// The longest header in bytes: the limit of the reader by the format's authors.
  private static let longest: UInt64 = 100_000_000

  /// The most colons and commas of a header: about eleven of each tensor. The largest network that can be built has
  /// 22,000, and a parser makes objects of hundreds of bytes for each.
  private static let mostParts = 1 << 18

  /// What stands outside the strings of valid JSON: the number of colons, which is that of keys, of colons and commas,
  /// and whether a number has a point or an exponent.
  private static func marks(_ json: Data) -> (colons: Int, parts: Int, hasFraction: Bool) {
    var (colons, commas, hasFraction) = (0, 0, false)
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
        if byte == UInt8(ascii: ",") { commas += 1 }
        let followsDigit = UInt8(ascii: "0")...UInt8(ascii: "9") ~= previous
        // Lower case and upper case differ in this bit.
        if followsDigit, byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e") {
          hasFraction = true
        }
      }
      previous = byte
    }
    return (colons, colons + commas, hasFraction)
  }
}

// MARK: Values

extension SafetensorsHeader.Entry {
  /// The number of values.
  package var count: Int { shape.reduce(1, *) }

  /// The values of the tensor in Float32. F16, BF16 and F32 are exact, whole numbers and truth values
  /// are exact or an error, F64 is rounded to the nearest.
  ///
  /// - Parameter file: the bytes whose head this entry comes from.
  /// - Throws: `SafetensorsError.value` for a finite number that Float32 cannot hold, and
  ///   `SafetensorsError.type` for types that are never read.
  package func tensor(in file: Data) throws(SafetensorsError) -> Tensor {
    var tensor = Tensor(uninitialized: shape)
    let unheld: String? =
      switch type {
      case .float32: read(file, UInt32.self, to: &tensor) { Float(bitPattern: $0) }
      case .float16: read(file, UInt16.self, to: &tensor) { Float(Float16(bitPattern: $0)) }
      case .bfloat16:
        read(file, UInt16.self, to: &tensor) { bits in Float(bitPattern: UInt32(bits) << 16) }
      case .float64:
        read(file, UInt64.self, to: &tensor) { bits in
          let value = Double(bitPattern: bits)
          let rounded = Float(value)
          return rounded.isInfinite && value.isFinite ? nil : rounded
        }
      case .boolean: read(file, UInt8.self, to: &tensor) { $0 <= 1 ? Float($0) : nil }
      case .uint8: read(file, UInt8.self, to: &tensor) { Float(exactly: $0) }
      case .int8: read(file, Int8.self, to: &tensor) { Float(exactly: $0) }
      case .uint16: read(file, UInt16.self, to: &tensor) { Float(exactly: $0) }
      case .int16: read(file, Int16.self, to: &tensor) { Float(exactly: $0) }
      case .uint32: read(file, UInt32.self, to: &tensor) { Float(exactly: $0) }
      case .int32: read(file, Int32.self, to: &tensor) { Float(exactly: $0) }
      case .uint64: read(file, UInt64.self, to: &tensor) { Float(exactly: $0) }
      case .int64: read(file, Int64.self, to: &tensor) { Float(exactly: $0) }
      case .float8e4m3, .float8e5m2, .complex64: throw .type(type.rawValue, tensor: name)
      }
    if let unheld { throw .value(unheld, type: type.rawValue, tensor: name) }
    return tensor
  }

  /// The exact values of a tensor of whole numbers or truth values; nil if its type is another or a value is
  /// 2⁶³ or more.
  ///
  /// - Parameter file: the bytes whose head this entry comes from.
  package func integers(in file: Data) -> [Int]? {
    switch type {
    case .boolean, .uint8: integers(file, UInt8.self)
    case .int8: integers(file, Int8.self)
    case .uint16: integers(file, UInt16.self)
    case .int16: integers(file, Int16.self)
    case .uint32: integers(file, UInt32.self)
    case .int32: integers(file, Int32.self)
    case .uint64: integers(file, UInt64.self)
    case .int64: integers(file, Int64.self)
    case .float8e4m3, .float8e5m2, .float16, .bfloat16, .float32, .float64, .complex64: nil
    }
  }

  /// Every value; nil if one is no `Int`.
  private func integers<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ file: Data, _ bits: Bits.Type
  ) -> [Int]? {
    file.withUnsafeBytes { file in
      let source = UnsafeRawBufferPointer(rebasing: file[bytes])
      var values: [Int] = []
      values.reserveCapacity(count)
      for place in stride(from: 0, to: source.count, by: MemoryLayout<Bits>.size) {
        let bits = Bits(littleEndian: source.loadUnaligned(fromByteOffset: place, as: Bits.self))
        guard let value = Int(exactly: bits) else { return nil }
        values.append(value)
      }
      return values
    }
  }

  /// Whether reading rounds a value: only F64 can have digits that Float32 has not.
  func isRounded(in file: Data) -> Bool {
    guard type == .float64 else { return false }
    return file.withUnsafeBytes { file in
      let source = UnsafeRawBufferPointer(rebasing: file[bytes])
      return (0..<count).contains {
        let value = Double(
          bitPattern: source.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self))
        return Double(Float(value)) != value && !value.isNaN
      }
    }
  }

  /// Writes every value into the tensor through `convert`; returns the first that Float32 cannot hold, as
  /// text, or nil.
  private func read<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ file: Data, _ bits: Bits.Type, to tensor: inout Tensor, _ convert: (Bits) -> Float?
  ) -> String? {
    let count = tensor.count
    return file.withUnsafeBytes { file in
      let source = UnsafeRawBufferPointer(rebasing: file[bytes])
      return tensor.withUnsafeMutablePointer { target in
        for i in 0..<count {
          let bits = Bits(
            littleEndian: source.loadUnaligned(
              fromByteOffset: i * MemoryLayout<Bits>.size, as: Bits.self))
          guard let value = convert(bits) else {
            return type == .float64
              ? "\(Double(bitPattern: UInt64(truncatingIfNeeded: bits)))" : "\(bits)"
          }
          target[i] = value
        }
        return nil
      }
    }
  }
}
