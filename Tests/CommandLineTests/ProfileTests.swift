import Foundation
import Testing

@Suite("mixup-inference profile")
struct ProfileTests {
  private struct Report: Decodable {
    struct Layer: Decodable {
      var layer: String
      var algorithm: String
      var multiplyAdds: Int
      var products: Int
      var seconds: Double
      var rooflineShare: Double
    }
    var images: Int
    var kernelSet: String
    var seconds: Double
    var peakGigaflops: Double
    var layers: [Layer]
  }

  @Test("JSON names every layer with its algorithm, and times that add up")
  func json() throws {
    let result = try Command().run(
      ["profile", "--architecture", "resNet8", "--batch", "2", "--rounds", "2", "--json"])
    #expect(result.status == 0 && result.error.isEmpty)
    let report = try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
    #expect(report.images == 2 && report.peakGigaflops > 0)
    #expect(
      report.layers.map(\.layer) == [
        "input", "stem", "1.0.conv1", "1.0.conv2", "2.0.shortcut", "2.0.conv1", "2.0.conv2",
        "3.0.shortcut", "3.0.conv1", "3.0.conv2", "output",
      ])
    // By hand: (3n − 2)² taps meet an n×n image, (3n/2 − 1)² with stride 2, whatever the algorithm.
    let byHand =
      (3 * 16 + 2 * 16 * 16) * 94 * 94 + 16 * 32 * (256 + 47 * 47) + 32 * 32 * 46 * 46
      + 32 * 64 * (64 + 23 * 23) + 64 * 64 * 22 * 22 + 64 * 10
    #expect(report.layers.reduce(0) { $0 + $1.multiplyAdds } == byHand)
    #expect(report.layers.allSatisfy { $0.products <= $0.multiplyAdds || $0.products == 0 })
    let total = report.layers.reduce(0) { $0 + $1.seconds }
    #expect(abs(total - report.seconds) <= 1e-9 * total)
    #expect(report.layers.allSatisfy { $0.seconds > 0 && $0.rooflineShare >= 0 })
  }

  @Test("the table has a line for every layer and says on what it was measured")
  func table() throws {
    let result = try Command().run(
      [
        "profile", "--architecture", "resNet8", "--batch", "1", "--rounds", "1", "--plan",
        "latency", "--kernels", "openblas",
      ])
    #expect(result.status == 0)
    #expect(result.output.contains("resNet8, 1 images, one thread, kernel set openblas"))
    let lines = result.output.split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("3.0.conv2") && $0.contains("direct") })
    #expect(lines.last?.hasPrefix("all") == true)
  }
}
