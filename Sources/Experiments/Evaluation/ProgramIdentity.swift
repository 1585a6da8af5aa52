import Foundation
import NeuralNetwork

/// What tells this program from any other build of it.
enum ProgramIdentity {
  /// The SHA-256 of the executable's file, as `sha256sum` gives it; nil where the system does not show the file.
  /// Looked at once, as a file of many megabytes does not change while it runs.
  static let digest: String? = {
    let file = URL(filePath: "/proc/self/exe")
    return (try? Data(contentsOf: file, options: .mappedIfSafe)).map { sha256($0) }
  }()
}
