import Classification
import ProcessModel
import PropertyChecks
import PropertyTesting
import Statistics
import Testing

@Suite("Messages of processes")
struct MessageTests {
  private static func hello(
    version: UInt32 = 1, flags: UInt32 = 3,
    numbers: [UInt32] = [3, 32, 32, 10, 256, 20], name: String = "mine", identity: String = "v1"
  ) -> [UInt8] {
    var payload: [UInt8] = []
    for number in [version, flags] + numbers { payload.append(number) }
    for text in [name, identity] {
      payload.append(UInt32(text.utf8.count))
      payload += text.utf8
    }
    return payload
  }

  private static func description(
    _ payload: [UInt8]
  ) throws(ProcessProblem) -> ProcessDescription {
    var source = RecordedBytes(Message.message(.hello, payload))
    return try source.hello()
  }

  @Test("say what the model is")
  func helloIsRead() throws {
    let found = try Self.description(Self.hello())
    #expect(found.imageShape == ImageShape(channels: 3, height: 32, width: 32))
    #expect((found.classCount, found.batchSize, found.forwardPassesPerDecision) == (10, 256, 20))
    #expect(found.isRandomized && found.hasGradient)
    #expect((found.name, found.identity) == ("mine", "v1"))
    let plain = try Self.description(Self.hello(flags: 0, identity: ""))
    #expect(!plain.isRandomized && !plain.hasGradient && plain.identity.isEmpty)
  }

  @Test("say nothing that cannot be")
  func helloIsChecked() {
    var refused: [(payload: [UInt8], word: String)] = [
      (Self.hello(version: 2), "version 2"), (Self.hello(flags: 4), "flags"),
      (Self.hello(name: ""), "name"), (Self.hello(name: "tab\tbed"), "ASCII"),
      (Self.hello(identity: "\u{1B}[31m"), "ASCII"),
      (Self.hello(name: String(repeating: "n", count: 101)), "name"),
      (Self.hello(identity: String(repeating: "n", count: 1001)), "identity"),
      (Self.hello() + [0], "longer"), ([], "early"),
      (Self.hello(numbers: [1 << 10, 1 << 12, 1 << 12, 10, 1, 1]), "values"),
    ]
    let names = ["channels", "height", "width", "classes", "at once", "passes"]
    for (place, name) in names.enumerated() {
      for value in [0, UInt32.max] {
        var numbers: [UInt32] = [3, 32, 32, 10, 256, 20]
        numbers[place] = value
        refused.append((Self.hello(numbers: numbers), name))
      }
    }
    for (payload, word) in refused {
      let error = #expect(throws: ProcessProblem.self) { try Self.description(payload) }
      guard case .hello(let problem) = error else {
        Issue.record("\(String(describing: error)) for \(word)")
        continue
      }
      #expect(problem.contains(word))
    }
  }

  /// What a source answers to every question, and whether it is an answer.
  private static func answers(_ bytes: [UInt8]) -> [Bool] {
    func isAnswer(_ read: (inout RecordedBytes) throws(ProcessProblem) -> Void) -> Bool {
      var source = RecordedBytes(bytes)
      do throws(ProcessProblem) { try read(&source) } catch {
        // The text of an error may quote what was read.
        let isOneLine = "\(error)".allSatisfy { !$0.isNewline }
        #expect(isOneLine)
        return false
      }
      return true
    }
    return [
      isAnswer { source throws(ProcessProblem) in _ = try source.hello() },
      isAnswer { source throws(ProcessProblem) in
        _ = try source.tensor(.logits, shape: [2, 3], "logits")
      },
      isAnswer { source throws(ProcessProblem) in try source.nothing(.forget) },
    ]
  }

  @Test("of any bytes are an error or an answer, whatever they are and wherever they end")
  func anyBytes() async {
    let valid = [
      Message.message(.hello, Self.hello()),
      Message.message(.logits, Array(repeating: 0, count: 24)),
      Message.message(.forget, []),
    ]
    for (place, message) in valid.enumerated() {
      #expect(Self.answers(message) == (0..<3).map { $0 == place })
    }
    await check(
      "bytes that are changed or cut off are refused or read", .integer(in: 0...2),
      .array(of: .integer(in: 0...(1 << 16)), count: 0...6),
      .array(of: .integer(in: 0...255), count: 6), .integer(in: 0...80)
    ) { (message: Int, places: [Int], values: [Int], length: Int) in
      var bytes = valid[message]
      for (place, value) in zip(places, values) { bytes[place % bytes.count] = UInt8(value) }
      let isAnswer = Self.answers(bytes)
      // At most the one that was asked for is answered, unless its kind was changed.
      if bytes == valid[message] { #expect(isAnswer[message]) }
      let cut = Array(bytes.prefix(length))
      if length < bytes.count { #expect(Self.answers(cut).allSatisfy { !$0 }) }
    }
    await check(
      "bytes at random are refused", .array(of: .integer(in: 0...255), count: 0...60)
    ) { (values: [Int]) in
      let bytes = values.map { UInt8($0) }
      if !bytes.starts(with: Message.magic) {
        #expect(Self.answers(bytes).allSatisfy { !$0 })
      }
      // Behind a magic that is right.
      _ = Self.answers(Message.magic + bytes)
    }
  }
}
