import Experiments

/// Which program this is.
enum Version {
  /// The version as CHANGELOG.md has it.
  static let number = "0.1.0-dev"

  /// The version in one line: number, revision where the program knows it, and digest.
  static var line: String {
    let revision = ProgramIdentity.revision.map { "revision \($0)" } ?? "revision not recorded"
    let digest = ProgramIdentity.digest.map { "SHA-256 \($0)" } ?? "file not shown by the system"
    return "mixup-inference \(number), \(revision), \(digest)"
  }

  /// The version with what its parts mean.
  static var text: String {
    let revision =
      ProgramIdentity.revision
      ?? "not recorded; `ci/stamp` writes it into a program that was built from a commit"
    return """
      mixup-inference \(number)
      revision  \(revision)
      program   \(ProgramIdentity.digest ?? "not shown by the system")
                (SHA-256 of the executable, as `program` in records)
      """
  }
}
