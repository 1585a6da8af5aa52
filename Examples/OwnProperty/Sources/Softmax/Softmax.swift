// What the property is about: two ways to turn scores into shares.

import Foundation

/// exp(zₖ) / Σⱼ exp(zⱼ), as it is written in every book.
public func obviousSoftmax(_ scores: [Double]) -> [Double] {
  let powers = scores.map { exp($0) }
  let sum = powers.reduce(0, +)
  return powers.map { $0 / sum }
}

/// The same after the largest score was subtracted from all, which changes no share.
public func carefulSoftmax(_ scores: [Double]) -> [Double] {
  let largest = scores.max() ?? 0
  return obviousSoftmax(scores.map { $0 - largest })
}
