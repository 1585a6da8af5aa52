// Writes the Swift files of a copy of the package so that wrong edits are in them all at once, each
// active where the variable MUTANT has its title. `ci/mutants` calls it.
//
//   schemata EDITS COPY
//
// EDITS/NUMBER has the files `title`, `file`, a path from COPY on, `old` and `new`, and `apart` if the edit shall
// not be there; EDITS/originals has the files as they were. Prints a line for each edit: its number,
// whether it is in its file now (`in` or `out`), and if so the file, the lines of its own branch, and
// those of all branches of the same body.
import Foundation

guard CommandLine.arguments.count == 3 else {
  FileHandle.standardError.write(Data("usage: schemata EDITS COPY\n".utf8))
  exit(64)
}
let edits = URL(filePath: CommandLine.arguments[1])
let copy = URL(filePath: CommandLine.arguments[2])

func printRow(_ columns: Any...) {
  print(columns.map { "\($0)" }.joined(separator: "\t"))
}

var paths: [String: [Int]] = [:]
for folder in try FileManager.default.contentsOfDirectory(atPath: edits.path) {
  guard let number = Int(folder) else { continue }
  let file = edits.appending(path: "\(folder)/file")
  paths[try String(contentsOf: file, encoding: .utf8), default: []].append(number)
}

for (path, numbers) in paths.sorted(by: { $0.key < $1.key }) {
  let source = [UInt8](try Data(contentsOf: edits.appending(path: "originals/\(path)")))
  var found: [Edit] = []
  for number in numbers.sorted() {
    let folder = edits.appending(path: "\(number)")
    let isApart = FileManager.default.fileExists(atPath: folder.appending(path: "apart").path)
    if path.hasSuffix(".swift"), !isApart,
      let edit = try Edit(number: number, folder: folder, in: source)
    {
      found.append(edit)
    } else {
      printRow(number, "out")
    }
  }
  let schema = Schema(source, edits: found)
  let file = copy.appending(path: path)
  // A file that is what it was keeps its time, or it would be compiled again.
  if (try? Data(contentsOf: file)) != Data(schema.text) {
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(schema.text).write(to: file)
  }
  for place in schema.places {
    printRow(
      place.edit, "in", path, place.own.lowerBound, place.own.upperBound, place.all.lowerBound,
      place.all.upperBound)
  }
  for number in schema.leftOut { printRow(number, "out") }
}
