// A property of one's own: softmax gives shares that add up to 1. It is tried on many lists of scores; one
// way to compute it holds, the obvious one does not, and the simplest list that shows so is found.
// Tests/SoftmaxTests.swift has the property as one would state it in a test.

import PropertyTesting
import Softmax

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
