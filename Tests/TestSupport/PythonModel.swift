import Foundation

/// Programs that answer for a model over the protocol of `ProcessModel`, in Python with numpy.
package enum PythonModel {
  private static let repository = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The folder of `process_model.py`.
  package static let folder = repository.appending(path: "Examples/OwnProcess")

  /// The command of a program that begins with `import process_model` and numpy as np.
  ///
  /// - Parameters:
  ///   - program: what follows.
  ///   - folder: where the program is written and runs.
  package static func command(_ program: String, in folder: URL) throws -> String {
    let file = folder.appending(path: "program.py")
    try Data("import process_model\nimport numpy as np\n\(program)\n".utf8).write(to: file)
    return command(running: file, in: folder)
  }

  /// The command of a file of Python in a folder.
  package static func command(running file: URL, in folder: URL) -> String {
    func quoted(_ url: URL) -> String { "'\(url.path(percentEncoded: false))'" }
    return
      "cd \(quoted(folder)) && PYTHONPATH=\(quoted(self.folder)) exec python3 -B \(quoted(file))"
  }
}
