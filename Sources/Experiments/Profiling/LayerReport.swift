import Foundation
import NeuralNetwork
import Reporting

/// A plan's layers with their algorithms, times and shares of the roofline, as a table and as JSON.
package struct LayerReport: Sendable, Reported {
  package let architecture: String
  package let plan: InferencePlan
  package let measurement: PlanMeasurement

  /// Times a plan on one thread.
  ///
  /// - Parameters:
  ///   - architecture: the network's name.
  ///   - images: of one batch.
  ///   - rounds: passes over which medians are taken.
  package init(_ architecture: String, _ plan: InferencePlan, images: Int, rounds: Int) {
    self.architecture = architecture
    self.plan = plan
    measurement = PlanMeasurement(of: plan, images: images, rounds: rounds)
  }

  /// Effective GFLOP/s: two operations for every multiply-add of a convolution's definition, however many
  /// products the algorithm really makes.
  private func rate(_ multiplyAdds: Int, _ seconds: Double) -> Double {
    seconds > 0 ? 2e-9 * Double(multiplyAdds * measurement.images) / seconds : 0
  }

  /// One line per layer, and one for all together.
  package var table: Table {
    func number(_ value: Double, _ digits: Int) -> Table.Cell {
      Table.Cell(String(format: "%.\(digits)f", value))
    }
    func shape(_ shape: (pixels: Int, channels: Int)) -> String {
      "\(shape.pixels)×\(shape.channels)"
    }
    let total = measurement.seconds
    var rows = measurement.layers.map { layer -> [Table.Cell] in
      [
        Table.Cell(layer.name), Table.Cell(layer.algorithm),
        Table.Cell("\(shape(layer.input)) → \(shape(layer.output))"),
        number(1000 * layer.seconds, 3), number(100 * layer.seconds / total, 1),
        layer.multiplyAdds == 0 ? "" : number(rate(layer.multiplyAdds, layer.seconds), 0),
        number(100 * measurement.roofline(layer) / layer.seconds, 0),
      ]
    }
    let limit = measurement.layers.reduce(0) { $0 + measurement.roofline($1) }
    rows.append([
      Table.Cell("all", .strong), "", "", Table.Cell(String(format: "%.3f", 1000 * total), .strong),
      "100.0", number(rate(plan.multiplyAdds, total), 0), number(100 * limit / total, 0),
    ])
    return Table(
      columns: [
        "layer", "algorithm", "pixels×channels", "ms", "% of time", "GFLOP/s", "% of roofline",
      ], rows: rows)
  }

  /// What was measured, and how to read the table.
  package var summary: String {
    String(
      format: """
        %@, %d images, one thread, kernel set %@, profile %@: %.1f images/s.
        Peak of this thread: %.0f GFLOP/s in registers; it copies %.1f GB/s.
        GFLOP/s count multiply-adds by definition; the roofline is the time that the products an \
        algorithm makes, or the operands it moves, take at those rates.
        """,
      architecture, measurement.images, plan.kernels.rawValue, plan.profile.rawValue,
      Double(measurement.images) / measurement.seconds, 2e-9 * measurement.peakRate,
      8e-9 * measurement.copyRate)
  }

  /// Summary and table.
  package var printout: Printout { "\(summary)\n\n\(table)" }

  /// The report in a form for JSON.
  package struct Record: Encodable, Sendable {
    package struct Layer: Encodable, Sendable {
      package var layer: String
      package var algorithm: String
      package var inputPixels: Int
      package var inputChannels: Int
      package var outputPixels: Int
      package var outputChannels: Int
      package var multiplyAdds: Int
      package var products: Int
      package var seconds: Double
      package var gigaflops: Double
      package var rooflineShare: Double
    }

    package var architecture: String
    package var images: Int
    package var kernelSet: String
    package var profile: String
    package var seconds: Double
    package var peakGigaflops: Double
    package var copiedGigabytes: Double
    package var layers: [Layer]
  }

  package var record: Record {
    Record(
      architecture: architecture, images: measurement.images, kernelSet: plan.kernels.rawValue,
      profile: plan.profile.rawValue, seconds: measurement.seconds,
      peakGigaflops: 2e-9 * measurement.peakRate, copiedGigabytes: 8e-9 * measurement.copyRate,
      layers: measurement.layers.map {
        Record.Layer(
          layer: $0.name, algorithm: $0.algorithm, inputPixels: $0.input.pixels,
          inputChannels: $0.input.channels, outputPixels: $0.output.pixels,
          outputChannels: $0.output.channels, multiplyAdds: $0.multiplyAdds,
          products: $0.products, seconds: $0.seconds,
          gigaflops: rate($0.multiplyAdds, $0.seconds),
          rooflineShare: measurement.roofline($0) / $0.seconds)
      })
  }
}
