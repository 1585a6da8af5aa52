import Classification
import Foundation
import NeuralNetwork
import TestSupport
import Testing

@Suite("Safetensors files")
struct SafetensorsTests {
  /// A file with this header, padded to a multiple of eight, and as many bytes of values.
  private func file(_ header: String, values: Int = 0) -> Data {
    var header = Data(header.utf8)
    header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
    return length(UInt64(header.count)) + header + Data(count: values)
  }

  private func length(_ value: UInt64) -> Data {
    withUnsafeBytes(of: value.littleEndian) { Data($0) }
  }

  private func failure(
    _ data: Data, sourceLocation: SourceLocation = #_sourceLocation
  ) -> SafetensorsError? {
    #expect(throws: SafetensorsError.self, sourceLocation: sourceLocation) {
      try Safetensors(data)
    }
  }

  private static let contents = Safetensors(
    tensors: [
      "b": randomTensor([2, 3], seed: 1), "a.weight": randomTensor([5], seed: 2),
      "scalar": randomTensor([], seed: 3), "empty": Tensor(shape: [0, 4]),
      "odd \"name\": {\\": randomTensor([1, 1, 7], seed: 4),
    ], metadata: ["note": "one: \"two\" \\", "λ": "½"])

  @Test("Reading what was written gives the same tensors and text")
  func roundTrip() throws {
    let read = try Safetensors(Self.contents.encoded())
    #expect(read.tensors == Self.contents.tensors && read.metadata == Self.contents.metadata)
    let empty = try Safetensors(Safetensors(tensors: [:]).encoded())
    #expect(empty.tensors.isEmpty && empty.metadata.isEmpty)
  }

  @Test("Every bit of a value is kept, NaN, −0 and subnormals included")
  func keepsBits() throws {
    let values: [Float] = [
      .nan, -.zero, .infinity, .leastNonzeroMagnitude, -.greatestFiniteMagnitude,
    ]
    let file = Safetensors(tensors: ["x": try Tensor(values, shape: [5])])
    let read = try #require(Safetensors(file.encoded()).tensors["x"])
    #expect(read.values.map(\.bitPattern) == values.map(\.bitPattern))
  }

  @Test("Equal contents give equal bytes, in whatever order they were put in")
  func deterministic() throws {
    let names = Self.contents.tensors.keys.sorted()
    let expected = try Self.contents.encoded()
    for order in [names, names.reversed()] {
      var copy = Safetensors(tensors: [:])
      for name in order { copy.tensors[name] = Self.contents.tensors[name] }
      for (key, value) in Self.contents.metadata { copy.metadata[key] = value }
      #expect(try copy.encoded() == expected)
    }
  }

  @Test("The layout is that of the format's description")
  func layout() throws {
    let bytes = try Safetensors(tensors: ["x": Tensor([1, -2], shape: [2])]).encoded()
    let header = #"{"x":{"data_offsets":[0,8],"dtype":"F32","shape":[2]}}"#
    let padded = header + String(repeating: " ", count: 56 - header.utf8.count)
    let values: [UInt8] = [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]
    #expect(bytes == length(56) + Data(padded.utf8) + Data(values))
  }

  @Test("A slice of other bytes is read like a file of its own")
  func slice() throws {
    let bytes = try Self.contents.encoded()
    let slice = (Data([1, 2, 3]) + bytes + Data([4])).dropFirst(3).dropLast()
    #expect(try Safetensors(slice).tensors == Self.contents.tensors)
  }

  @Test("A file that ends anywhere before its end is refused")
  func truncated() throws {
    let bytes = try Self.contents.encoded()
    for count in 0..<bytes.count {
      #expect(throws: SafetensorsError.self) { try Safetensors(bytes.prefix(count)) }
    }
    #expect(failure(bytes.prefix(7)) == .truncated(needed: 8, found: 7))
    #expect(
      failure(bytes.dropLast()) == .truncated(needed: bytes.count, found: bytes.count - 1))
  }

  @Test("Bytes behind the last value are refused")
  func trailing() throws {
    let error = failure(try Self.contents.encoded() + Data(count: 3))
    #expect(error == .header("3 bytes belong to no tensor"))
  }

  @Test(
    "A header's length beyond the file is refused, however large",
    arguments: [
      1, 100_000_000, 100_000_001, 0x8000_0000_0000_0000, UInt64(Int.max) - 8,
      UInt64(Int.max) - 7, UInt64(Int.max), .max - 8, .max - 7, .max,
    ] as [UInt64])
  func headerLength(_ claimed: UInt64) {
    let expected: SafetensorsError =
      claimed > 100_000_000
      ? .headerLength(claimed) : .truncated(needed: Int(claimed) + 8, found: 8)
    #expect(failure(length(claimed)) == expected)
    #expect(failure(length(claimed) + Data("{".utf8)) != nil)
  }

  @Test("What else is taken for a checkpoint is told for what it is, in one line")
  func otherFormats() {
    func text(_ text: String) -> Data { Data(text.utf8) }
    func zip(_ name: String, _ more: String = "") -> Data {
      var head = text("PK\u{3}\u{4}")
      head.append(Data(count: 22))
      head.append(contentsOf: [UInt8(name.utf8.count), 0, 0, 0])
      head.append(text(name))
      head.append(Data(count: 9000))
      return head + text(more)
    }
    func bytes(_ numbers: [UInt8], _ more: String = "") -> Data { Data(numbers) + text(more) }
    let files: [(FileFormat, Data)] = [
      (.empty, Data()), (.pyTorch, zip("model/data.pkl")),
      (.pyTorch, zip("m/data/0", "m/data.pkl")),
      (.torchScript, zip("jit/data.pkl", "jit/constants.pkl")), (.numPyArchive, zip("x.npy")),
      (.zip, zip("")), (.zip, text("PK\u{3}\u{4}")),
      (.pickle, bytes([0x80, 2, 0x8A, 10], "lF")),
      (.gitPointer, text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")),
      (.html, text("\r\n <!DOCTYPE html>")), (.html, text("<HTML>")),
      (.html, text("\u{FEFF}<?xml version=\"1.0\"?>")), (.gzip, bytes([0x1F, 0x8B, 8])),
      (.compressed, text("BZh9")), (.compressed, bytes([0x28, 0xB5, 0x2F, 0xFD])),
      (.hdf5, bytes([0x89], "HDF\r\n\u{1A}\n")), (.numPyArray, bytes([0x93], "NUMPY")),
      (.gguf, text("GGUF\u{3}")), (.onnx, bytes([8, 10, 0x12, 7], "pytorch")),
      (.json, text("{\"a\": 1}")),
    ]
    for (format, bytes) in files {
      #expect(failure(bytes) == .format(format.description), "\(format)")
      // Nor is it another behind other bytes, as a slice of them.
      #expect(failure((Data([0]) + bytes).dropFirst()) == .format(format.description))
    }
    #expect(Set(files.map(\.0)) == Set(FileFormat.allCases))
    #expect(FileFormat(Data("plain text".utf8)) == nil)
  }

  @Test("A safetensors file whose length begins like another format is none of that")
  func noOtherFormat() throws {
    // 0x7B is a brace, 0x80 0x02 a pickle, 0x1F 0x8B gzip: headers of those lengths.
    for length in [0x7B, 0x280, 0x8B1F, 0x0A08] {
      let header = "{\(entry("x", "[1]", "[0,4]"))}"
      let padded = header + String(repeating: " ", count: length - header.utf8.count)
      let bytes = self.length(UInt64(length)) + Data(padded.utf8) + Data(count: 4)
      #expect(try Safetensors(bytes).tensors.count == 1)
      #expect(
        failure(bytes.dropLast()) == .truncated(needed: bytes.count, found: bytes.count - 1))
      #expect(failure(bytes.prefix(20)) == .truncated(needed: length + 8, found: 20))
    }
  }

  @Test(
    "A header that is no JSON object is refused",
    arguments: [
      "{", "[]", "7", "{\"x\":}", "{} {}", "\u{0}", "not JSON",
      String(repeating: "[", count: 100_000),
    ])
  func notJSON(_ header: String) {
    #expect(failure(file(header)) == .header("it is not a JSON object"))
  }

  private func entry(_ name: String, _ shape: String, _ offsets: String, type: String = "F32")
    -> String
  {
    #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  @Test("A hole, an overlap, and places in no order that fits are refused")
  func places() {
    let pairs = [
      ("[0,4]", "[8,12]"), ("[0,8]", "[4,8]"), ("[0,4]", "[0,4]"), ("[4,8]", "[8,12]"),
      ("[0,4]", "[4,12]"), ("[0,4]", "[4,4]"), ("[0,4]", "[8,4]"),
    ]
    for (first, second) in pairs {
      let header = "{\(entry("x", "[1]", first)),\(entry("y", "[1]", second))}"
      guard case .header(let reason) = failure(file(header, values: 12)) else {
        Issue.record("\(first), \(second) read")
        continue
      }
      #expect(reason.hasSuffix("are not where its shape says"))
    }
  }

  @Test("The order of the header need not be that of the values")
  func order() throws {
    let header = "{\(entry("x", "[1]", "[8,12]")),\(entry("y", "[2]", "[0,8]"))}"
    #expect(try Safetensors(file(header, values: 12)).tensors.keys.sorted() == ["x", "y"])
  }

  @Test(
    "A shape that no tensor has, or that says another number of values, is refused",
    arguments: [
      "[-1]", "[-1,-1]", "[2]", "[0]", "[1,1,2]", "[9223372036854775807]",
      "[4294967296,4294967296]", "[3037000500,3037000500,0]", "[9223372036854775807,-1]",
    ])
  func shapes(_ shape: String) {
    guard case .header(let reason) = failure(file("{\(entry("x", shape, "[0,4]"))}", values: 4))
    else {
      Issue.record("shape \(shape) read")
      return
    }
    #expect(reason.contains("x"))
  }

  @Test(
    "An extent of zero hides no other that is impossible",
    arguments: ["[0,4611686018427387904]", "[4611686018427387904,0]", "[4294967296,0,4294967296]"])
  func emptyShapes(_ shape: String) throws {
    guard case .header(let reason) = failure(file("{\(entry("x", shape, "[0,0]"))}")) else {
      Issue.record("shape \(shape) read")
      return
    }
    #expect(reason.hasSuffix("of x is impossible"))
    #expect(try Safetensors(file("{\(entry("x", "[0,4096]", "[0,0]"))}")).tensors.count == 1)
  }

  // A parser makes an object for every part: a GB for a file of 25 MB.
  @Test("A header of more parts than that of any network is refused before it is parsed")
  func tooManyParts() {
    let objects = (0..<140_000).map { "\"\($0)\":{}" }.joined(separator: ",")
    let extents = "[" + String(repeating: "0,", count: 270_000) + "0]"
    for header in ["{\(objects)}", "{\(entry("x", extents, "[0,0]"))}"] {
      guard case .header(let reason) = failure(file(header)) else {
        Issue.record("a header of \(header.utf8.count) bytes read")
        continue
      }
      #expect(reason.contains("parts") && reason.count < 200)
    }
    // A part of a name is none.
    let name = String(repeating: ":,", count: 150_000)
    #expect(throws: Never.self) { try Safetensors(file("{\(entry(name, "[0]", "[0,0]"))}")) }
  }

  @Test(
    "Numbers that are no whole ones, and missing or wrong fields, are refused",
    arguments: [
      #"{"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#,
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4.25]}}"#,
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,1e300]}}"#,
      #"{"x":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#,
      #"{"x":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}"#,
      #"{"x":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}"#,
      #"{"x":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}"#,
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#,
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}"#,
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[]}}"#,
      #"{"x":{"dtype":"F32","shape":[1]}}"#, #"{"x":{"dtype":"F32","data_offsets":[0,4]}}"#,
      #"{"x":{"shape":[1],"data_offsets":[0,4]}}"#, #"{"x":[1]}"#, #"{"x":null}"#, #"{"x":7}"#,
    ])
  func entries(_ header: String) {
    #expect(
      failure(file(header, values: 4))
        == .header("the entry of x lacks dtype, shape or data_offsets"))
  }

  @Test("Negative places are refused")
  func negativePlaces() {
    for offsets in ["[-4,0]", "[0,-4]", "[-4,4]"] {
      let error = failure(file("{\(entry("x", "[1]", offsets))}", values: 4))
      #expect(error == .header("the values of x are not where its shape says"))
    }
  }

  @Test("A name that occurs twice is refused, in the header and inside an entry")
  func duplicateKeys() {
    let twice = entry("x", "[1]", "[0,4]")
    let headers = [
      "{\(twice),\(twice)}", "{\(twice),\(entry("\\u0078", "[1]", "[0,4]"))}",
      #"{"x":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}"#,
      #"{"__metadata__":{"a":"1","a":"2"}}"#, #"{"__metadata__":{},"__metadata__":{}}"#,
    ]
    for header in headers {
      #expect(
        failure(file(header, values: header.contains("F32") ? 4 : 0))
          == .header("a name occurs twice"))
    }
  }

  @Test(
    "Metadata that is not text is refused",
    arguments: [#"{"a":1}"#, #"["a"]"#, #""a""#, "null", #"{"a":{"b":"c"}}"#])
  func metadata(_ value: String) {
    guard case .header = failure(file(#"{"__metadata__":\#(value)}"#)) else {
      Issue.record("\(value) read")
      return
    }
  }

  @Test("Values are read as Float32 where it holds them, and F64 is rounded")
  func types() throws {
    func read(_ type: String, _ bytes: [UInt8], count: Int) throws -> [Float]? {
      let header = "{\(entry("x", "[\(count)]", "[0,\(bytes.count)]", type: type))}"
      return try Safetensors(file(header) + Data(bytes)).tensors["x"]?.values
    }
    // IEEE 754 by hand: 1, −2, the smallest subnormal, the largest, −∞.
    let half: [UInt16] = [0x3C00, 0xC000, 0x0001, 0x7BFF, 0xFC00]
    #expect(
      try read("F16", half.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }, count: 5)
        == [1, -2, 0x1p-24, 65504, -.infinity])
    let brain: [UInt16] = [0x3F80, 0xC000, 0x4049, 0x0001, 0xFF80]
    #expect(
      try read("BF16", brain.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }, count: 5)
        == [1, -2, 3.140625, 0x1p-133, -.infinity])
    func bytes(_ bits: UInt64) -> [UInt8] { withUnsafeBytes(of: bits.littleEndian) { Array($0) } }
    let doubles = [0.1, -.infinity, 1 + 0x1p-24, 1 + 0x1.8p-23]
    #expect(
      try read("F64", doubles.flatMap { bytes($0.bitPattern) }, count: 4)
        == [0.1, -.infinity, 1, 1 + 0x1p-22])
    let integers: [Int64] = [-1, 390, 0x100_0000, .min]
    #expect(
      try read("I64", integers.flatMap { bytes(UInt64(bitPattern: $0)) }, count: 4)
        == [-1, 390, 0x1p24, -0x1p63])
    #expect(try read("U8", [0, 7, 255], count: 3) == [0, 7, 255])
    #expect(try read("I8", [0x80, 7, 0xFF], count: 3) == [-128, 7, -1])
    #expect(try read("BOOL", [0, 1], count: 2) == [0, 1])
    #expect(try read("I16", [0x00, 0x80, 0xFF, 0x7F], count: 2) == [-32768, 32767])
    #expect(try read("U16", [0x00, 0x80, 0xFF, 0xFF], count: 2) == [32768, 65535])
    #expect(try read("I32", [0, 0, 0, 0x80], count: 1) == [-0x1p31])
    #expect(try read("U32", [0, 0, 0, 0x80], count: 1) == [0x1p31])
    #expect(try read("U64", bytes(1 << 63), count: 1) == [0x1p63])
    let unheld = [
      ("I64", bytes(0x100_0001), "16777217"), ("U64", bytes(.max), "18446744073709551615"),
      ("I32", [0xFF, 0xFF, 0xFF, 0x7F], "2147483647"), ("U32", [1, 0, 0, 0x80], "2147483649"),
      ("F64", bytes((-1e300).bitPattern), "-1e+300"), ("BOOL", [2], "2"),
    ]
    for (type, bytes, value) in unheld {
      #expect(throws: SafetensorsError.value(value, type: type, tensor: "x")) {
        try read(type, bytes, count: 1)
      }
    }
    for (type, width) in [
      ("F8_E4M3", 1), ("F8_E5M2", 1), ("C64", 8), ("F4", 4), ("f32", 4), ("", 4),
    ] {
      #expect(throws: SafetensorsError.type(type, tensor: "x")) {
        try read(type, Array(repeating: 0, count: width), count: 1)
      }
    }
    // As many bytes as another type would take.
    for (type, width) in [("F16", 4), ("BF16", 1), ("F32", 2), ("F64", 4), ("I64", 4)] {
      #expect(throws: SafetensorsError.header("the values of x are not where its shape says")) {
        try read(type, Array(repeating: 0, count: width), count: 1)
      }
    }
  }

  @Test(
    "Numbers that other readers refuse are refused",
    arguments: [
      #"{"x":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#,
      #"{"x":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}"#,
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4E0]}}"#,
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0.0,4]}}"#,
    ])
  func wholeNumbers(_ header: String) {
    #expect(
      failure(file(header, values: 4))
        == .header("a number in it is not written as a whole one"))
  }

  @Test("Whole numbers are read exactly, which Float32 could not hold, or not at all")
  func integers() throws {
    func read(_ type: String, _ bytes: Data, count: Int = 2) throws -> [Int]? {
      let bytes = RawSafetensors(entries: [.init("x", type, [count], bytes)]).encoded()
      return try SafetensorsHeader(bytes).entries[0].integers(in: bytes)
    }
    #expect(try read("U8", Data([0, 255])) == [0, 255])
    #expect(try read("I8", Data([127, 128])) == [127, -128])
    #expect(try read("U16", rawBytes([UInt16.max, 1])) == [65535, 1])
    #expect(try read("I16", rawBytes([Int16.min, 1])) == [-32768, 1])
    #expect(try read("U32", rawBytes([UInt32.max, 0x100_0001])) == [0xFFFF_FFFF, 0x100_0001])
    #expect(try read("I32", rawBytes([Int32.min, 0x100_0001])) == [-0x8000_0000, 0x100_0001])
    #expect(try read("U64", rawBytes([UInt64(Int.max), 1])) == [.max, 1])
    #expect(try read("U64", rawBytes([1, UInt64(1) << 63])) == nil)
    #expect(try read("I64", rawBytes([Int64.min, .max])) == [.min, .max])
    #expect(try read("BOOL", Data([1, 0])) == [1, 0])
    #expect(try read("I64", Data(), count: 0) == [])
    for (type, width) in [
      ("F16", 2), ("BF16", 2), ("F32", 4), ("F64", 8), ("C64", 8), ("F8_E4M3", 1),
    ] {
      #expect(try read(type, Data(count: 2 * width)) == nil)
    }
  }

  @Test("Points and exponents inside names are none of a number")
  func numbersInNames() throws {
    let read = try Safetensors(file("{\(entry("1.0e5:", "[1]", "[0,4]"))}", values: 4))
    #expect(read.tensors.keys.sorted() == ["1.0e5:"])
  }

  @Test("A header in another encoding, or with blanks in front, is refused")
  func encodings() throws {
    let text = "{\(entry("x", "[1]", "[0,4]"))}"
    for header in [
      Data((" " + text).utf8), try #require(text.data(using: .utf16LittleEndian)),
      try #require(text.data(using: .utf16)), Data([0xEF, 0xBB, 0xBF]) + Data(text.utf8),
    ] {
      let bytes = length(UInt64(header.count)) + header + Data(count: 4)
      #expect(failure(bytes) == .header("it is not a JSON object"))
    }
  }

  @Test("Ten other bytes in every place of the header: the reader never crashes, and refuses most")
  func everyByte() throws {
    let bytes = try Safetensors(
      tensors: ["x": Tensor([1, 2], shape: [2]), "y": Tensor([3], shape: [1])],
      metadata: ["a": "b"]
    ).encoded()
    var refused = 0
    for place in 0..<bytes.count - 12 {
      for byte in [0, 0x22, 0x2C, 0x2D, 0x30, 0x39, 0x5B, 0x7D, 0x80, 0xFF] as [UInt8] {
        var damaged = bytes
        damaged[place] = byte
        do { _ = try Safetensors(damaged) } catch { refused += 1 }
      }
    }
    // Most bytes matter; text, padding and names do not.
    #expect(refused > bytes.count)
  }

  @Test("Every error is one line")
  func descriptions() {
    let errors: [SafetensorsError] = [
      .truncated(needed: 9, found: 8), .header("why"), .type("F64", tensor: "x"),
      .headerLength(7), .value("1e300", type: "F64", tensor: "x"),
    ]
    for error in errors {
      #expect(!error.description.contains("\n") && error.description.count > 20)
    }
  }
}
