import Foundation
import TestSupport
import Testing

@Suite("What every verb takes")
struct CommonOptionsTests {
  static let verbs = [
    "reproduce", "train", "evaluate", "submit", "certify", "merge", "report", "attack", "verify",
    "profile", "inspect", "export", "quantize", "compare", "doctor",
  ]

  /// What ArgumentParser says of an argument.
  private struct Argument: Decodable {
    struct Name: Decodable {
      var kind, name: String
    }
    var names: [Name]?
  }

  private struct Description: Decodable {
    var commandName: String
    var abstract: String?
    var discussion: String?
    var arguments: [Argument]?
    var subcommands: [Description]?
  }

  private struct Dump: Decodable {
    var command: Description
  }

  private func described() throws -> [Description] {
    let result = try Command().run(["--experimental-dump-help"])
    let dump = try JSONDecoder().decode(Dump.self, from: Data(result.output.utf8))
    return (dump.command.subcommands ?? []).filter { $0.commandName != "help" }
  }

  @Test("every verb takes --json, --quiet and --verbose, and the list of verbs here has them all")
  func options() throws {
    let verbs = try described()
    #expect(Set(verbs.map(\.commandName)) == Set(Self.verbs))
    for verb in verbs {
      let names = Set((verb.arguments ?? []).flatMap { $0.names ?? [] }.map(\.name))
      #expect(names.isSuperset(of: ["json", "quiet", "verbose"]), "\(verb.commandName)")
    }
  }

  @Test(
    "every verb's help has two examples at least, with options that the verb has, and its exit statuses"
  )
  func examples() throws {
    for verb in try described() {
      let help = try Command().run([verb.commandName, "--help"]).output
      let lines = help.replacing(#/ \\\n +/#, with: " ").split(separator: "\n")
      let examples = lines.filter { $0.hasPrefix("  mixup-inference \(verb.commandName)") }
      #expect(examples.count >= 2 && help.contains("Exit status: 0 done;"), "\(verb.commandName)")
      // ArgumentParser never breaks the line of usage.
      for line in help.split(separator: "\n") where !line.hasPrefix("USAGE: ") {
        #expect(line.count <= 80, "\(line)")
      }
      for example in examples {
        // What stands behind -- is another verb's.
        for word in example.split(separator: " ").prefix(while: { $0 != "--" })
        where word.hasPrefix("--") {
          #expect(help.contains("  \(word)") || help.contains(", \(word)"), "\(example): \(word)")
        }
      }
    }
  }

  @Test(
    "the version names the digest of the program, as records do, and whether a revision is known")
  func version() throws {
    let result = try Command().run(["--version"])
    let digest = try Command().run(["doctor", "--verbose"])
    #expect(result.status == 0)
    // Of the number `ci/package` makes a file's name.
    #expect(
      result.output.prefixMatch(of: /mixup-inference [0-9]+\.[0-9]+\.[0-9]+(-[a-z0-9.]+)?\n/) != nil
    )
    #expect(result.output.contains("revision  "))
    let found = try #require(result.output.firstMatch(of: /program +([0-9a-f]{64})/))
    #expect(digest.error.contains("SHA-256 \(found.1)"))
  }

  /// Command lines that end soon, with all files that they need in a workplace.
  static let quick: [[String]] = [
    ["doctor"], ["inspect", "model.safetensors"], ["inspect", "digits"],
    ["evaluate", "--model", "model.safetensors", "--count", "3"],
    ["evaluate", "--model", "model.safetensors", "--count", "3", "--estimate"],
    [
      "certify", "--model", "model.safetensors", "--sigma", "0.5", "--count", "2", "--radii", "0",
      "--draws", "100",
    ],
    [
      "attack", "--model", "model.safetensors", "--count", "2", "--attack", "pgd", "--epsilon",
      "0.1", "--steps", "1", "--output", "a.safetensors",
    ],
    ["export", "--model", "model.safetensors", "--onnx", "a.onnx"],
    ["quantize", "--model", "model.safetensors", "--images", "20", "--output", "int8.safetensors"],
    ["verify", "--models", "1", "--draws", "2"],
    ["reproduce", "--scale", "quick", "--estimate"],
    ["train", "--method", "plain", "--epochs", "1", "--output", "t.safetensors"],
    [
      "submit", "slurm", "--shards", "2", "--dry-run", "--", "evaluate", "--model",
      "model.safetensors", "--count", "3", "--store", "s",
    ],
  ]

