import Classification
import Statistics

/// A clean point of a synthetic data set with its class: H is one-hot there.
public struct Anchor: Sendable, Hashable {
  /// x ∈ ℝᴰ.
  public var point: [Double]
  /// y, the class of x.
  public var label: Int

  /// A point and its class.
  public init(point: [Double], label: Int) {
    self.point = point
    self.label = label
  }
}

/// H(x) = Wx + b with Σ_k H_k(x) = 1: the linear part of F = H + G, equation (3) of Pang, Xu and
/// Zhu, ICLR 2020.
///
/// The paper says "linear" and needs H(λx + (1−λ)x′) = λH(x) + (1−λ)H(x′), which is affine. L is the
/// number of classes, D the dimension of x; all numbers are Double.
public struct LinearModel: Sendable, Hashable {
  /// W, [L][D].
  public let weights: [[Double]]
  /// b, [L].
  public let bias: [Double]

  /// L, the number of classes.
  public var classCount: Int { bias.count }

  /// D, the dimension of the points.
  public var dimension: Int { weights.first?.count ?? 0 }

  /// H with the given W [L][D] and b [L].
  ///
  /// - Throws: `TheoryError` unless there is a class, and every one has D finite weights and a
  ///   finite bias.
  public init(weights: [[Double]], bias: [Double]) throws(TheoryError) {
    guard !bias.isEmpty else { throw .classCount(0, least: 1) }
    guard weights.count == bias.count else {
      throw .length(name: "weights", expected: bias.count, found: weights.count)
    }
    let dimension = weights[0].count
    for row in weights where row.count != dimension {
      throw .length(name: "a row of the weights", expected: dimension, found: row.count)
    }
    if let bad = (bias + weights.flatMap(\.self)).first(where: { !$0.isFinite }) {
      throw .notFinite(name: "a weight or bias", bad)
    }
    self.weights = weights
    self.bias = bias
  }

  /// The H that is one-hot at every anchor: that of the smallest weights [W b] with Σ_k H_k = 1
  /// everywhere, plus a random component that vanishes on the anchors' affine hull.
  ///
  /// Several anchors of a class are welcome, as are anchors that depend on each other affinely.
  /// O(A²D) for A anchors.
  ///
  /// - Parameters:
  ///   - anchors: the points and their classes; every class needs one.
  ///   - nullSpace: the scale of the random component's normal entries; 0 for none.
  ///   - key: names the random component.
  /// - Throws: `TheoryError.contradiction` if no affine map is one-hot at all anchors, because one
  ///   of them is an affine combination of others that are of other classes; otherwise `TheoryError`
  ///   if the anchors are not points of one dimension with labels in 0..<classCount, all present.
  public init(
    fitting anchors: [Anchor], classCount: Int, nullSpace: Double = 0,
    key: RandomKey = RandomKey(seed: 0, purpose: .initialization)
  ) throws(TheoryError) {
    guard classCount >= 1 else { throw .classCount(classCount, least: 1) }
    guard let dimension = anchors.first?.point.count else {
      throw .emptyClass(0, classCount: classCount)
    }
    for (position, anchor) in anchors.enumerated() {
      guard 0..<classCount ~= anchor.label else {
        throw .label(anchor.label, classCount: classCount)
      }
      guard anchor.point.count == dimension else {
        throw .length(name: "anchor \(position)", expected: dimension, found: anchor.point.count)
      }
      if let bad = anchor.point.first(where: { !$0.isFinite }) {
        throw .notFinite(name: "anchor \(position)", bad)
      }
    }
    for label in 0..<classCount where !anchors.contains(where: { $0.label == label }) {
      throw .emptyClass(label, classCount: classCount)
    }

    // An orthonormal basis of the span of the points (x, 1), with the value of H, extended linearly,
    // at every vector of it; and the anchor that each vector came from. The next is always the one
    // farthest from the span so far, so that none is an extrapolation from others close together.
    var basis: [(vector: [Double], value: [Double])] = []
    var origins: [Anchor] = []
    var rests = anchors.map { $0.point + [1] }
    var values = anchors.map { anchor in
      (0..<classCount).map { $0 == anchor.label ? 1.0 : 0 }
    }
    func project(_ position: Int, _ vector: [Double], _ value: [Double]) {
      let share = dot(rests[position], vector)
      add(-share, vector, to: &rests[position])
      add(-share, value, to: &values[position])
    }
    let dependence = 4 * Self.rounding(anchors: anchors.count, dimension: dimension)
    var left = Array(anchors.indices)
    while true {
      let squares = left.map { dot(rests[$0], rests[$0]) }
      let place = firstMaximum(squares)
      guard place < left.count else { break }
      let next = left[place]
      let point = anchors[next].point
      guard squares[place] > dependence * dependence * (dot(point, point) + 1) else { break }
      left.remove(at: place)
      // Projected a second time, since rounding leaves something along the basis after the first.
      for (vector, value) in basis { project(next, vector, value) }
      let length = dot(rests[next], rests[next]).squareRoot()
      basis.append((rests[next].map { $0 / length }, values[next].map { $0 / length }))
      origins.append(anchors[next])
      for position in left {
        project(position, basis[basis.count - 1].vector, basis[basis.count - 1].value)
      }
    }
    if let bad = left.first(where: { values[$0].contains { abs($0) > Self.contradiction } }) {
      throw .contradiction(anchor: bad)
    }

    var rows = [[Double]](
      repeating: [Double](repeating: 0, count: dimension + 1), count: classCount)
    for (vector, value) in basis {
      for k in 0..<classCount { add(value[k], vector, to: &rows[k]) }
    }
    // One step of iterative refinement: where an anchor lies close to the span of those before it,
    // rounding is enlarged on the way to the values, but not in what is left to mend.
    var corrections: [[Double]] = []
    for (vector, origin) in zip(basis.map(\.vector), origins) {
      let point = origin.point + [1]
      var missing = (0..<classCount).map { ($0 == origin.label ? 1 : 0) - dot(rows[$0], point) }
      for (other, correction) in zip(basis, corrections) {
        add(-dot(point, other.vector), correction, to: &missing)
      }
      let share = dot(point, vector)
      corrections.append(missing.map { $0 / share })
    }
    for (correction, (vector, _)) in zip(corrections, basis) {
      for k in 0..<classCount { add(correction[k], vector, to: &rows[k]) }
    }
    // Σ_k H_k is 1 at the anchors; what it lacks elsewhere vanishes there and is shared equally.
    var missing = [Double](repeating: 0, count: dimension) + [1]
    for row in rows { add(-1, row, to: &missing) }
    for k in 0..<classCount { add(1 / Double(classCount), missing, to: &rows[k]) }
    if nullSpace != 0 {
      for (k, row) in Self.nullComponents(
        of: basis.map(\.vector), rows: classCount, width: dimension + 1, key: key
      ).enumerated() {
        add(nullSpace, row, to: &rows[k])
      }
    }
    try self.init(weights: rows.map { Array($0.dropLast()) }, bias: rows.map { $0[dimension] })
  }

