import ArgumentParser
import Experiments
import Foundation
import Reporting

struct Submit: Verb {
  static let configuration = CommandConfiguration.verb(
    "Puts an evaluation into the queue of a cluster.",
    """
    Writes two scripts for Slurm below the folder of --store, and submits them: an array of tasks that share the \
    evaluation out among themselves (`evaluate --shard auto`), and a job behind it that merges what they measured \
    and makes a page of it. A task whose time is over finishes what is in hand and goes back into the queue; one that \
    is killed or cancelled costs the others two minutes. Submitted again, with more tasks or fewer, it goes on \
    where it ended.

    --dry-run prints the scripts and what the evaluation will take, measured on this machine, and submits nothing.
    """,
    examples: [
      "submit slurm --shards 8 --time 2:00:00 -- evaluate \\\n--model net.safetensors --defence mi-ol --attack adaptive-pgd \\\n--epsilon 8/255 --store results",
      "submit slurm --shards 64 --cpus 2 --dry-run -- evaluate \\\n--model net.safetensors --attack pgd --epsilon 8/255 --store results",
    ])

  /// Whose queue.
  enum Scheduler: String, CaseIterable, ExpressibleByArgument {
    case slurm
  }

  @Argument(help: "slurm.")
  var scheduler: Scheduler

  @Option(help: "Tasks of the array.")
  var shards: Int

  @Option(help: "Processors, and threads, of a task.")
  var cpus = 1

  @Option(
    help:
      "The longest that a task may take before it goes back into the queue, as sbatch has it: 2:00:00."
  )
  var time: String?

  @Option(help: "Memory of a task, as sbatch has it: 4G.")
  var mem: String?

  @Option(help: "The partition.")
  var partition: String?

  @Option(help: "The account that is charged.")
  var account: String?

  @Option(
    parsing: .unconditionalSingleValue,
    help: "Anything else for sbatch, such as --sbatch --qos=long; as often as needed.")
  var sbatch: [String] = []

  @Option(
    help: "Folder for results and their page; that of --store with -results behind it unless given."
  )
  var output: String?

  @OptionGroup var common: CommonOptions

  @Flag(help: "Only print the scripts, and what the evaluation will take.")
  var dryRun = false

  @Argument(
    parsing: .postTerminator, help: "Behind --: evaluate with its options, --store among them.")
  var command: [String]

  /// What --json writes.
  private struct Record: Encodable {
    var tasks: Int
    /// Numbers of the jobs; nil where nothing was submitted.
    var array, merge: String?
    var store, results: String
    var scripts: [String: String]
    var estimate: EvaluationEstimate.Record?
  }

  func run() throws {
    guard 1...100_000 ~= shards else {
      throw Failure.usage("--shards is \(shards); give a number from 1 to 100,000")
    }
    guard 1...1024 ~= cpus else {
      throw Failure.usage("--cpus is \(cpus); give a number from 1 to 1024")
    }
    var evaluate = try evaluation()
    guard let store = evaluate.store else {
      throw Failure.usage("tasks share a store; give --store to evaluate")
    }
    evaluate.shard = "auto"
    evaluate.common.quiet = common.quiet
    evaluate.machine.threads = evaluate.machine.threads ?? cpus
    try [common.json].check(stores: [store])
    let prepared = try evaluate.prepared()
    let named = [
      ("time", time), ("mem", mem), ("partition", partition), ("account", account),
    ]
    let options = named.compactMap { name, value in value.map { "--\(name)=\($0)" } } + sbatch
    let results = output ?? (store.hasSuffix("/") ? String(store.dropLast()) : store) + "-results"
    let words = [executable] + command
    for text in words + options + [results] where text.contains(where: \.isNewline) {
      throw Failure.usage("a word of the command has a line break in it, which no script can hold")
    }
    let job = SlurmJob(
      command: words, tasks: shards, store: store, results: results, options: options,
      processors: cpus)
    guard !dryRun else {
      let estimate = try prepared.estimate(unit: evaluate.unit)
      try common.write(
        Record(
          tasks: shards, store: store, results: results, scripts: Self.scripts(of: job),
          estimate: estimate.record))
      return common.say("\(code: job.measuring)\n\(code: job.merging)\n\(estimate.printout)")
    }
    let folder = URL(filePath: store).appending(path: "slurm")
    let scripts = ["measure.sh", "merge.sh"].map { folder.appending(path: $0) }
    try AtomicFile.write(job.measuring, to: scripts[0])
    try AtomicFile.write(job.merging, to: scripts[1])
    let array = try submitted([scripts[0].relativePath])
    let merge: String
    do {
      merge = try submitted(["--dependency=afterany:\(array)", scripts[1].relativePath])
    } catch let failure as Failure {
      throw Failure.file(
        "\(failure.message); the array \(array) is in the queue: `scancel \(array)` takes it out")
    }
    try common.write(
      Record(
        tasks: shards, array: array, merge: merge, store: store, results: results,
        scripts: Self.scripts(of: job)))
    common.say(
      "array \(array) of \(shards) tasks, logs in \(folder.relativePath); job \(merge) then writes \(results)"
    )
  }

  private static func scripts(of job: SlurmJob) -> [String: String] {
    ["measure.sh": job.measuring, "merge.sh": job.merging]
  }

  /// The command behind --.
  private func evaluation() throws -> Evaluate {
    guard command.first == "evaluate" else {
      throw Failure.usage("what is submitted is an evaluation: write -- evaluate and its options")
    }
    do {
      guard let evaluate = try MixupInferenceCommand.parseAsRoot(command) as? Evaluate else {
        throw Failure.usage("--help says nothing to a queue; leave it out")
      }
      guard evaluate.shard == nil else {
        throw Failure.usage("tasks share the work out by themselves; leave --shard out")
      }
      guard !evaluate.estimate else {
        throw Failure.usage("--dry-run says what it will take; leave --estimate out")
      }
      return evaluate
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure.usage(
        "\(MixupInferenceCommand.message(for: error)); see `mixup-inference evaluate --help`")
    }
  }

  /// This program, wherever a task runs.
  private var executable: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
  }

  /// The number of a job that sbatch has taken.
  ///
  /// - Throws: `Failure` if there is no sbatch, or it takes nothing.
  private func submitted(_ words: [String]) throws -> String {
    let process = Process()
    let (output, errors) = (Pipe(), Pipe())
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["sbatch", "--parsable"] + words
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let said = try output.fileHandleForReading.readToEnd() ?? Data()
    let complaint = try errors.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    // The number, and where there are several clusters, a semicolon and this one's name.
    let number = String(decoding: said, as: UTF8.self).prefix { $0.isNumber }
    guard process.terminationStatus == 0, !number.isEmpty else {
      let reason =
        String(decoding: complaint, as: UTF8.self)
        .split(whereSeparator: \.isNewline).last.map { String($0) } ?? "it said nothing"
      throw Failure.file(
        "sbatch took nothing: \(reason); the scripts are written and can be looked at")
    }
    return String(number)
  }
}
