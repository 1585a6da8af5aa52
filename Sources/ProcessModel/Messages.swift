import Classification

/// The protocol between an evaluation and a process that answers for a model; the chapter Protocol of this
/// module describes it. All numbers are little-endian.
package enum Message {
  /// The version that is spoken here.
  package static let version: UInt32 = 1
  /// The bytes that every message begins with. The first begins no text.
  package static let magic: [UInt8] = [0x93, 0x4D, 0x49, 0x50]

  /// What a message asks for, or answers.
  package enum Kind: UInt32, CaseIterable, Sendable {
    /// What the model is.
    case hello = 1
    /// Logits of a batch.
    case logits = 2
    /// Logits of a batch, of which the gradient will be asked for.
    case trackedLogits = 3
    /// The gradient of such a batch.
    case gradient = 4
    /// That of such a batch no gradient will be asked for.
    case forget = 5
    /// The process cannot answer; text.
    case failure = 255
  }

  /// The most bytes of an answer whose length is not known before.
  package static let mostTextBytes: UInt64 = 1 << 16

  // MARK: Questions

  static var hello: [UInt8] {
    var payload: [UInt8] = []
    payload.append(version)
    return message(.hello, payload)
  }

  /// Asks for the logits of some images.
  ///
  /// - Parameters:
  ///   - ticket: the number under which the gradient will be asked for; nil if none will be.
  ///   - seeds: one for every image.
  ///   - pixels: of the images one after the other.
  static func logits(
    ticket: UInt64?, seeds: [UInt64], pixels: UnsafeBufferPointer<Float>
  ) -> [UInt8] {
    let length = (ticket == nil ? 0 : 8) + 8 + 8 * seeds.count + 4 * pixels.count
    var message = header(ticket == nil ? .logits : .trackedLogits, length: length)
    if let ticket { message.append(ticket) }
    message.append(UInt64(seeds.count))
    for seed in seeds { message.append(seed) }
    message.append(pixels)
    return message
  }

  /// Asks for the gradient of Σ logits · outputs in the pixels of the images of a ticket.
  static func gradient(ticket: UInt64, outputs: UnsafeBufferPointer<Float>) -> [UInt8] {
    var message = header(.gradient, length: 8 + 4 * outputs.count)
    message.append(ticket)
    message.append(outputs)
    return message
  }

  static func forget(ticket: UInt64) -> [UInt8] {
    var payload: [UInt8] = []
    payload.append(ticket)
    return message(.forget, payload)
  }

  /// A whole message.
  package static func message(_ kind: Kind, _ payload: [UInt8]) -> [UInt8] {
    header(kind, length: payload.count) + payload
  }

  private static func header(_ kind: Kind, length: Int) -> [UInt8] {
    var header = magic
    header.reserveCapacity(16 + length)
    header.append(kind.rawValue)
    header.append(UInt64(length))
    return header
  }
}

extension [UInt8] {
  package mutating func append(_ number: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }

  /// The bytes of floats, which are little-endian wherever this package is built.
  fileprivate mutating func append(_ values: UnsafeBufferPointer<Float>) {
    append(contentsOf: UnsafeRawBufferPointer(values))
  }
}

// MARK: Answers

/// Where the bytes of an answer come from.
package protocol ByteSource: ~Copyable {
  /// Fills the buffer.
  mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(ProcessProblem)
  /// At most that many bytes that are there already.
  mutating func rest(atMost count: Int) -> [UInt8]
}

extension ByteSource where Self: ~Copyable {
  /// What the process says of itself.
  package mutating func hello() throws(ProcessProblem) -> ProcessDescription {
    let length = try length(of: .hello)
    guard length <= Message.mostTextBytes else {
      throw .length(expected: "at most", bytes: Message.mostTextBytes, found: length)
    }
    return try ProcessDescription(payload: bytes(count: Int(length)))
  }

  /// An answer of floats, straight into a tensor: no memory is taken that the question does not imply.
  ///
  /// - Parameter what: what was asked for, as errors call it: "logits of 64 images".
  package mutating func tensor(
    _ kind: Message.Kind, shape: [Int], _ what: String
  ) throws(ProcessProblem) -> Tensor {
    let length = try length(of: kind)
    let expected = 4 * UInt64(shape.reduce(1, *))
    guard length == expected else {
      throw .length(expected: what, bytes: expected, found: length)
    }
    var tensor = Tensor(uninitialized: shape)
    let count = tensor.count
    try tensor.withUnsafeMutablePointer { values throws(ProcessProblem) in
      try read(
        into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(start: values, count: count))
      )
    }
    return tensor
  }

  /// An answer without content.
  package mutating func nothing(_ kind: Message.Kind) throws(ProcessProblem) {
    let length = try length(of: kind)
    guard length == 0 else { throw .length(expected: "nothing", bytes: 0, found: length) }
  }

  /// The header of an answer; its length.
  private mutating func length(of kind: Message.Kind) throws(ProcessProblem) -> UInt64 {
    let magic = try bytes(count: Message.magic.count)
    guard magic == Message.magic else { throw .text(magic + rest(atMost: 200)) }
    var header = Reader(try bytes(count: 12))
    let (found, length) = (try header.number(UInt32.self), try header.number(UInt64.self))
    if found == Message.Kind.failure.rawValue {
      let words = try bytes(count: Int(min(length, Message.mostTextBytes)))
      throw .refused(oneLine(words.prefix(1000)))
    }
    guard found == kind.rawValue else { throw .kind(expected: kind.rawValue, found: found) }
    return length
  }

  /// - Precondition: the count is one that may be allocated.
  private mutating func bytes(count: Int) throws(ProcessProblem) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var problem: ProcessProblem?
    bytes.withUnsafeMutableBytes { buffer in
      do throws(ProcessProblem) { try read(into: buffer) } catch { problem = error }
    }
    if let problem { throw problem }
    return bytes
  }
}

/// Numbers and texts in bytes, one after the other.
struct Reader {
  private var bytes: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

  var isAtEnd: Bool { bytes.isEmpty }

  mutating func number<Number: FixedWidthInteger>(
    _ type: Number.Type
  ) throws(ProcessProblem) -> Number {
    let size = MemoryLayout<Number>.size
    guard bytes.count >= size else { throw .hello("its message ends too early") }
    let value = bytes.prefix(size).reversed().reduce(Number.zero) { $0 << 8 | Number($1) }
    bytes = bytes.dropFirst(size)
    return value
  }

  /// A length and that many characters of printable ASCII.
  mutating func text(_ name: String, atMost limit: Int) throws(ProcessProblem) -> String {
    let length = try number(UInt32.self)
    guard length <= limit, length <= bytes.count else {
      throw .hello("its \(name) has \(length) bytes; \(limit) are the most, and all must be there")
    }
    let part = bytes.prefix(Int(length))
    guard part.allSatisfy({ 0x20...0x7E ~= $0 }) else {
      throw .hello("its \(name) has other characters than printable ASCII")
    }
    bytes = bytes.dropFirst(Int(length))
    return String(decoding: part, as: UTF8.self)
  }
}
