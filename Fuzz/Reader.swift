import Foundation
import Statistics

/// Something that reads outside bytes, as libFuzzer puts it to the test.
struct Reader: Sendable {
  let name: String
  /// How seeds and finds are changed.
  let change: Change
  /// Reads the bytes. Whatever they are, it ends, and throws an error at worst.
  let read: @Sendable (Data) throws -> Void

  init(
    _ name: String, change: @escaping Change = Changes.bytes,
    read: @escaping @Sendable (Data) throws -> Void
  ) {
    self.name = name
    self.change = change
    self.read = read
  }

  /// Changes bytes; at most `most` come out.
  typealias Change = @Sendable (_ bytes: Data, _ most: Int, _ random: inout RandomStream) -> Data

  /// Every reader; `ci/fuzz` knows them by what `--list` prints.
  static let all = [
    onnx, process, safetensors, checkpoint, scaling, trainingState, images, dataset, idx, cifar,
    plan, numbers, store, runs, stages, curve, token, profile, symbols,
  ]

  /// Reads the bytes; what is refused has to be told.
  func run(_ data: Data) {
    do { try read(data) } catch { precondition(!"\(error)".isEmpty, "an error without words") }
  }
}