  /// The relative error of projecting one of A points twice on the others. A point no farther from the
  /// span of those before it than four times this depends on them: rounding alone may bring it there,
  /// and to leave it out moves H there by no more than rounding does.
  private static func rounding(anchors: Int, dimension: Int) -> Double {
    Double(2 * anchors + dimension + 2) * 0x1p-52
  }
  /// The class of a dependent point may miss the values of those before it by no more than this.
  private static let contradiction = 1e-6

  /// Random rows that vanish on a subspace and add up to 0.
  private static func nullComponents(
    of basis: [[Double]], rows: Int, width: Int, key: RandomKey
  ) -> [[Double]] {
    var stream = RandomStream(key)
    var result = (0..<rows).map { _ in
      var row = (0..<width).map { _ in stream.standardNormal() }
      for _ in 0..<2 {
        for vector in basis { add(-dot(row, vector), vector, to: &row) }
      }
      return row
    }
    var mean = [Double](repeating: 0, count: width)
    for row in result { add(1 / Double(rows), row, to: &mean) }
    for k in result.indices { add(-1, mean, to: &result[k]) }
    return result
  }

  /// H(x), [L].
  ///
  /// - Precondition: x has D values.
  public func callAsFunction(_ x: [Double]) -> [Double] {
    precondition(x.count == dimension, "a point of \(x.count) values in \(dimension) dimensions")
    return zip(weights, bias).map { dot($0, x) + $1 }
  }
}

/// Σ_i a_i b_i.
func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for place in a.indices { sum += a[place] * b[place] }
  return sum
}

/// b ← b + s·a.
func add(_ scale: Double, _ a: [Double], to b: inout [Double]) {
  for place in a.indices { b[place] += scale * a[place] }
}

/// λa + (1−λ)b, element by element.
package func mix(_ lambda: Double, _ a: [Double], _ b: [Double]) -> [Double] {
  zip(a, b).map { lambda * $0 + (1 - lambda) * $1 }
}

extension LinearModel {
  /// What rounding may do to H at one of A points, or to a fit to them, which projects each of them
  /// twice on the others: (2A + D + 2)·2⁻⁵² times the largest product of the lengths of a row
  /// (W_k, b_k) and a point (x, 1), by Cauchy and Schwarz at least the sum of the absolute terms.
  package func roundingUnit(at points: [[Double]]) -> Double {
    let row = zip(weights, bias).map { dot($0, $0) + $1 * $1 }.reduce(0, max).squareRoot()
    let point = points.map { dot($0, $0) + 1 }.reduce(0, max).squareRoot()
    return Self.rounding(anchors: points.count, dimension: dimension) * max(row * point, 1)
  }
}
