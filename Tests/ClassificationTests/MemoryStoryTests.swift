import Classification
import PropertyChecks
import PropertyTesting
import Testing

/// Buffers that live, and whether memory is kept for reuse.
private struct Buffers {
  var living: [AlignedBuffer] = []
  var reuse: MemoryReuse?
}

private enum BufferCommand: Command {
  case allocate(count: Int)
  case copy(Int)
  case release(Int)
  case write(Int, Float)
  case keepMemory(Bool)

  /// Below and above the sizes from which memory is kept, mapped, and put on large pages.
  static let counts = [1, 15, 1 << 14, 1 << 16, (1 << 16) + 1, 1 << 19]

  /// A count of floats, and the value at the first, the middle and the last of them.
  struct Contents: Sendable, Equatable {
    var count: Int
    var value: Float
  }

  static func any(in model: [Contents]) -> Generator<BufferCommand> {
    let place = Generator<Int>.integer(in: 0...7)
    return .oneOf(
      Generator<Int>.element(of: counts).map { .allocate(count: $0) }, place.map { .release($0) },
      place.flatMap { place in
        Generator<Int>.integer(in: 1...99).map { .write(place, Float($0)) }
      }, place.map { .copy($0) }, Generator<Bool>.bool.map { .keepMemory($0) })
  }

  func isAllowed(in model: [Contents]) -> Bool {
    switch self {
    case .allocate: model.count < 8
    case .copy(let place): place < model.count && model.count < 8
    case .release(let place), .write(let place, _): place < model.count
    case .keepMemory: true
    }
  }

  func run(onModel model: inout [Contents]) -> Int {
    switch self {
    case .allocate(let count): model.append(Contents(count: count, value: 0))
    case .copy(let place): model.append(model[place])
    case .release(let place): model.remove(at: place)
    case .write(let place, let value): model[place].value = value
    case .keepMemory: break
    }
    return model.count
  }

  func run(on buffers: inout Buffers) -> Int {
    switch self {
    case .allocate(let count):
      let buffer = AlignedBuffer(uninitialized: count)
      Self.write(0, to: buffer)
      buffers.living.append(buffer)
    case .copy(let place): buffers.living.append(buffers.living[place].copy())
    case .release(let place): buffers.living.remove(at: place)
    case .write(let place, let value): Self.write(value, to: buffers.living[place])
    case .keepMemory(let isKept): buffers.reuse = isKept ? MemoryReuse() : nil
    }
    return buffers.living.count
  }

  private static func places(_ buffer: AlignedBuffer) -> [Int] {
    [0, buffer.count / 2, buffer.count - 1]
  }
  private static func write(_ value: Float, to buffer: AlignedBuffer) {
    for place in places(buffer) { buffer.pointer[place] = value }
  }

  static func verify(_ buffers: Buffers, against model: [Contents]) throws {
    var ends: [(start: UInt, end: UInt)] = []
    for (buffer, contents) in zip(buffers.living, model) {
      let start = UInt(bitPattern: buffer.pointer)
      #expect(buffer.count == contents.count && start % 64 == 0)
      #expect(places(buffer).allSatisfy { buffer.pointer[$0] == contents.value })
      ends.append((start, start + 4 * UInt(buffer.count)))
    }
    ends.sort { $0.start < $1.start }
    #expect(zip(ends, ends.dropFirst()).allSatisfy { $0.end <= $1.start }, "memory overlaps")
  }
}

/// What is done to tensors of three numbers; the model of each is an array.
private enum TensorCommand: Command {
  case make(Float)
  case assign(Int, to: Int)
  case set(Int, position: Int, Float)
  case write(Int, Float)
  case reshape(Int)

  static func any(in model: [[Float]]) -> Generator<TensorCommand> {
    let (place, position) = (Generator<Int>.integer(in: 0...3), Generator<Int>.integer(in: 0...2))
    let value = Generator<Int>.integer(in: 0...9).map { Float($0) }
    return .oneOf(
      value.map { .make($0) }, place.map { .reshape($0) },
      place.flatMap { from in place.map { .assign(from, to: $0) } },
      place.flatMap { place in value.map { .write(place, $0) } },
      place.flatMap { place in
        position.flatMap { position in value.map { .set(place, position: position, $0) } }
      })
  }

  func isAllowed(in model: [[Float]]) -> Bool {
    switch self {
    case .make: model.count < 4
    case .assign(let from, let to): from < model.count && to < model.count
    case .set(let place, _, _), .write(let place, _), .reshape(let place): place < model.count
    }
  }

  func run(onModel model: inout [[Float]]) -> [[Float]] {
    switch self {
    case .make(let value): model.append([value, value, value])
    case .assign(let from, let to): model[to] = model[from]
    case .set(let place, let position, let value): model[place][position] = value
    case .write(let place, let value): model[place] = [value, value + 1, value + 2]
    case .reshape: break
    }
    return model
  }

  func run(on tensors: inout [Tensor]) throws -> [[Float]] {
    switch self {
    case .make(let value): tensors.append(Tensor(repeating: value, shape: [3]))
    case .assign(let from, let to): tensors[to] = tensors[from]
    case .set(let place, let position, let value): tensors[place][position] = value
    case .write(let place, let value):
      tensors[place].withUnsafeMutablePointer { numbers in
        for offset in 0..<3 { numbers[offset] = value + Float(offset) }
      }
    case .reshape(let place):
      // The same values, and perhaps the same memory.
      tensors[place] = try tensors[place].reshaped(to: [1, 3])
    }
    return tensors.map(\.values)
  }
}

@Suite("Memory in whatever order it is asked for and given up")
struct MemoryStoryTests {
  @Test("Buffers that live overlap nowhere and keep what is written to them, reused or not")
  func buffers() async {
    await check("each buffer has its own memory", .commands(from: [])) {
      (commands: CommandSequence<BufferCommand>) in
      var buffers = Buffers()
      try await commands.run(on: &buffers)
    }
  }

  @Test("A tensor is a value: what is written to one shows in no other that was equal before")
  func tensors() async {
    await check("tensors are arrays", .commands(from: [])) {
      (commands: CommandSequence<TensorCommand>) in
      var tensors: [Tensor] = []
      try await commands.run(on: &tensors)
    }
  }
}
