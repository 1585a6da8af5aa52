import Foundation

/// Walks over the fields of one message in the wire format of Protocol Buffers: a key, which has the field's number
/// and how its value is written, then the value.
///
/// Messages inside of messages are ranges of bytes, which the caller walks over in turn, so the depth of the calls is
/// that of the caller's code whatever the bytes say. Every length is held against what there is before anything is
/// done with it. Source: the encoding's description at protobuf.dev.
struct WireReader {
  /// The value of a field.
  enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    /// A text, a message, or several numbers one behind the other.
    case bytes(Range<Int>)
  }

  /// All bytes; indices begin with 0.
  let data: Data
  private var place: Int
  private let end: Int

  /// - Precondition: `data` has the range.
  init(_ data: Data, _ range: Range<Int>) {
    precondition(data.startIndex == 0 && 0...data.count ~= range.upperBound)
    self.data = data
    place = range.lowerBound
    end = range.upperBound
  }

  var isAtEnd: Bool { place == end }

  /// The next field; nil at the end of the message.
  mutating func next() throws(ONNXError) -> (number: UInt64, value: Value)? {
    guard place < end else { return nil }
    let key = try varint()
    let number = key >> 3
    guard 1..<1 << 29 ~= number else {
      throw .damaged("byte \(place) belongs to a field of number \(number)")
    }
    switch key & 7 {
    case 0: return (number, .varint(try varint()))
    case 1: return (number, .fixed64(try fixed(UInt64.self)))
    case 2:
      let length = try varint()
      guard length <= UInt64(end - place) else {
        throw .damaged(
          "a field of \(length) bytes begins at byte \(place), and \(end - place) are left")
      }
      defer { place += Int(length) }
      return (number, .bytes(place..<place + Int(length)))
    case 5: return (number, .fixed32(try fixed(UInt32.self)))
    default: throw .damaged("byte \(place) has a field of the kind \(key & 7), which ONNX has not")
    }
  }

  /// A number of up to 64 bits, seven in each byte.
  mutating func varint() throws(ONNXError) -> UInt64 {
    var result: UInt64 = 0
    for shift in stride(from: 0, to: 64, by: 7) {
      guard place < end else { throw .damaged("it ends within a number, at byte \(place)") }
      let byte = data[place]
      place += 1
      // Of the tenth byte only one bit has room.
      guard shift < 63 || byte <= 1 else { break }
      result |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte < 0x80 { return result }
    }
    throw .damaged("the number at byte \(place) has more than 64 bits")
  }

  /// A number of fixed width, little-endian.
  mutating func fixed<Bits: FixedWidthInteger>(_ type: Bits.Type) throws(ONNXError) -> Bits {
    let width = Bits.bitWidth / 8
    guard end - place >= width else { throw .damaged("it ends within a number, at byte \(place)") }
    var result: Bits = 0
    for byte in 0..<width {
      result |= Bits(truncatingIfNeeded: data[place + byte]) << Bits(truncatingIfNeeded: 8 * byte)
    }
    place += width
    return result
  }
}

extension WireReader.Value {
  /// The bytes of a message or a text.
  func bytes(_ field: String) throws(ONNXError) -> Range<Int> {
    guard case .bytes(let range) = self else { throw .damaged("its \(field) is a number") }
    return range
  }

  /// Text in UTF-8.
  func text(_ field: String, in data: Data) throws(ONNXError) -> String {
    let range = try bytes(field)
    guard let text = String(validating: data[range], as: UTF8.self) else {
      throw .damaged("its \(field) is not text")
    }
    return text
  }

  /// A whole number; negative ones are written as their two's complement of 64 bits.
  func integer(_ field: String) throws(ONNXError) -> Int {
    guard case .varint(let bits) = self else { throw .damaged("its \(field) is no whole number") }
    return Int(Int64(bitPattern: bits))
  }

  /// One number, or several one behind the other, of those that make up a list.
  func append(integersTo list: inout [Int], _ field: String, in data: Data) throws(ONNXError) {
    guard case .bytes(let range) = self else { return list.append(try integer(field)) }
    var reader = WireReader(data, range)
    while !reader.isAtEnd { list.append(Int(Int64(bitPattern: try reader.varint()))) }
  }

  func append(floatsTo list: inout [Float], _ field: String, in data: Data) throws(ONNXError) {
    switch self {
    case .fixed32(let bits): list.append(Float(bitPattern: bits))
    case .bytes(let range):
      guard range.count % 4 == 0 else { throw .damaged("its \(field) ends within a number") }
      var reader = WireReader(data, range)
      list.reserveCapacity(list.count + range.count / 4)
      while !reader.isAtEnd { list.append(Float(bitPattern: try reader.fixed(UInt32.self))) }
    case .varint, .fixed64: throw .damaged("its \(field) is no list of numbers")
    }
  }

  func append(doublesTo list: inout [Double], _ field: String, in data: Data) throws(ONNXError) {
    switch self {
    case .fixed64(let bits): list.append(Double(bitPattern: bits))
    case .bytes(let range):
      guard range.count % 8 == 0 else { throw .damaged("its \(field) ends within a number") }
      var reader = WireReader(data, range)
      while !reader.isAtEnd { list.append(Double(bitPattern: try reader.fixed(UInt64.self))) }
    case .varint, .fixed32: throw .damaged("its \(field) is no list of numbers")
    }
  }
}
