import Classification

/// What a process says of the model that it answers for. Only the shapes are held to it by every answer.
package struct ProcessDescription: Equatable, Sendable {
  /// What tables call the model.
  package var name: String
  /// What names the model's content, such as a digest of its weights; whatever the process says.
  package var identity: String
  package var imageShape: ImageShape
  package var classCount: Int
  /// Whether answers depend on the seeds.
  package var isRandomized: Bool
  /// Whether it can be asked for gradients.
  package var hasGradient: Bool
  /// The most images that it is asked for at once, and as many as suit it.
  package var batchSize: Int
  /// Forward passes of a network for a decision, in which records count.
  package var forwardPassesPerDecision: Int

  /// Reads the answer to a hello.
  init(payload: [UInt8]) throws(ProcessProblem) {
    var reader = Reader(payload)
    let version = try reader.number(UInt32.self)
    guard version == Message.version else {
      throw .hello(
        "it speaks version \(version) of the protocol; version \(Message.version) is spoken here")
    }
    let flags = try reader.number(UInt32.self)
    guard flags & ~3 == 0 else { throw .hello("its flags are \(flags); 1 and 2 are known") }
    isRandomized = flags & 1 != 0
    hasGradient = flags & 2 != 0
    func count(_ name: String, _ limit: Int, least: Int = 1) throws(ProcessProblem) -> Int {
      let number = try reader.number(UInt32.self)
      guard (least...limit).contains(Int(number)) else {
        throw .hello("the \(name) is \(number); it must be from \(least) to \(limit)")
      }
      return Int(number)
    }
    imageShape = ImageShape(
      channels: try count("number of channels", 1 << 10), height: try count("height", 1 << 12),
      width: try count("width", 1 << 12))
    guard imageShape.count <= 1 << 24 else {
      throw .hello("images of \(imageShape) have over \(1 << 24) values")
    }
    classCount = try count("number of classes", 100_000, least: 2)
    batchSize = try count("number of images at once", 1 << 16)
    forwardPassesPerDecision = try count("number of forward passes", 100_000)
    name = try reader.text("name", atMost: 100)
    identity = try reader.text("identity", atMost: 1000)
    guard !name.isEmpty else { throw .hello("its name is empty") }
    guard reader.isAtEnd else { throw .hello("its message is longer than it should be") }
  }
}
