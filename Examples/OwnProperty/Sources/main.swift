// A property of one's own: softmax gives shares that add up to 1. It is tried on many lists of scores; one
// way to compute it holds, the obvious one does not, and the simplest list that shows so is found.
// In a test, `check` of `PropertyChecks` takes the same arguments, with `#expect` in place of the error.

import Foundation
import PropertyTesting

/// exp(zₖ) / Σⱼ exp(zⱼ), as it is written in every book.
func obviousSoftmax(_ scores: [Double]) -> [Double] {
  let powers = scores.map { exp($0) }
  let sum = powers.reduce(0, +)
  return powers.map { $0 / sum }
}

/// The same after the largest score was subtracted from all, which changes no share.
func carefulSoftmax(_ scores: [Double]) -> [Double] {
  let largest = scores.max() ?? 0
  return obviousSoftmax(scores.map { $0 - largest })
}

struct SharesDoNotAddUp: Error, CustomStringConvertible {
  let sum: Double
  var description: String { "the shares add up to \(sum.magnitude)" }
}

let score = Generator.integer(in: -1000...1000).map { Double($0) }
let lists = Generator.array(of: score, count: 1...8)

for (name, softmax) in [("careful softmax", carefulSoftmax), ("obvious softmax", obviousSoftmax)] {
  let report = await runProperty("\(name) gives shares that add up to 1", lists) { scores in
    // A sum of eight terms rounds seven times at most, and there are two, with a division between them.
    let sum = softmax(scores).reduce(0, +)
    guard abs(sum - 1) <= 16 * 0x1p-53 else { throw SharesDoNotAddUp(sum: sum) }
  }
  print(report)
}
