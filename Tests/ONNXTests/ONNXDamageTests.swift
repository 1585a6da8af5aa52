import Classification
import Foundation
import Kernels
import NeuralNetwork
import ONNX
import PropertyChecks
import PropertyTesting
import Statistics
import TestSupport
import Testing

@Suite("Whatever is done to an ONNX file, it is read or refused in one line")
struct ONNXDamageTests {
  /// Reads bytes, and computes with them if they are a network. Every error is one of ours.
  private static func read(_ data: Data) {
    do {
      let network = try ONNXNetwork(data) { try Fixtures.data("onnx/\($0)") }
      let plan = InferencePlan(
        network.graph, normalization: try network.normalization(), kernels: .reference)
      let shape = network.graph.imageShape
      let images = try Pixels(
        Tensor(repeating: 0.5, shape: [1, shape.channels, shape.height, shape.width]))
      _ = try NetworkClassifier(plan).logits(
        of: images, draws: Draws(seed: 0, purpose: .test, examples: [0]))
    } catch let error as any ExplainedError {
      #expect(!"\(error)".isEmpty)
    } catch { Issue.record("\(error)") }
  }

  @Test("every beginning of a file is refused")
  func truncated() throws {
    for name in ["shapes-new-18-dynamic.onnx", "verified-old-9-frozen.onnx.gz"] {
      let data = try Fixtures.data("onnx/\(name)")
      for count in 0..<data.count {
        #expect(throws: ONNXError.self) { _ = try ONNXNetwork(data.prefix(count)) }
      }
    }
  }

  @Test("single bytes that differ")
  func changed() async throws {
    let files = try GoldenFile.all.filter { $0.name.contains("-old-") }.map { try $0.data }
    await check(
      "a byte is another", .integer(in: 0...files.count - 1), .integer(in: 0...1 << 30),
      .integer(in: 1...255), cases: 1500
    ) { (file: Int, place: Int, difference: Int) in
      var data = files[file]
      data[place % data.count] ^= UInt8(difference)
      Self.read(data)
    }
  }

  @Test("bytes by chance, alone and in the place of a part of a file")
  func random() async throws {
    let file = try Fixtures.data("onnx/padded-old-11-dynamic.onnx")
    await check(
      "bytes by chance", .array(of: .integer(in: 0...255), count: 0...60),
      .integer(in: 0...file.count), cases: 1000
    ) { (bytes: [Int], place: Int) in
      let chance = Data(bytes.map { UInt8($0) })
      Self.read(chance)
      var data = file
      data.replaceSubrange(place..<min(place + bytes.count, data.count), with: chance)
      Self.read(data)
      Self.read(file.prefix(place) + chance + file.suffix(from: place))
    }
  }

  @Test("what the wire format has not, and what ONNX has once, is refused by name")
  func wire() throws {
    func problem(_ bytes: [UInt8]) -> String { ONNXTests.problem { try ONNXNetwork(Data(bytes)) } }
    #expect(problem([]).contains("it has no graph"))
    #expect(problem([0x08]).contains("ends within a number"))
    #expect(problem([0x08] + [UInt8](repeating: 0xFF, count: 11)).contains("more than 64 bits"))
    #expect(
      problem([0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]).contains("bytes"))
    // Longer than the message that it is in, which is shorter than the file.
    #expect(problem([0x3A, 2, 0x0A, 3, 0x28, 0, 0x28, 0]).contains("a field of 3 bytes"))
    #expect(problem([0x0B]).contains("kind 3"))
    #expect(problem([0x00, 0x00]).contains("number 0"))
    #expect(problem([0x3A, 0x00, 0x3A, 0x00]).contains("two graphs"))
    // A tensor of 2⁶² values in 2 bytes, and shapes whose product is beyond all numbers.
    for extents in [[1 << 62], [1 << 32, 1 << 32], [0, 1 << 62], [-1]] {
      var model = TestModel(image: [1, 2, 2])
      model.stored("w", [], extents + [0])
      #expect(ONNXTests.problem { try ONNXNetwork(model.data) }.contains("impossible shape"))
    }
  }

  @Test(
    "weights in another file: a missing one, one that is too short, and a name that leads elsewhere"
  )
  func external() throws {
    func problem(_ entries: [(String, String)], _ file: Data?) -> String {
      var model = TestModel(image: [1, 1, 2])
      model.stored("w", count: 2, in: entries)
      model.node("Flatten", ["images"], to: "flat")
      model.node("Add", ["flat", "w"], to: "logits")
      return ONNXTests.problem { try ONNXNetwork(model.data) { _ in file } }
    }
    #expect(problem([("location", "w")], Data(count: 8)) == "")
    #expect(problem([("location", "w"), ("offset", "4")], Data(count: 12)) == "")
    #expect(problem([("location", "w")], nil).contains("which is not there"))
    for name in ["../w", "/etc/passwd", "", "..", "a/b", "a\\b", "."] {
      #expect(problem([("location", name)], Data(count: 8)).contains("no name of a file"))
    }
    for (key, value) in [
      ("offset", "1"), ("offset", "-1"), ("offset", "9223372036854775807"), ("offset", "x"),
      ("length", "4"), ("length", "-8"), ("length", "x"),
    ] {
      #expect(
        problem([("location", "w"), (key, value)], Data(count: 8)).contains("tensor w"), "\(value)")
    }
    #expect(problem([], Data(count: 8)).contains("does not say"))
  }

  @Test("a packed file that ends early, is damaged, or has something behind")
  func packed() throws {
    let data = try Fixtures.data("onnx/verified-old-9-frozen.onnx.gz")
    #expect(problem { try ONNXNetwork(data + [0]) }.contains("something follows"))
    var other = data
    other[data.count / 2] ^= 1
    #expect(problem { try ONNXNetwork(other) }.contains("gzip"))
    other = data
    other[data.count - 5] ^= 1
    #expect(problem { try ONNXNetwork(other) }.contains("gzip"))
  }
}
