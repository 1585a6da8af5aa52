import Foundation
import NeuralNetwork
import Statistics

/// What tells this program from any other build of it.
package enum ProgramIdentity {
  /// The SHA-256 of the executable's file, as `sha256sum` gives it; nil where the system does not show the file.
  /// Looked at once, as a file of many megabytes does not change while it runs.
  package static let digest: String? = bytes.map { sha256($0) }

  /// The revision of the sources that it was built from, as `ci/stamp` wrote it into the executable's file; nil for one
  /// that was not stamped. Linking makes the file anew, so that no stamp outlives its sources.
  package static let revision: String? = bytes.flatMap { revision(in: $0) }

  /// The revision in the bytes of an executable.
  package static func revision(in executable: Data) -> String? {
    guard let bytes = ELFSymbols.section(".mixup.revision", of: executable) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(
      in: .whitespacesAndNewlines)
    return text.isEmpty || text.count > 100 ? nil : text.printable
  }

  private static var bytes: Data? {
    try? Data(contentsOf: URL(filePath: "/proc/self/exe"), options: .alwaysMapped)
  }
}
