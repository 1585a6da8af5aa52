/// What is done to a system, as a value, and what it does to a model of the system: a rule of a state machine.
///
/// The model is a value that knows what the system has to answer, as an array knows for a queue. A command runs
/// on both, and their responses must be equal. Commands are mostly the cases of an enumeration:
///
///     enum QueueCommand: Command {
///       case enqueue(Int)
///       case dequeue
///
///       static func any(in model: [Int]) -> Generator<QueueCommand> {
///         .oneOf(.always(.dequeue), Generator<Int>.integer(in: 0...9).map { .enqueue($0) })
///       }
///
///       func isAllowed(in model: [Int]) -> Bool { model.count < 3 || self == .dequeue }
///
///       func run(onModel model: inout [Int]) -> Int? {
///         switch self {
///         case .enqueue(let number):
///           model.append(number)
///           return nil
///         case .dequeue: return model.isEmpty ? nil : model.removeFirst()
///         }
///       }
///
///       func run(on queue: inout BoundedQueue) -> Int? {
///         switch self {
///         case .enqueue(let number):
///           queue.enqueue(number)
///           return nil
///         case .dequeue: return queue.dequeue()
///         }
///       }
///     }
///
/// `Generator.commands` makes sequences of them, and a property runs these on a new system each:
///
///     await check("first in, first out", .commands(from: [])) {
///       (commands: CommandSequence<QueueCommand>) in
///       var queue = BoundedQueue(capacity: 3)
///       try await commands.run(on: &queue)
///     }
public protocol Command<Model, System>: Sendable {
  /// What is known of the system between commands; a value.
  associatedtype Model: Sendable
  /// What is tested.
  associatedtype System
  /// What a command returns; an optional or an enumeration where commands differ in that.
  associatedtype Response: Equatable

  /// A command to try next.
  ///
  /// Offer the same commands in every state, and rule out by `isAllowed`: shrinking leaves out commands, and those
  /// that follow have to keep their meaning in the states which then result.
  static func any(in model: Model) -> Generator<Self>

  /// Whether the command may be given in this state: its precondition. Unless implemented, always.
  func isAllowed(in model: Model) -> Bool

  /// Changes the model as the command has to change the system, and returns what the system has to answer.
  func run(onModel model: inout Model) -> Response

  /// Gives the command to the system, and returns what it answers. What the model cannot foretell is checked here, by
  /// an expectation or an error.
  func run(on system: inout System) async throws -> Response

  /// Throws if system and model disagree: an invariant, looked at before the first command and after each. Unless
  /// implemented, does nothing.
  static func verify(_ system: System, against model: Model) async throws
}

extension Command {
  /// Always.
  public func isAllowed(in model: Model) -> Bool { true }

  /// Does nothing.
  public static func verify(_ system: System, against model: Model) async throws {}
}

/// Commands that are given one after another to a system in a known state.
public struct CommandSequence<Element: Command>: Sendable {
  /// The state of a new system.
  public let start: Element.Model
  /// The commands in their order.
  public let commands: [Element]

  /// The given commands, such as those of a counterexample.
  public init(_ commands: [Element], from start: Element.Model) {
    self.commands = commands
    self.start = start
  }

  /// Runs the commands on a new system and on the model of it.
  ///
  /// - Returns: the model after the last one.
  /// - Throws: `CommandFailure` at the first response that is not the model's, and at a command that is not allowed
  ///   where it stands; what the system and `verify` throw.
  @discardableResult
  public func run(on system: inout Element.System) async throws -> Element.Model {
    var model = start
    try await Element.verify(system, against: model)
    for (place, command) in commands.enumerated() {
      func failure(_ text: String) -> CommandFailure {
        CommandFailure(
          description: "\(caseName(command)) \(text) (command \(place + 1) of \(commands.count))")
      }
      guard command.isAllowed(in: model) else { throw failure("is not allowed") }
      let expected = command.run(onModel: &model)
      let response = try await command.run(on: &system)
      guard response == expected else {
        throw failure("answers `\(pasteable(response))`, the model `\(pasteable(expected))`")
      }
      try await Element.verify(system, against: model)
    }
    return model
  }
}

extension CommandSequence: CustomDebugStringConvertible {
  /// The commands as a Swift array.
  public var debugDescription: String { pasteable(commands) }
}

/// A command that a system does not follow as its model does, in one line.
public struct CommandFailure: Error, CustomStringConvertible {
  /// Which command, what the system answers, and what the model does.
  public let description: String
}
