import Classification
import Statistics

/// A proposal of the Square attack in ℓ2 (Andriushchenko et al., ECCV 2020, Algorithm 3), for images of one shape and
/// one ε.
struct EuclideanSquare {
  let shape: ImageShape
  /// ε, on the pixel scale.
  let radius: Double

  /// Writes the start: reliefs a fifth of the image wide side by side, in each channel with a sign of its own, together
  /// of length ε. What is left over at the image's borders stays as it is.
  func start(
    _ values: UnsafeMutablePointer<Float>, _ clean: UnsafePointer<Float>, _: UnsafePointer<Float>,
    _ stream: inout RandomStream
  ) {
    let side = max(min(shape.height, shape.width) / 5, 1)
    var change = [Double](repeating: 0, count: shape.count)
    for tileRow in 0..<shape.height / side {
      for tileColumn in 0..<shape.width / side {
        let relief = SquareRelief(side: side, isTurned: stream.next() & 1 == 0)
        let top = shape.height % side / 2 + tileRow * side
        let left = shape.width % side / 2 + tileColumn * side
        for channel in 0..<shape.channels {
          let sign: Double = stream.next() & 1 == 0 ? 1 : -1
          for row in 0..<side {
            for column in 0..<side {
              change[place(channel, top + row, left + column)] = sign * relief[row, column]
            }
          }
        }
      }
    }
    write(change, to: values, clean)
  }

  /// Writes a change of the best image so far: with δ its perturbation and W, W' two random squares of one side, δ in W
  /// becomes in every channel the direction of a relief and of what was there, each of length 1, with the length that
  /// δ had in W and W' together and a channel's part of ε² − ‖δ‖²; elsewhere in W' it becomes 0.
  ///
  /// - Parameter side: of the squares; rounded to an odd number of at least 3, and at most what fits into the image.
  func change(
    _ values: UnsafeMutablePointer<Float>, _ clean: UnsafePointer<Float>,
    _ current: UnsafePointer<Float>, side: Double, _ stream: inout RandomStream
  ) {
    let largest = min(shape.height, shape.width)
    let wanted = max(Int(side.rounded()), 3) | 1
    let side = wanted <= largest ? wanted : max(largest - (1 - largest & 1), 1)
    func corner() -> (top: Int, left: Int) {
      (
        stream.integer(below: shape.height - side + 1),
        stream.integer(below: shape.width - side + 1)
      )
    }
    let (target, source) = (corner(), corner())
    let relief = SquareRelief(side: side, isTurned: stream.next() & 1 == 0)
    var change = (0..<shape.count).map { Double(current[$0]) - Double(clean[$0]) }
    let unused = max(radius * radius - change.reduce(0) { $0 + $1 * $1 }, 0)
    for channel in 0..<shape.channels {
      let own = places(channel, target, side)
      let before = own.map { change[$0] }
      let length = before.reduce(0) { $0 + $1 * $1 }.squareRoot()
      var available = length * length + unused / Double(shape.channels)
      for place in own { change[place] = 0 }
      for place in places(channel, source, side) {
        available += change[place] * change[place]
        change[place] = 0
      }
      let sign: Double = stream.next() & 1 == 0 ? 1 : -1
      let direction = zip(before, relief.values).map { old, raised in
        sign * raised + (length > 0 ? old / length : 0)
      }
      let directionLength = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
      // A relief that takes away just what was there leaves nowhere to go.
      guard directionLength > 0 else { continue }
      for (place, value) in zip(own, direction) {
        change[place] = value * available.squareRoot() / directionLength
      }
    }
    write(change, to: values, clean)
  }

  private func place(_ channel: Int, _ row: Int, _ column: Int) -> Int {
    (channel * shape.height + row) * shape.width + column
  }

  /// The places of a square in one channel, row by row.
  private func places(_ channel: Int, _ corner: (top: Int, left: Int), _ side: Int) -> [Int] {
    (0..<side).flatMap { row in
      (0..<side).map { place(channel, corner.top + row, corner.left + $0) }
    }
  }

  /// The clean image and a perturbation of length ε in the direction of the change.
  private func write(
    _ change: [Double], to values: UnsafeMutablePointer<Float>, _ clean: UnsafePointer<Float>
  ) {
    let length = change.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let scale = length > 0 ? radius / length : 0
    for (place, change) in change.enumerated() {
      values[place] = Float(Double(clean[place]) + scale * change)
    }
  }
}

/// The pattern that the Square attack lays on a square in ℓ2, of length 1: the upper half is raised around its middle,
/// the lower one sunk by as much, each as Σ_{j=d+1}^{n+1} 1/j², where d is the larger of the distances in rows and in
/// columns from the half's middle and n half of the side (Andriushchenko et al., ECCV 2020, equation (2), with the
/// indices of the authors' code; an odd side has one row more below).
package struct SquareRelief: Sendable {
  /// In pixels.
  package let side: Int
  /// Row by row.
  package let values: [Double]

  /// - Parameter isTurned: whether the halves are left and right instead.
  package init(side: Int, isTurned: Bool) {
    self.side = side
    var values = [Double](repeating: 0, count: side * side)
    let middle = side / 2
    for (rows, sign) in [(0..<middle, 1.0), (middle..<side, -1.0)] {
      var half: [(place: Int, height: Double)] = []
      for row in rows {
        for column in 0..<side {
          let distance = max(
            abs(row - rows.lowerBound - rows.count / 2), abs(column - side / 2))
          let height = (distance + 1...side / 2 + 1).reduce(0) { $0 + 1 / Double($1 * $1) }
          half.append((isTurned ? column * side + row : row * side + column, height))
        }
      }
      let length = half.reduce(0) { $0 + $1.height * $1.height }.squareRoot()
      for (place, height) in half { values[place] = sign * height / length }
    }
    // Both halves, or the lower one alone, which is all that a side of 1 has.
    let length = Double(middle > 0 ? 2 : 1).squareRoot()
    self.values = values.map { $0 / length }
  }

  package subscript(_ row: Int, _ column: Int) -> Double { values[row * side + column] }
}
