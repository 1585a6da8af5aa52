import Foundation
import Kernels
import TestSupport
import Testing

@Suite("Where a library that is loaded when it is used cannot be")
struct MissingLibraryTests {
  /// Runs the command where the loader finds something else in place of the libraries: there is no other way to
  /// hide them that needs no rights.
  private func run(_ words: [String], in folder: URL) throws -> Command.Result {
    for file in ["libopenblas.so.0", "libprofiler.so.0"] {
      try Data("no library".utf8).write(to: folder.appending(path: file))
    }
    var environment = ProcessInfo.processInfo.environment
    let others = environment["LD_LIBRARY_PATH"].map { ":\($0)" } ?? ""
    environment["LD_LIBRARY_PATH"] = folder.path(percentEncoded: false) + others
    return try Command(folder: folder, environment: environment).run(words)
  }

  @Test("the command is linked with none of them")
  func linked() throws {
    let loader = URL(filePath: "/usr/bin/ldd")
    let result = try Command(executable: loader).run([Command.built.path(percentEncoded: false)])
    #expect(result.status == 0 && result.output.contains("libc.so.6"), "\(result.error)")
    for name in ["openblas", "crypto", "profiler"] {
      #expect(!result.output.contains("lib\(name)"), "\(result.output)")
    }
  }

  @Test("doctor says what is missing, who needs it and what installs it, and does not fail")
  func doctor() throws {
    try withTemporaryFolder { folder in
      let result = try run(["doctor"], in: folder)
      #expect(result.status == 0 && result.error.isEmpty)
      for line in [
        "missing (only --kernels openblas needs it); mend with: apt-get install libopenblas0",
        "missing (only profiles need it); mend with: apt-get install libgoogle-perftools4",
      ] {
        #expect(result.output.contains(line), "\(result.output)")
      }
      let sets = try #require(
        result.output.split(separator: "\n").first { $0.hasPrefix("kernel sets that run here") })
      #expect(!sets.contains("openblas"))
    }
  }

  @Test("what does not need it works", .enabled(if: KernelSet.simd != nil))
  func others() throws {
    try withTemporaryFolder { folder in
      let result = try run(
        ["train", "--method", "plain", "--epochs", "1", "--output", "net.safetensors"], in: folder)
      #expect(result.status == 0, "\(result.error)")
    }
  }

  @Test(
    "what needs it ends at once, in one line that says what to install",
    arguments: [
      (
        "train --method plain --epochs 1 --kernels openblas --output net.safetensors",
        "libopenblas0"
      ),
      ("profile --kernels openblas", "libopenblas0"),
      ("profile --architecture resNet8 --rounds 1 --seconds 0.1", "libgoogle-perftools4"),
      ("verify --profile here", "libgoogle-perftools4"),
    ])
  func needed(words: String, package: String) throws {
    try withTemporaryFolder { folder in
      let result = try run(words.split(separator: " ").map(String.init), in: folder)
      #expect(result.status == 64 && result.output.isEmpty)
      #expect(result.error.hasSuffix("; install it, such as with apt-get install \(package)\n"))
      #expect(result.error.split(separator: "\n").count == 1, "\(result.error)")
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))
          .sorted() == ["libopenblas.so.0", "libprofiler.so.0"])
    }
  }
}
