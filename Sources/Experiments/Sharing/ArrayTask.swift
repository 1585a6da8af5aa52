import Foundation
import Reporting

/// What a scheduler's variables say of this process: which of several tasks it is.
///
/// Tasks that share a store need no numbers. They are for people, who look for a task's log, and so that many
/// tasks which begin at once do not all begin with the same unit.
package struct ArrayTask: Sendable, Hashable, CustomStringConvertible {
  /// The scheduler and the job, for a person.
  package var job: String
  /// The task's number, as the scheduler counts.
  package var number: Int

  package var description: String { "task \(number) of \(job)" }

  package init(job: String, number: Int) {
    self.job = job
    self.number = number
  }

  /// A scheduler whose variables are known.
  private struct Scheduler: Sendable {
    /// The variable that numbers tasks.
    var number: String
    /// What the job is called, given what the variables say.
    var job: @Sendable ([String: String]) -> String
    /// Variables with the lowest and the highest number.
    var limits: (least: String, most: String)?
    /// What the number's variable says outside an array.
    var none: String?
    /// Whether its tasks may run inside a task of another scheduler, which is then passed over.
    var isInner = false
  }

  private static let schedulers = [
    Scheduler(
      number: "PARALLEL_SEQ", job: { _ in "GNU parallel" }, isInner: true),
    Scheduler(
      number: "SLURM_ARRAY_TASK_ID", job: { "Slurm's array \($0["SLURM_ARRAY_JOB_ID"] ?? "")" },
      limits: ("SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX")),
    Scheduler(number: "JOB_COMPLETION_INDEX", job: { _ in "a Kubernetes job" }),
    Scheduler(number: "PBS_ARRAY_INDEX", job: { "PBS' array \($0["PBS_ARRAY_ID"] ?? "")" }),
    Scheduler(number: "PBS_ARRAYID", job: { "Torque's array \($0["PBS_JOBID"] ?? "")" }),
    Scheduler(
      number: "SGE_TASK_ID", job: { "Grid Engine's array \($0["JOB_ID"] ?? "")" },
      limits: ("SGE_TASK_FIRST", "SGE_TASK_LAST"), none: "undefined"),
    Scheduler(number: "LSB_JOBINDEX", job: { "LSF's array \($0["LSB_JOBID"] ?? "")" }, none: "0"),
  ]

  /// The task that variables of the environment tell of; nil if none do.
  ///
  /// A step of Slurm (`srun`) numbers its tasks too, which counts outside an array only.
  ///
  /// - Throws: `PlanError.setting` for a number that is none or beyond its limits, or if two schedulers
  ///   claim the process.
  package static func of(_ environment: [String: String]) throws(PlanError) -> ArrayTask? {
    var found: [(scheduler: Scheduler, task: ArrayTask)] = []
    for scheduler in schedulers {
      guard let text = environment[scheduler.number], text != scheduler.none else { continue }
      func number(_ name: String) throws(PlanError) -> Int? {
        guard let text = environment[name] else { return nil }
        guard let number = Int(text), 0...1_000_000_000 ~= number else {
          throw .setting("\(name) is \(text.printable), no task's number; unset it")
        }
        return number
      }
      guard let task = try number(scheduler.number) else { continue }
      if let limits = scheduler.limits, let least = try number(limits.least),
        let most = try number(limits.most), !(least <= task && task <= most)
      {
        throw .setting(
          "\(scheduler.number) is \(task), and \(limits.least) and \(limits.most) are \(least) and "
            + "\(most); unset them")
      }
      let job = scheduler.job(environment).printable.trimmingCharacters(in: .whitespaces)
      found.append((scheduler, ArrayTask(job: job, number: task)))
    }
    if let inner = found.first(where: { $0.scheduler.isInner }) { return inner.task }
    guard found.count <= 1 else {
      throw .setting(
        "\(listed(found.map(\.scheduler.number))) are set, and a process is a task of "
          + "one scheduler; unset the others")
    }
    return found.first?.task ?? step(environment)
  }

  /// A task of a step that `srun` started without an array.
  private static func step(_ environment: [String: String]) -> ArrayTask? {
    guard let job = environment["SLURM_JOB_ID"], let text = environment["SLURM_PROCID"],
      let number = Int(text), environment["SLURM_STEP_ID"] != nil
    else { return nil }
    return ArrayTask(job: "Slurm's job \(job.printable)", number: number)
  }
}
