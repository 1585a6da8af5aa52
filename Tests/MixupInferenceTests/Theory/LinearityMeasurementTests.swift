import Classification
import Foundation
import MixupInference
import Statistics
import TestSupport
import Testing

@Suite("Linearity between images")
struct LinearityMeasurementTests {
  /// F_k(x) = x_k on one-hot images, bent on the way between them by a power of each share.
  private struct Bent: Classifier {
    var classCount = 4
    var power: Float
    var imageShape: ImageShape { ImageShape(channels: classCount, height: 1, width: 1) }
    var forwardPassesPerDecision: Int { 1 }
    var isRandomized: Bool { false }

    func logits(of images: Pixels, draws: Draws) throws -> Tensor {
      try Tensor(images.tensor.values.map { power * log($0) }, shape: [images.count, classCount])
    }

    /// `count` one-hot images of every class.
    func images(_ count: Int) throws -> LabelledImages {
      let labels = (0..<count * classCount).map { $0 % classCount }
      return try LabelledImages(
        pixels: TestSupport.images(
          labels.map { label in
            (0..<classCount).map { $0 == label ? 1 : 0 }
          }), labels: labels, classCount: classCount)
    }
  }

  @Test("an affine network is linear; a bent one misses the line by what can be computed")
  func knownDistances() throws {
    let lambdas: [MixingRatio] = [0, 0.25, 0.5, 0.75, 1]
    for power in [Float(1), 2, 3] {
      let model = Bent(power: power)
      let measured = try LinearityMeasurement(
        model, on: model.images(3), lambdas: lambdas, pairCount: 20, seed: 1)
      for point in measured.points {
        // Equal images: nothing to mix. A few roundings of probabilities in Float.
        #expect(point.withinClasses.value <= 1e-6)
        // λ^p/(λ^p + (1−λ)^p) instead of λ, and as much the other way.
        let (a, b) = (
          pow(point.lambda.doubleValue, Double(power)),
          pow(1 - point.lambda.doubleValue, Double(power))
        )
        let expected = 2 * abs(a / (a + b) - point.lambda.doubleValue)
        #expect(abs(point.betweenClasses.value - expected) <= 1e-6)
        #expect(point.betweenClasses.interval.contains(expected))
      }
    }
  }

  @Test("pairs within a class differ and share their label, pairs between classes do not")
  func pairs() throws {
    let data = try randomImages(
      30, shape: ImageShape(channels: 1, height: 2, width: 2), classCount: 3, seed: 3)
    let spy = Spy(
      LinearSoftmax(
        imageShape: ImageShape(channels: 1, height: 2, width: 2), classCount: 3, seed: 3))
    _ = try LinearityMeasurement(spy, on: data, lambdas: [0.5], pairCount: 200, seed: 5)
    func labels(_ images: Pixels) -> [Int] {
      let all = (0..<data.count).map { data.pixels[[$0]].tensor.values }
      return (0..<images.count).map { n in
        all.firstIndex(of: images[[n]].tensor.values).map { data.labels[$0] } ?? -1
      }
    }
    let (first, second) = (spy.log.calls[0].images, spy.log.calls[1].images)
    let pairs = Array(zip(labels(first), labels(second)))
    #expect(pairs.count == 400)
    #expect(pairs[..<200].allSatisfy { $0.0 == $0.1 && $0.0 >= 0 })
    #expect(pairs[200...].allSatisfy { $0.0 != $0.1 && $0.1 >= 0 })
    #expect((0..<200).allSatisfy { first[[$0]] != second[[$0]] })
    // Every one of the images is met somewhere among 400 uniform draws but for 30·(29/30)^400.
    #expect(Set((0..<400).map { second[[$0]].tensor.values }).count == 30)
    // The same seed, the same pairs.
    let again = Spy(spy.base)
    _ = try LinearityMeasurement(again, on: data, lambdas: [0.5], pairCount: 200, seed: 5)
    #expect(again.log.calls[2].images == spy.log.calls[2].images)
  }

  @Test("what cannot be measured is refused in one line")
  func refusals() throws {
    let model = Bent(power: 1)
    #expect(throws: TheoryError.sampleCount(0)) {
      try LinearityMeasurement(model, on: model.images(2), lambdas: [0], pairCount: 0, seed: 1)
    }
    #expect(throws: TheoryError.self) {
      try LinearityMeasurement(model, on: model.images(1), lambdas: [0], pairCount: 1, seed: 1)
    }
  }
}
