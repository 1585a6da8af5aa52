import Experiments
import Foundation
import TestSupport
import Testing

@Suite("reproduce on CIFAR")
struct ReproduceTests {
  @Test("--estimate says how long it would take, and does nothing")
  func estimate() throws {
    try Workplace.with { place in
      let data = place.folder.appending(path: "ten")
      let networks = place.folder.appending(path: "networks")
      for folder in [data, networks] {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
      }
      let labels = (0..<120).map { UInt8($0 % 10) }
      try writeCIFAR10(
        training: Array(repeating: labels, count: 5), test: Array(labels[0..<20]), in: data)
      for method in TrainingMethod.allCases {
        try FileManager.default.copyItem(
          at: place.folder.appending(path: "colour.safetensors"),
          to: networks.appending(path: "\(method.rawValue).safetensors"))
      }
      let before = try place.contents()
      let result = try Command(folder: place.folder).run([
        "reproduce", "--dataset", "cifar10", "--data", data.path, "--checkpoints", networks.path,
        "--scale", "quick", "--estimate", "--output", "none",
      ])
      #expect(result.status == 0 && result.error.isEmpty)
      #expect(result.output.hasPrefix("about ") && result.output.contains("evaluation"))
      // Networks that are given need no training.
      #expect(!result.output.contains("training"))
      #expect(try place.contents() == before)
    }
  }
}
