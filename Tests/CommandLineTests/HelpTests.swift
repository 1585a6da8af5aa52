import Foundation
import TestSupport
import Testing

@Suite("Help and doctor")
struct HelpTests {
  @Test(
    "--help of every verb names its options, and writes nothing else",
    arguments: [
      ([], ["reproduce", "train", "evaluate", "verify", "doctor", "64", "65", "74"]),
      (
        ["reproduce"],
        [
          "--dataset", "--data", "--scale", "--count", "--checkpoints", "--estimate", "--output",
          "--seed", "--fresh", "--threads", "--kernels", "--profile",
        ]
      ),
      (
        ["train"],
        [
          "--method", "--architecture", "--activation", "--dataset", "--data", "--epochs",
          "--batch-size", "--learning-rate", "--alpha", "--noise", "--epsilon", "--steps", "--seed",
          "--output", "--threads",
        ]
      ),
      (
        ["evaluate"],
        [
          "--model", "--model-command", "--model-time-limit", "--dataset", "--data", "--mean",
          "--std", "--reading", "--other-mean",
          "--other-std", "--other-reading", "--defence", "--attack", "--epsilon",
          "--steps", "--step-size", "--restarts", "--lambda", "--lambda-pl", "--threshold",
          "--draws", "--attack-draws", "--count", "--seed", "--json", "--csv", "--per-image",
          "--latex", "--robustbench",
          "--threads", "--kernels",
        ]
      ),
      (
        ["attack"],
        [
          "--model", "--other", "--defence", "--attack", "--norm", "--epsilon", "--loss",
          "--output",
        ]
      ),
      (
        ["certify"],
        [
          "--model", "--defence", "--lambda", "--sigma", "--alpha", "--radii", "--votes", "--draws",
          "--fixed", "--count", "--shard", "--sanity", "--seed", "--cohen", "--json", "--threads",
        ]
      ),
      (["merge"], ["<stores>", "--json", "--csv"]), (["report"], ["<results>", "--output"]),
      (
        ["verify"],
        [
          "--classes", "--dimension", "--family", "--exponent", "--strength", "--lambdas",
          "--draws", "--models", "--model", "--model-command", "--dataset", "--epsilon", "--steps",
          "--count",
          "--seed", "--output", "--json", "--threads", "--kernels",
        ]
      ),
      (
        ["profile"],
        [
          "--work", "--architecture", "--model", "--batch", "--seconds", "--rounds", "--plan",
          "--threads", "--kernels", "--output", "--json",
        ]
      ),
      (
        ["inspect"],
        [
          "safetensors", "--data", "--mean", "--std", "--reading", "--dataset",
          "convert_checkpoint.py",
        ]
      ),
      (["quantize"], ["--model", "--method", "--images", "--output", "margin"]),
      (["compare"], ["--model", "--lambda", "--samples", "--count", "Wilson"]),
      (["doctor"], ["faster"]),
    ])
  func help(_ verb: [String], _ words: [String]) throws {
    let result = try Command().run(verb + ["--help"])
    #expect(result.status == 0 && result.error.isEmpty)
    for word in words { #expect(result.output.contains(word), "\(word)") }
    #expect(result.output.contains("USAGE: mixup-inference"))
  }

  @Test("Without a verb the help is shown")
  func noVerb() throws {
    let result = try Command().run([])
    #expect(result.status == 0 && result.output.contains("SUBCOMMANDS"))
  }

  @Test("doctor says what is used of the machine")
  func doctor() throws {
    let result = try Command().run(["doctor"])
    #expect(result.status == 0 && result.error.isEmpty)
    for word in ["processor", "vector units", "kernel set", "OpenBLAS core", "threads", "faster"] {
      #expect(result.output.contains(word), "\(word)")
    }
  }
}
