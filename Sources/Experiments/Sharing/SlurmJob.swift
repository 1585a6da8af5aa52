/// An evaluation as two jobs of Slurm: an array whose tasks share it out among themselves, and one that puts together
/// what they measured.
package struct SlurmJob: Sendable {
  /// The command line of `evaluate`, the executable first; without --shard.
  package var command: [String]
  /// Tasks of the array.
  package var tasks: Int
  /// The folder given to --store.
  package var store: String
  /// The folder for results and their page.
  package var results: String
  /// What sbatch is told besides, such as "--time=2:00:00".
  package var options: [String]
  /// Processors of a task.
  package var processors: Int

  package init(
    command: [String], tasks: Int, store: String, results: String, options: [String] = [],
    processors: Int = 1
  ) {
    self.command = command
    self.tasks = tasks
    self.store = store
    self.results = results
    self.options = options
    self.processors = processors
  }

  /// The restarts after which a task is no more put back into the queue: one whose time never suffices for anything
  /// would go on for ever.
  static let mostRestarts = 20

  /// The script of a task.
  ///
  /// SIGTERM comes two minutes before the time is over, to the shell alone, which hands it on. The
  /// command then ends with 75, and so the task goes back into the queue; but not where Slurm itself is ending it, as
  /// when it is cancelled: it would come back.
  package var measuring: String {
    """
    #!/bin/bash
    \(directives(["--array=1-\(tasks)", "--cpus-per-task=\(processors)", "--signal=B:TERM@120"] + options, log: "%A-%a"))

    stopping= child=
    trap 'stopping=yes; [ -z "$child" ] || kill -TERM "$child"' TERM
    \(words(command + ["--shard", "auto"])) &
    child=$!
    if [ "$stopping" ]; then kill -TERM "$child"; fi
    wait "$child"; status=$?
    while [ "$stopping" ]; do stopping=; wait "$child"; status=$?; done

    task=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
    if [ "$status" = 75 ] && [ "$(squeue --noheader --jobs "$task" --format %T)" = RUNNING ]; then
      if [ "${SLURM_RESTART_COUNT:-0}" -lt \(Self.mostRestarts) ]; then
        scontrol requeue "$task"
      else
        echo "restarted \(Self.mostRestarts) times, and not again: give it more --time, or a smaller --unit" >&2
      fi
    fi
    exit "$status"

    """
  }

  /// The script that runs when all tasks have ended, however they did: what is missing, `merge` names.
  package var merging: String {
    let program = command.first ?? ""
    let file = "\(results)/results"
    return """
      #!/bin/bash
      \(directives(["--cpus-per-task=1"] + options, log: "%j-merge"))
      set -e
      \(words([program, "merge", store, "--json", "\(file).json", "--csv", "\(file).csv"]))
      \(words([program, "report", "\(file).json", "--output", "\(results)/page"]))

      """
  }

  private func directives(_ options: [String], log: String) -> String {
    (["--job-name=mixup-inference", "--requeue", "--open-mode=append"]
      + options.map(quoted) + ["--output=\(quoted("\(store)/slurm/\(log).log"))"])
      .map { "#SBATCH \($0)" }.joined(separator: "\n")
  }

  private func words(_ words: [String]) -> String { words.map(quoted).joined(separator: " ") }
}

/// A word as the shell reads it back, whatever is in it.
func quoted(_ word: String) -> String {
  let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%")
  guard word.isEmpty || !word.allSatisfy(plain.contains) else { return word }
  return "'"
    + word.split(separator: "'", omittingEmptySubsequences: false)
    .joined(separator: #"'\''"#) + "'"
}
