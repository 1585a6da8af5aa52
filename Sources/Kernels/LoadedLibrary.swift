import Glibc
import Statistics

/// A library of the system that is loaded while the program runs, by those who use it, so that the program starts
/// without it too. It stays loaded.
package struct LoadedLibrary: Sendable {
  /// A library, and what it takes to have it.
  package struct Source: Sendable {
    /// As people call it.
    package var name: String
    /// The file that the loader is asked for, by the name that does not change between compatible versions.
    package var file: String
    /// The package of Debian that has it.
    package var package: String

    package init(name: String, file: String, package: String) {
      self.name = name
      self.file = file
      self.package = package
    }
  }

  private let source: Source
  private nonisolated(unsafe) let handle: UnsafeMutableRawPointer

  /// Loads a library from where the system's loader looks for it.
  ///
  /// - Throws: `MissingLibrary` where the loader finds none that it can load.
  package init(_ source: Source) throws(MissingLibrary) {
    guard let handle = dlopen(source.file, RTLD_NOW | RTLD_LOCAL) else {
      throw MissingLibrary(source, problem: Self.lastProblem)
    }
    self.source = source
    self.handle = handle
  }

  /// A function of the library, or nil if it has none of that name.
  ///
  /// - Parameter type: its type in C, as `@convention(c)`, for which the caller answers.
  package func optional<Function>(_ name: String, as type: Function.Type) -> Function? {
    dlsym(handle, name).map { unsafeBitCast($0, to: type) }
  }

  /// A function of the library.
  ///
  /// - Parameter type: its type in C, as `@convention(c)`, for which the caller answers.
  /// - Throws: `MissingLibrary` where the library, which is another one then, has none of that name.
  package func function<Function>(
    _ name: String, as type: Function.Type
  ) throws(MissingLibrary) -> Function {
    guard let function = optional(name, as: type) else {
      throw MissingLibrary(source, problem: "\(source.file) has no function \(name)")
    }
    return function
  }

  private static var lastProblem: String {
    dlerror().map { String(cString: $0) } ?? "the loader does not say why"
  }
}

/// A library cannot be loaded.
package struct MissingLibrary: ExplainedError, Equatable {
  private let name: String
  private let package: String
  private let problem: String

  /// - Parameter problem: why not, as the loader says it, with the file.
  package init(_ source: LoadedLibrary.Source, problem: String) {
    name = source.name
    package = source.package
    self.problem = problem
  }

  /// `.usage`: what was asked for needs the library.
  package var cause: ErrorCause { .usage }

  package var description: String {
    "\(name) cannot be loaded (\(problem)); install it, such as with \(remedy)"
  }

  /// A command that installs it.
  package var remedy: String { "apt-get install \(package)" }
}