  @Test(
    "--json - is JSON alone on standard output, and with --quiet nothing stands beside",
    arguments: quick)
  func json(_ words: [String]) throws {
    try Workplace.with { place in
      let command = Command(folder: place.folder)
      // Options of submit stand in front of --.
      var loud = words
      loud.insert(contentsOf: ["--json", "-"], at: words.firstIndex(of: "--") ?? words.endIndex)
      let result = try command.run(loud)
      #expect(result.status == 0, "\(result.error)")
      #expect(throws: Never.self) {
        try JSONSerialization.jsonObject(with: Data(result.output.utf8))
      }
      #expect(!result.error.isEmpty)
      if words.contains("train") {
        for name in try FileManager.default.contentsOfDirectory(atPath: place.path(""))
        where name.hasPrefix("t.") || name.hasPrefix("t-") {
          try FileManager.default.removeItem(atPath: place.path(name))
        }
      }
      loud.insert("--quiet", at: words.firstIndex(of: "--") ?? words.endIndex)
      let quiet = try command.run(loud)
      #expect(quiet.status == 0 && quiet.error.isEmpty, "\(quiet.error)")
    }
  }

  @Test("--quiet leaves the text for people on standard output, and takes progress away")
  func quiet() throws {
    try Workplace.with { place in
      let command = Command(folder: place.folder)
      let words = ["evaluate", "--model", "model.safetensors", "--count", "3"]
      let (loud, quiet) = (try command.run(words), try command.run(words + ["-q"]))
      #expect(loud.output == quiet.output && !loud.output.isEmpty)
      #expect(!loud.error.isEmpty && quiet.error.isEmpty)
      let both = try command.run(words + ["-q", "-v"])
      #expect(both.status == 64 && both.error.contains("contradict"))
    }
  }

  @Test("--verbose says which program, which command and what it took, on standard error")
  func verbose() throws {
    // Not `doctor`, which says what else runs on the machine.
    let words = ["inspect", "digits"]
    let (plain, verbose) = (try Command().run(words), try Command().run(words + ["-v"]))
    #expect(plain.output == verbose.output && plain.error.isEmpty)
    for word in ["SHA-256", "command: ", "inspect digits -v", "kernel set", "took", "MiB"] {
      #expect(verbose.error.contains(word), "\(word)")
    }
  }

  @Test(
    "tables keep to 80 columns elsewhere than in a terminal, and to COLUMNS", arguments: [20, 80])
  func narrow(_ columns: Int) throws {
    try Workplace.with { place in
      var command = Command(folder: place.folder)
      command.environment = ProcessInfo.processInfo.environment
      if columns != 80 { command.environment?["COLUMNS"] = "\(columns)" }
      for words in [
        ["inspect", "model.safetensors"], ["verify", "--models", "1"],
        ["evaluate", "--model", "model.safetensors", "--count", "3", "--defence", "mi-ol"],
      ] {
        let result = try command.run(words)
        let rules = result.output.split(separator: "\n").filter { $0.contains("───") }
        #expect(!rules.isEmpty || columns == 20)
        #expect(rules.allSatisfy { $0.count <= columns })
      }
      // A terminal that is narrower than what ArgumentParser can lay out.
      let help = try command.run(["evaluate", "--help"])
      #expect(help.status == 0 && help.output.contains("PyTorch"))
    }
  }

  @Test("completion scripts are there for three shells, and bash's can be read")
  func completion() throws {
    for shell in ["bash", "zsh", "fish"] {
      let result = try Command().run(["--generate-completion-script", shell])
      #expect(result.status == 0 && result.output.contains("quantize"))
      guard shell == "bash" else { continue }
      try withTemporaryFolder { folder in
        let file = folder.appending(path: "complete")
        try Data(result.output.utf8).write(to: file)
        let checked = try Command(executable: URL(filePath: "/bin/bash"))
          .run(["-n", file.path(percentEncoded: false)])
        #expect(checked.status == 0 && checked.error.isEmpty, "\(checked.error)")
      }
    }
  }
}
