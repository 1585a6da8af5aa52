import Foundation
import Statistics

/// A tensor of an ONNX file: its values stay where they are until they are asked for.
struct ONNXTensor: Sendable {
  /// How values are written: the numbers of `TensorProto.DataType`.
  enum ElementType: Int, Sendable {
    case float = 1
    case uint8, int8, uint16, int16, int32, int64, string, boolean, float16, double, uint32, uint64
    case complex64, complex128, bfloat16

    /// Bytes of one value among raw ones; nil for types that are never read.
    var width: Int? {
      switch self {
      case .uint8, .int8, .boolean: 1
      case .uint16, .int16, .float16, .bfloat16: 2
      case .float, .int32, .uint32: 4
      case .int64, .double, .uint64: 8
      case .string, .complex64, .complex128: nil
      }
    }

    /// Whether a value is a whole number or a truth value.
    var isInteger: Bool {
      switch self {
      case .uint8, .int8, .uint16, .int16, .int32, .int64, .boolean, .uint32, .uint64: true
      case .float, .string, .float16, .double, .complex64, .complex128, .bfloat16: false
      }
    }
  }

  private enum Values: Sendable {
    /// Little-endian, one behind the other.
    case raw(Data)
    case floats([Float])
    case doubles([Double])
    /// Whole numbers, or the bits of 16-bit floating point.
    case integers([Int])
  }

  var name = ""
  let type: ElementType
  let shape: [Int]
  private let values: Values

  /// The number of values, which the file has.
  let count: Int

  /// The same values under the name of the stored ones that they were made of, which then are weights that are used; only
  /// where they are as many.
  func named(after other: ONNXTensor) -> ONNXTensor {
    guard count == other.count, !other.name.isEmpty else { return self }
    var result = self
    result.name = other.name
    return result
  }

  /// A tensor of computed values.
  ///
  /// - Precondition: there are as many as the shape has places.
  init(_ values: [Float], shape: [Int]) {
    precondition(values.count == shape.reduce(1, *))
    type = .float
    self.shape = shape
    count = values.count
    self.values = .floats(values)
  }

  /// Reads `TensorProto`.
  init(
    _ data: Data, _ range: Range<Int>, _ external: (String) throws(ONNXError) -> Data
  ) throws(ONNXError) {
    var shape: [Int] = []
    var (type, location) = (0, 0)
    var raw: Data?
    var (floats, doubles, integers): ([Float], [Double], [Int]) = ([], [], [])
    var entries: [String: String] = [:]
    var reader = WireReader(data, range)
    while let (number, value) = try reader.next() {
      switch number {
      case 1: try value.append(integersTo: &shape, "dims", in: data)
      case 2: type = try value.integer("data_type")
      case 3: throw .damaged("it has a tensor in several segments")
      case 4: try value.append(floatsTo: &floats, "float_data", in: data)
      case 5, 7, 11: try value.append(integersTo: &integers, "data of a tensor", in: data)
      case 8: name = try value.text("name of a tensor", in: data)
      case 9: raw = data[try value.bytes("raw_data")]
      case 10: try value.append(doublesTo: &doubles, "double_data", in: data)
      case 13:
        let entry = try Self.entry(data, value.bytes("external_data"))
        entries[entry.key] = entry.value
      case 14: location = try value.integer("data_location")
      default: break
      }
    }
    guard let known = ElementType(rawValue: type), let width = known.width else {
      throw .damaged("the tensor \(name) has values of the type \(type), which is never read")
    }
    self.type = known
    self.shape = shape
    guard let count = shape.product(atMost: Int.max / 16) else {
      throw .damaged("the tensor \(name) has the impossible shape \(shape)")
    }
    self.count = count
    if location != 0 {
      guard location == 1 else { throw .damaged("the tensor \(name) lies nowhere that is known") }
      raw = try Self.bytes(entries, of: name, count: count * width, external)
    }
    let found: Int
    if let raw {
      values = .raw(raw)
      guard raw.count % width == 0 else {
        throw .damaged("the values of the tensor \(name) end within a number")
      }
      found = raw.count / width
    } else {
      switch known {
      case .float: (values, found) = (.floats(floats), floats.count)
      case .double: (values, found) = (.doubles(doubles), doubles.count)
      default: (values, found) = (.integers(integers), integers.count)
      }
    }
    guard found == count else {
      throw .damaged("the tensor \(name) of shape \(shape) has \(found) values")
    }
  }

