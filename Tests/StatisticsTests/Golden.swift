import Foundation
import Statistics
import TestSupport

/// `fixtures/statistics/golden.json`; the script beside it says what each part is.
struct Golden: Decodable {
  struct Block: Decodable {
    let counter: [Word]
    let key: [Word]
    let block: [Word]
  }
  struct Stream: Decodable {
    let seed: Word
    let purpose: Purpose
    let example: Int
    let restart: Int
    let step: Int
    let draw: Int
    let words: [Word]
  }
  struct Integers: Decodable {
    let bound: Int
    let values: [Int]
  }
  struct Quantile: Decodable {
    let probability: Double
    let value: Double
  }
  struct KnownInterval: Decodable {
    let successes: Int
    let trials: Int
    let confidence: Double
    let interval: Interval
  }
  struct Law: Decodable, Sendable {
    let name: String
    let shapes: [Double]
    let points: [Double]
    let probabilities: [Double]

    var title: String { "\(name)\(shapes)" }
  }
  struct MannWhitney: Decodable {
    let negatives: [Double]
    let positives: [Double]
    let area: Double
  }
  struct McNemar: Decodable {
    let table: [Int]
    let p: Double
  }
  struct Newcombe: Decodable {
    let table: [Int]
    let interval: Interval
  }
  struct Holm: Decodable {
    let raw: [Double]
    let adjusted: [Double]
  }
  struct DeLong: Decodable {
    let negatives: [Double]
    let positives: [Double]
    let area: Double
    let variance: Double
    let falsePositiveRate: Double
  }
  struct Betting: Decodable {
    let values: [Double]
    let confidence: Double
    let interval: Interval
  }
  struct Kolmogorov: Decodable {
    let draws: Int
    let confidence: Double
    let quantile: Double
  }

  let philox: [Block]
  let streams: [Stream]
  let integers: [Integers]
  let doubles: [Double]
  let quantiles: [Quantile]
  let wilson: [KnownInterval]
  let clopperPearson: [KnownInterval]
  let laws: [Law]
  let mannWhitney: [MannWhitney]
  let mcnemar: [McNemar]
  let newcombe: [Newcombe]
  let holm: [Holm]
  let delong: [DeLong]
  let betting: [Betting]
  let kolmogorov: [Kolmogorov]

  static func read() throws -> Golden {
    try JSONDecoder().decode(Golden.self, from: Fixtures.data("statistics/golden.json"))
  }

  /// 64 bits, written as a hexadecimal string.
  struct Word: Decodable {
    let bits: UInt64

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      guard let bits = UInt64(try container.decode(String.self), radix: 16) else {
        throw DecodingError.dataCorruptedError(
          in: container, debugDescription: "a word is a hexadecimal string")
      }
      self.bits = bits
    }
  }
}
