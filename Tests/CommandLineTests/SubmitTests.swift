import Experiments
import Foundation
import PropertyChecks
import PropertyTesting
import TestSupport
import Testing

@Suite("Jobs for Slurm")
struct SubmitTests {
  /// Runs a script of bash, with programs of its own before those of the system.
  ///
  /// - Returns: its status, and what it and the programs wrote to the file `said`.
  private func run(
    _ script: String, in folder: URL, programs: [String: String] = [:],
    environment: [String: String] = [:]
  ) throws -> (status: Int32, said: String) {
    let binaries = folder.appending(path: "bin")
    try FileManager.default.createDirectory(at: binaries, withIntermediateDirectories: true)
    for (name, body) in programs {
      try writeProgram(Data("#!/bin/bash\n\(body)\n".utf8), to: binaries.appending(path: name))
    }
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", script]
    process.currentDirectoryURL = folder
    let path = "\(binaries.path):/usr/bin:/bin"
    process.environment = environment.merging(["PATH": path]) { first, _ in first }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    // Threads of Swift's concurrency hold signals back, and hand that down to what they start.
    var (terminate, before) = (sigset_t(), sigset_t())
    sigemptyset(&terminate)
    sigaddset(&terminate, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &terminate, &before)
    try process.run()
    pthread_sigmask(SIG_SETMASK, &before, nil)
    process.waitUntilExit()
    let said = try? String(contentsOf: folder.appending(path: "said"), encoding: .utf8)
    return (process.terminationStatus, said ?? "")
  }

  private func job(_ command: [String], store: String = "store") -> SlurmJob {
    SlurmJob(command: command, tasks: 3, store: store, results: "results")
  }

  /// Runs a task's script around a program that ends with a status.
  private func task(
    ending status: Int, state: String, restarts: Int? = nil
  ) throws -> (status: Int32, said: String) {
    try withTemporaryFolder { folder in
      var environment = ["SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"]
      environment["SLURM_RESTART_COUNT"] = restarts.map { "\($0)" }
      return try run(
        job(["evaluator", "it's one"]).measuring, in: folder,
        programs: [
          "evaluator": #"echo "evaluator $# $1 $2 $3" >>said; exit \#(status)"#,
          "squeue": #"[ "$3" = 7_2 ] && echo \#(state)"#,
          "scontrol": #"echo "scontrol $*" >>said"#,
        ], environment: environment)
    }
  }

  @Test("A task's status is its command's, and 75 alone puts it back", arguments: [0, 1, 74, 75])
  func status(status: Int) throws {
    let (found, said) = try task(ending: status, state: "RUNNING")
    #expect(found == Int32(status))
    let requeue = status == 75 ? "scontrol requeue 7_2\n" : ""
    #expect(said == "evaluator 3 it's one --shard auto\n" + requeue)
  }

  @Test(
    "A task that Slurm is ending does not come back", arguments: ["COMPLETING", "CANCELLED", ""])
  func cancelled(state: String) throws {
    let (status, said) = try task(ending: 75, state: state)
    #expect(status == 75 && !said.contains("scontrol"))
  }

  @Test("A task is not put back for ever", arguments: [19, 20, 21])
  func restarts(count: Int) throws {
    let (status, said) = try task(ending: 75, state: "RUNNING", restarts: count)
    #expect(status == 75 && said.contains("scontrol") == (count < 20))
  }

  @Test("SIGTERM reaches the command, whose status counts")
  func terminated() throws {
    try withTemporaryFolder { folder in
      // The program tells the script's shell, its parent, to end, as Slurm does, and itself goes on until it is told.
      let (status, said) = try run(
        job(["evaluator"]).measuring, in: folder,
        programs: [
          "evaluator": """
          trap 'echo told >>said; exit 75' TERM
          kill -TERM $PPID
          for turn in {1..100}; do sleep 0.1; done
          """,
          "squeue": "echo RUNNING", "scontrol": "echo requeued >>said",
        ], environment: ["SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"])
      #expect(status == 75)
      #expect(said == "told\nrequeued\n")
    }
  }

