import Foundation
import TestSupport
import Testing

@Suite("Work that is asked to end")
struct InterruptionTests {
  /// Minutes of work behind a stage that takes none, at the end of which there is a line of progress.
  private static let long = [
    "--defence", "none", "--attack", "none", "--attack", "pgd", "--epsilon", "1/5", "--threads",
    "1",
  ]
  private static let firstLine = "none under none: "

  /// A line that says `text`, as the last one.
  private func expectLastLine(_ error: String, says text: String) {
    let last = error.split(separator: "\n").last.map(String.init) ?? ""
    #expect(last.hasPrefix("mixup-inference: interrupted; ") && last.contains(text), "\(error)")
  }

  private func measured(_ place: Workplace, _ store: String) throws -> [String] {
    let lines = try String(
      contentsOf: place.folder.appending(path: "\(store)/results.jsonl"), encoding: .utf8)
    // Without what depends on the machine's speed.
    return lines.split(separator: "\n").map {
      String($0).replacing(/"[a-zA-Z]*[sS]econds[a-zA-Z]*":[-+.0-9e]+/, with: "")
    }
  }

  @Test(
    "evaluate ends after the block in hand with status 75, and goes on to what one run would have said",
    arguments: [SIGINT, SIGTERM, SIGHUP])
  func evaluate(signal: Int32) throws {
    try Workplace.with { place in
      func arguments(_ store: String) -> [String] {
        ["evaluate", "--model", "model.safetensors", "--count", "400", "--steps", "20", "--store"]
          + [store] + Self.long
      }
      let command = Command(folder: place.folder)
      #expect(try command.run(arguments("whole")).status == 0)
      let run = try RunningCommand(arguments("parts"), in: place.folder)
      #expect(run.waits(for: Self.firstLine))
      run.send(signal)
      let ending = run.end()
      #expect(ending.reason == .exit && ending.status == 75, "\(ending.error)")
      expectLastLine(ending.error, says: "kept in parts; run the same command again")
      #expect(!FileManager.default.fileExists(atPath: place.path("parts/results.jsonl")))

      let resumed = try command.run(arguments("parts"))
      #expect(resumed.status == 0 && resumed.error.contains("none under none: 400 images: done"))
      // What was in hand was kept: a second file has images that are not measured again.
      #expect(resumed.error.contains(/none under pgd: [0-9]+ images: done before/))
      #expect(try measured(place, "parts") == measured(place, "whole"))
    }
  }

  @Test("train ends with status 75 and goes on after its last finished epoch to the same bytes")
  func train() throws {
    try Workplace.with { place in
      func arguments(_ output: String) -> [String] {
        ["train", "--method", "plain", "--epochs", "12", "--batch-size", "128", "--output", output]
      }
      let command = Command(folder: place.folder)
      #expect(try command.run(arguments("whole.safetensors")).status == 0)
      let run = try RunningCommand(arguments("parts.safetensors"), in: place.folder)
      let state = place.path("parts-state.safetensors")
      while !FileManager.default.fileExists(atPath: state) { sched_yield() }
      run.send(SIGTERM)
      let ending = run.end()
      #expect(ending.reason == .exit && ending.status == 75, "\(ending.error)")
      expectLastLine(ending.error, says: "kept beside parts.safetensors")
      let resumed = try command.run(arguments("parts.safetensors"))
      #expect(resumed.status == 0 && resumed.error.contains("done before"), "\(resumed.error)")
      #expect(
        try Data(contentsOf: place.folder.appending(path: "parts.safetensors"))
          == Data(contentsOf: place.folder.appending(path: "whole.safetensors")))
    }
  }

  @Test(
    "A verb that keeps nothing says so, with status 75, and writes no file",
    arguments: [
      ["attack", "--attack", "pgd", "--epsilon", "1/5", "--steps", "400", "--output", "out"],
      ["certify", "--sigma", "0.01", "--json", "out"],
      ["verify", "--count", "1700", "--steps", "100", "--json", "out"],
    ])
  func unkept(arguments: [String]) throws {
    try Workplace.with { place in
      let run = try RunningCommand(
        arguments + ["--model", "model.safetensors", "--threads", "1"], in: place.folder)
      // It listens from before its first line on, and these verbs have one only at their end.
      while run.isRunning, !run.listens { sched_yield() }
      run.send(SIGINT)
      let ending = run.end()
      #expect(ending.reason == .exit && ending.status == 75, "\(ending.error)")
      expectLastLine(ending.error, says: "nothing is kept")
      #expect(!FileManager.default.fileExists(atPath: place.path("out")))
    }
  }

  @Test("A second signal ends it at once, as if nobody listened")
  func second() throws {
    try Workplace.with { place in
      let run = try RunningCommand(
        ["evaluate", "--model", "model.safetensors", "--count", "1", "--steps", "1000000"]
          + Self.long, in: place.folder)
      #expect(run.waits(for: Self.firstLine))
      run.send(SIGINT)
      // One image is in hand, for minutes.
      #expect(run.waits(for: "a second signal ends at once"))
      run.sendUntilEnd(SIGINT)
      let ending = run.end()
      #expect(ending.reason == .uncaughtSignal && ending.status == SIGINT, "\(ending.error)")
    }
  }

  @Test("A signal that was to be ignored, as nohup has it, is ignored")
  func ignored() throws {
    try Workplace.with { place in
      let run = try RunningCommand(
        ["evaluate", "--model", "model.safetensors", "--count", "200", "--steps", "5"]
          + Self.long, in: place.folder, shell: "trap '' HUP; exec \"$0\" \"$@\"")
      #expect(run.waits(for: Self.firstLine))
      run.send(SIGHUP)
      let ending = run.end()
      #expect(ending.reason == .exit && ending.status == 0, "\(ending.error)")
    }
  }

  @Test("The process that answers for a model ends too")
  func modelProcess() throws {
    try Workplace.with { place in
      let command = try PythonModel.command(
        """
        import os
        rows = np.random.default_rng(3).standard_normal((10, 64)).astype(np.float32)
        def model(images, seeds, tracked):
            logits = np.stack([rows @ image for image in images.reshape(-1, 64)])
            return logits, lambda outputs: (outputs @ rows).reshape(images.shape)
        open("process", "w").write(str(os.getpid()))
        process_model.serve(model, shape=(1, 8, 8), classes=10, name="linear")
        """, in: place.folder)
      let run = try RunningCommand(
        [
          "evaluate", "--model-command", command, "--count", "1500", "--steps", "100", "--store",
          "s",
        ]
          + Self.long, in: place.folder)
      #expect(run.waits(for: Self.firstLine))
      let text = try String(contentsOfFile: place.path("process"), encoding: .utf8)
      let process = try #require(pid_t(text))
      #expect(kill(process, 0) == 0)
      run.send(SIGTERM)
      let ending = run.end()
      #expect(ending.reason == .exit && ending.status == 75, "\(ending.error)")
      #expect(kill(process, 0) != 0 && errno == ESRCH)
    }
  }
}
