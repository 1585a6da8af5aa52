import Foundation
import Kernels
import Testing

@Suite("A library that is loaded while the program runs")
struct LoadedLibraryTests {
  private func source(_ file: String) -> LoadedLibrary.Source {
    LoadedLibrary.Source(name: "Thing", file: file, package: "libthing1")
  }

  @Test("gives its functions")
  func functions() throws {
    typealias Unary = @convention(c) (Double) -> Double
    let library = try LoadedLibrary(source("libm.so.6"))
    let root = try library.function("sqrt", as: Unary.self)
    #expect(root(9) == 3)
    #expect(library.optional("no_such_function", as: Unary.self) == nil)
  }

  @Test(
    "that is not there, is damaged or is another one, is told in one line, with what installs it")
  func missing() throws {
    let damaged = FileManager.default.temporaryDirectory.appending(
      path: "LoadedLibraryTests-\(UUID().uuidString) damaged.so")
    try Data("no library".utf8).write(to: damaged)
    defer { try? FileManager.default.removeItem(at: damaged) }
    for file in ["libno-such-library.so.9", damaged.path(percentEncoded: false)] {
      let error = try #require(throws: MissingLibrary.self) {
        _ = try LoadedLibrary(source(file))
      }
      expectLine(error, naming: file)
    }
    let library = try LoadedLibrary(source("libm.so.6"))
    let error = try #require(throws: MissingLibrary.self) {
      _ = try library.function("no_such_function", as: (@convention(c) () -> Void).self)
    }
    expectLine(error, naming: "no_such_function")
  }

  private func expectLine(_ error: MissingLibrary, naming file: String) {
    let line = "\(error)"
    #expect(line.hasPrefix("Thing cannot be loaded (") && line.contains(file), "\(line)")
    #expect(line.hasSuffix("; install it, such as with apt-get install libthing1"), "\(line)")
    #expect(!line.contains("\n") && error.cause == .usage, "\(line)")
  }
}