  @Test("Words come back from the shell as they were")
  func words() async {
    await check(
      "words",
      .array(of: .string(of: .element(of: Array(" a'\"$`\\!*?;&|<>(){}~#=-é\t"))), count: 1...4)
    ) {
      words in
      try withTemporaryFolder { folder in
        let (_, said) = try run(
          SlurmJob(command: ["show"] + words, tasks: 1, store: "s", results: "r").measuring,
          in: folder,
          programs: ["show": #"printf '%s\0' "$@" >said"#])
        let read = said.split(separator: "\0", omittingEmptySubsequences: false).map { String($0) }
        #expect(read == words + ["--shard", "auto", ""])
      }
    }
  }

  @Test("The second job merges whatever there is, and makes the page of it only then")
  func merging() throws {
    try withTemporaryFolder { folder in
      let script = job(["program"], store: "a store").merging
      func run(ending status: Int) throws -> (status: Int32, said: String) {
        try? FileManager.default.removeItem(at: folder.appending(path: "said"))
        return try self.run(
          script, in: folder, programs: ["program": #"echo "$*" >>said; exit \#(status)"#])
      }
      let merge = "merge a store --json results/results.json --csv results/results.csv\n"
      let (failed, done) = (try run(ending: 65), try run(ending: 0))
      #expect(failed == (65, merge))
      #expect(done == (0, merge + "report results/results.json --output results/page\n"))
    }
  }

  private let evaluation = [
    "--", "evaluate", "--count", "3", "--defence", "mi-ol", "--draws", "2", "--scores", "2",
    "--store", "store", "--model",
  ]

  @Test("submit gives sbatch both scripts, the second behind the first, however that ends")
  func submitted() throws {
    try Workplace.with { place in
      let binaries = place.folder.appending(path: "bin")
      try FileManager.default.createDirectory(at: binaries, withIntermediateDirectories: false)
      try writeProgram(
        Data(
          """
          #!/bin/bash
          echo "$*" >>said
          [ -z "$REFUSE" ] || [ "$(wc -l <said)" -lt "$REFUSE" ] || { echo "sbatch: error: no more" >&2; exit 1; }
          echo "$((40 + $(wc -l <said)));cluster"
          """.utf8), to: binaries.appending(path: "sbatch"))
      func submit(refusing: String? = nil) throws -> (result: Command.Result, said: String) {
        var command = Command(folder: place.folder)
        command.environment = ["PATH": "\(binaries.path):/usr/bin:/bin"]
        // Under the address sanitizer as the tests themselves: what the system's libraries leak is not looked for.
        command.environment?["ASAN_OPTIONS"] = ProcessInfo.processInfo.environment["ASAN_OPTIONS"]
        command.environment?["REFUSE"] = refusing
        let said = place.folder.appending(path: "said")
        try? FileManager.default.removeItem(at: said)
        let result = try command.run(
          ["submit", "slurm", "--shards", "3", "--time", "1:00", "--sbatch", "--qos=long"]
            + evaluation + [place.path("model.safetensors")])
        return (result, (try? String(contentsOf: said, encoding: .utf8)) ?? "")
      }
      let (result, said) = try submit()
      #expect(result.status == 0, "\(result.error)")
      #expect(
        result.output == """
          array 41 of 3 tasks, logs in store/slurm; job 42 then writes store-results

          """)
      #expect(
        said == """
          --parsable store/slurm/measure.sh
          --parsable --dependency=afterany:41 store/slurm/merge.sh

          """)
      let script = try String(
        contentsOf: place.folder.appending(path: "store/slurm/measure.sh"), encoding: .utf8)
      for part in ["--array=1-3", "--time=1:00", "--qos=long", "--store store", "--shard auto"] {
        #expect(script.contains(part))
      }
      // Whoever is refused is told what is in the queue.
      let none = try submit(refusing: "1").result
      #expect(none.status == 74 && none.error.contains("no more"))
      let half = try submit(refusing: "2").result
      #expect(half.status == 74 && half.error.contains("scancel 41"))
    }
  }

  @Test("submit --dry-run shows both scripts and what it will take, and leaves nothing behind")
  func dryRun() throws {
    try Workplace.with { place in
      let before = try place.contents()
      let result = try Command(folder: place.folder).run(
        ["submit", "slurm", "--shards", "2", "--dry-run"] + evaluation
          + [place.path("model.safetensors")])
      #expect(result.status == 0, "\(result.error)")
      for part in ["#SBATCH --array=1-2", "merge store", "core hours", "efficiency"] {
        #expect(result.output.contains(part), "\(part)")
      }
      #expect(try place.contents() == before)
    }
  }

  @Test("evaluate --estimate tells the passes that are then made, and keeps nothing")
  func estimate() throws {
    try Workplace.with { place in
      let before = try place.contents()
      let arguments = [
        "evaluate", "--count", "8", "--defence", "none", "--defence", "mi-ol", "--draws", "2",
        "--scores", "2", "--selections", "0", "--attack", "pgd", "--epsilon", "1/8", "--steps", "3",
        "--model", place.path("model.safetensors"),
      ]
      let result = try Command(folder: place.folder).run(arguments + ["--estimate"])
      #expect(result.status == 0, "\(result.error)")
      #expect(try place.contents() == before)
      let json = try Command(folder: place.folder).run(arguments + ["--json", "-"])
      let records = try #require(
        try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
      // What all images of all jobs took, an image on average.
      func sum(_ name: String) -> Int {
        records.flatMap { $0.values.compactMap { ($0 as? [String: Any])?[name] as? Int } }
          .reduce(0, +)
      }
      let forward = sum("forwardPasses") + sum("sparedPasses")
      let backward = sum("backwardPasses")
      #expect(forward > 0 && backward > 0)
      let line = try #require(result.output.split(separator: "\n").first { $0.hasPrefix("pgd") })
      #expect(
        line.split(separator: " ").joined(separator: " ")
          .contains("\(Int((Double(forward) / 8).rounded())) + \(backward / 8)"),
        "\(line): \(forward), \(backward)")
    }
  }

  @Test(
    "Wrong words are refused in one line, and nothing is submitted",
    arguments: [
      (["submit"], "scheduler"), (["submit", "condor", "--shards", "2"], "condor"),
      (["submit", "slurm", "--shards", "0", "--", "evaluate"], "--shards is 0"),
      (["submit", "slurm", "--shards", "2", "--cpus", "0", "--", "evaluate"], "--cpus is 0"),
      (["submit", "slurm", "--shards", "2", "--", "train"], "write -- evaluate"),
      (["submit", "slurm", "--shards", "2", "--", "evaluate"], "--store"),
      (["submit", "slurm", "--shards", "2", "--", "evaluate", "--help"], "--help"),
      (["submit", "slurm", "--shards", "2", "--", "evaluate", "--stor", "x"], "--stor"),
      (
        ["submit", "slurm", "--shards", "2", "--", "evaluate", "--store", "x", "--shard", "1/2"],
        "leave --shard out"
      ),
      (
        ["submit", "slurm", "--shards", "2", "--", "evaluate", "--store", "x", "--json", "r.json"],
        "give the files to `merge`"
      ),
      (
        ["submit", "slurm", "--shards", "2", "--", "evaluate", "--store", "x", "--sanity", "5"],
        "--sanity"
      ),
      (["evaluate", "--unit", "2"], "--shard auto"),
      (["evaluate", "--lease", "2"], "--shard auto"),
      (["evaluate", "--shard", "auto"], "--store"),
      (["evaluate", "--shard", "auto", "--store", "x", "--lease", "0"], "lease"),
      (["evaluate", "--shard", "auto", "--store", "x", "--unit", "0"], "unit"),
    ] as [([String], String)])
  func wrong(arguments: [String], part: String) throws {
    try Workplace.with { place in
      let before = try place.contents()
      let result = try Command(folder: place.folder).run(arguments)
      #expect(result.status == 64, "\(result.error)")
      #expect(result.error.contains(part), "\(result.error)")
      #expect(result.error.split(separator: "\n").count == 1)
      #expect(try place.contents() == before)
    }
  }
}
