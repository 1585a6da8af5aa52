import Classification
import Datasets
import Foundation
import MixupInference
import NeuralNetwork
import Statistics
import TestSupport
import Testing

@Suite("The README")
struct ReadmeTests {
  @Test("has the library's example as it stands here, where it compiles and runs")
  func example() throws {
    let chapter = try text(of: root.appending(path: "docs/README.md"))
    let block = try #require(
      chapter.components(separatedBy: "## As a library").last?
        .components(separatedBy: "```swift\n").dropFirst().first?
        .components(separatedBy: "```").first)
    let code = try #require(
      block.components(separatedBy: "\n\n").dropFirst().first, "no line between imports and code")
    let here = try text(of: URL(filePath: #filePath))
    let body = try #require(
      here.components(separatedBy: "// As in docs/README.md.\n").dropFirst().first?
        .components(separatedBy: "    // Until here.").first)
    let lines = body.split(separator: "\n").map { $0.dropFirst(4) }
    #expect(lines.joined(separator: "\n") + "\n" == code)
    #expect(
      block.hasPrefix(
        "import Classification\nimport Datasets\nimport Foundation\nimport MixupInference\n"))

    try withTemporaryFolder { folder in
      let network = ResNet(.resNet8(Dataset.digits.imageShape, classCount: 10))
      network.initialize(seed: 1)
      let file = folder.appending(path: "mixup.safetensors")
      try Checkpoint(network, normalization: .plusMinusOne(channels: 1)).encoded().write(to: file)
      let label = try #require(predictions(file.path).first)
      #expect(0..<10 ~= label)
    }
  }

  @Test("attacks one's own model as the example does that is built and run")
  func ownModel() throws {
    let readme = try text(of: root.appending(path: "README.md"))
    let program = try text(of: root.appending(path: "Examples/OwnModel/Sources/main.swift"))
    let code = try #require(
      readme.components(separatedBy: "## Attack your own model").last?
        .components(separatedBy: "```swift\n").dropFirst().first?
        .components(separatedBy: "```").first)
    #expect(program.contains(code))
  }

  @Test("and the chapters link to files that are there")
  func links() throws {
    let top = ["README", "ARCHITECTURE", "CONTRIBUTING", "RESULTS", "SPECIFICATION"]
    let chapters = try FileManager.default.contentsOfDirectory(
      at: root.appending(path: "docs"), includingPropertiesForKeys: nil
    ).filter { $0.pathExtension == "md" }
    var count = 0
    for file in top.map({ root.appending(path: $0 + ".md") }) + chapters {
      for match in try text(of: file).matches(of: /\]\(([^)#]+)(?:#[^)]*)?\)/) {
        let target = String(match.1)
        guard !target.contains("://") else { continue }
        count += 1
        let place = file.deletingLastPathComponent().appending(path: target)
        #expect(
          FileManager.default.fileExists(atPath: place.standardizedFileURL.path),
          "\(file.lastPathComponent) links to \(target)")
      }
    }
    // Of the README alone there are more.
    #expect(count >= 10)
  }

  private var root: URL { Fixtures.folder.appending(path: "..").standardizedFileURL }

  private func text(of file: URL) throws -> String {
    String(decoding: try Data(contentsOf: file), as: UTF8.self)
  }
}

private func predictions(_ path: String) throws -> [Int] {
  var printed: [Int] = []
  func print(_ labels: [Int]) { printed = labels }
  func URL(filePath: String) -> Foundation.URL { Foundation.URL(filePath: path) }
  do {
    // As in docs/README.md.
    let data = try Dataset.digits.load(seed: 1)
    let checkpoint = try Checkpoint(Data(contentsOf: URL(filePath: "mixup.safetensors")))
    let network = try NetworkClassifier(InferencePlan(checkpoint))
    let defence = try MixupInference(
      network, pool: SamplePool(data.training),
      rule: .otherLabel(Mixing(lambda: 0.6, sampleCount: 30)))
    let image = data.test[0..<1]
    print(
      try defence.predictions(
        of: image.pixels, draws: Draws(seed: 1, purpose: .score, examples: image.indices)))
    // Until here.
  }
  return printed
}