  /// `StringStringEntryProto`.
  private static func entry(
    _ data: Data, _ range: Range<Int>
  ) throws(ONNXError) -> (key: String, value: String) {
    var (key, text) = ("", "")
    var reader = WireReader(data, range)
    while let (number, value) = try reader.next() {
      switch number {
      case 1: key = try value.text("key", in: data)
      case 2: text = try value.text("value", in: data)
      default: break
      }
    }
    return (key, text)
  }

  /// The bytes of a tensor in another file.
  private static func bytes(
    _ entries: [String: String], of name: String, count: Int,
    _ external: (String) throws(ONNXError) -> Data
  ) throws(ONNXError) -> Data {
    guard let location = entries["location"] else {
      throw .damaged("the tensor \(name) does not say in which file it lies")
    }
    let file = try external(location)
    let offset = entries["offset"].map { Int($0) } ?? 0
    guard let offset, 0...file.count ~= offset else {
      throw .externalData("the tensor \(name) begins behind the end of \(location)")
    }
    let length = entries["length"].map { Int($0) } ?? (file.count - offset)
    guard let length, length == count, length <= file.count - offset else {
      throw .externalData(
        "the values of the tensor \(name) are not where \(location) should have them")
    }
    let start = file.startIndex + offset
    return file[start..<start + length]
  }

  // MARK: Values

  /// All values in Float32, rounded where they have more digits; nil if one is too large for it.
  func floats() -> [Float]? {
    switch values {
    case .floats(let values): return values
    case .doubles(let values): return Self.rounded(values)
    case .integers(let values):
      switch type {
      case .float16:
        return values.map { Float(Float16(bitPattern: UInt16(truncatingIfNeeded: $0))) }
      case .bfloat16:
        return values.map { Float(bitPattern: UInt32(UInt16(truncatingIfNeeded: $0)) << 16) }
      default: return values.map(Float.init)
      }
    case .raw(let data):
      switch type {
      case .float: return Self.raw(data, UInt32.self) { Float(bitPattern: $0) }
      case .float16: return Self.raw(data, UInt16.self) { Float(Float16(bitPattern: $0)) }
      case .bfloat16: return Self.raw(data, UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
      case .double:
        return Self.rounded(Self.raw(data, UInt64.self) { Double(bitPattern: $0) })
      default: return integers()?.map(Float.init)
      }
    }
  }

  /// All values of a tensor of whole numbers; nil if it has others, or one that no `Int` holds.
  func integers() -> [Int]? {
    guard type.isInteger else { return nil }
    switch values {
    case .integers(let values): return values
    case .floats, .doubles: return nil
    case .raw(let data):
      switch type {
      case .boolean, .uint8: return Self.raw(data, UInt8.self) { Int($0) }
      case .int8: return Self.raw(data, UInt8.self) { Int(Int8(bitPattern: $0)) }
      case .uint16: return Self.raw(data, UInt16.self) { Int($0) }
      case .int16: return Self.raw(data, UInt16.self) { Int(Int16(bitPattern: $0)) }
      case .uint32: return Self.raw(data, UInt32.self) { Int($0) }
      case .int32: return Self.raw(data, UInt32.self) { Int(Int32(bitPattern: $0)) }
      case .int64, .uint64:
        let values = Self.raw(data, UInt64.self) { Int(Int64(bitPattern: $0)) }
        return type == .uint64 && values.contains { $0 < 0 } ? nil : values
      default: return nil
      }
    }
  }

  private static func rounded(_ values: [Double]) -> [Float]? {
    let floats = values.map(Float.init)
    return zip(floats, values).contains { $0.isInfinite && $1.isFinite } ? nil : floats
  }

  private static func raw<Bits: FixedWidthInteger & BitwiseCopyable, Element>(
    _ data: Data, _ type: Bits.Type, _ convert: (Bits) -> Element
  ) -> [Element] {
    data.withUnsafeBytes { bytes in
      (0..<bytes.count / MemoryLayout<Bits>.size).map {
        convert(
          Bits(
            littleEndian: bytes.loadUnaligned(
              fromByteOffset: $0 * MemoryLayout<Bits>.size, as: Bits.self)))
      }
    }
  }
}
