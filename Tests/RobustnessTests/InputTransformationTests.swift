import Classification
import Foundation
import Robustness
import Statistics
import TestSupport
import Testing

private let shape = ImageShape(channels: 2, height: 6, width: 7)

private let geometric: [InputTransformation] = [
  .rotation(degrees: 50), .cropAndPad(sides: 2...6), .resizeAndPad(sides: 2...6),
  .cropAndResize(sides: 2...6),
]

private func randomStream(_ number: Int) -> RandomStream {
  RandomStream(RandomKey(seed: 5, purpose: .test, example: number))
}

private func uniform(_ count: Int, from stream: inout RandomStream) -> [Float] {
  (0..<count).map { _ in stream.uniform() }
}

/// T x of one image.
private func applied(_ transformation: DrawnTransformation, to image: [Float]) -> [Float] {
  var result = [Float](repeating: .nan, count: image.count)
  transformation.apply(image, to: &result, count: image.count)
  return result
}

private func pulledBack(_ transformation: DrawnTransformation, _ gradient: [Float]) -> [Float] {
  var result = [Float](repeating: .nan, count: gradient.count)
  transformation.pullback(gradient, to: &result, count: gradient.count)
  return result
}

@Suite("Random changes of an image")
struct InputTransformationTests {
  // Both sides are sums of at most 84 products of numbers below 1 with weights that add up to 1 a
  // pixel, in Double but for the maps themselves: four roundings for a value, and as many as
  // outputs that use an input, some tens, for a pulled back one.
  @Test("⟨T x, y⟩ = ⟨x, Tᵀy⟩", arguments: geometric)
  func pullbackIsTheAdjoint(_ transformation: InputTransformation) {
    for number in 0..<100 {
      var stream = randomStream(number)
      let drawn = transformation.draw(for: shape, from: &stream)
      let x = uniform(shape.count, from: &stream)
      let y = uniform(shape.count, from: &stream)
      func product(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      }
      let (left, right) = (product(applied(drawn, to: x), y), product(x, pulledBack(drawn, y)))
      #expect(left > 0 && abs(left - right) <= 50 * 0x1p-24 * left)
    }
  }

  // The weights of a pixel are products of two pairs that add up to 1.
  @Test("a white image stays white in the window, and nothing leaves [0, 1]", arguments: geometric)
  func weightsAddUpToOne(_ transformation: InputTransformation) {
    for number in 0..<50 {
      var stream = randomStream(number)
      let drawn = transformation.draw(for: shape, from: &stream)
      let white = applied(drawn, to: Array(repeating: 1, count: shape.count))
      for value in white { #expect(value >= 0 && value <= 1 + 4 * 0x1p-24) }
      switch transformation {
      case .rotation: #expect(white.contains { $0 > 0.99 })
      case .cropAndResize: #expect(white.allSatisfy { $0 >= 1 - 4 * 0x1p-24 })
      default:
        // A square of ones in each channel.
        let ones = white.filter { $0 >= 1 - 4 * 0x1p-24 }.count
        #expect(ones == white.filter { $0 != 0 }.count)
        #expect((2...6).contains { $0 * $0 * shape.channels == ones })
      }
    }
  }

  // cos 90° is 6e-17 in Double: a position is off by less than 1e-15.
  @Test("a rotation by 90° permutes the pixels of a square")
  func quarterTurn() {
    let square = ImageShape(channels: 1, height: 5, width: 5)
    var stream = randomStream(0)
    let image = uniform(square.count, from: &stream)
    let turned = applied(.resampling(.rotation(degrees: 90, shape: square)), to: image)
    let back = applied(.resampling(.rotation(degrees: -90, shape: square)), to: turned)
    for row in 0..<5 {
      for column in 0..<5 {
        // The right edge goes up.
        #expect(abs(turned[5 * row + column] - image[5 * column + 4 - row]) <= 1e-6)
        #expect(abs(back[5 * row + column] - image[5 * row + column]) <= 1e-6)
      }
    }
  }

  @Test("cropping and padding moves a square and changes no value")
  func cropAndPadCopies() {
    var moved = 0
    for number in 0..<50 {
      var stream = randomStream(number)
      let drawn = InputTransformation.cropAndPad(sides: 3...4).draw(for: shape, from: &stream)
      // Every value is the number of its place.
      let result = applied(drawn, to: (0..<shape.count).map { Float($0 + 1) })
      let shifts = Set(
        result.enumerated().filter { $0.element != 0 }.map { Int($0.element) - 1 - $0.offset })
      #expect(shifts.count == 1)
      moved += shifts == [0] ? 0 : 1
    }
    #expect(moved > 25)
  }

  // Positions and weights are in Double, four products of numbers below 1 in Float; the golden
  // value is rounded once.
  @Test("resampling is that of PyTorch and SciPy")
  func goldenValues() throws {
    let golden = try Golden("defences/resampling.safetensors")
    let image = try golden["image"]
    let shape = ImageShape(channels: 2, height: 7, width: 9)
    var cases: [(String, Resampling)] = [17, -33, 121].map {
      ("rotated.\($0)", .rotation(degrees: Double($0), shape: shape))
    }
    let whole = PixelRectangle(shape)
    let part = PixelRectangle(side: 4, top: 1, left: 3)
    let window = PixelRectangle(side: 5, top: 2, left: 1)
    cases.append(("enlarged", .stretch(part, over: whole, shape: shape)))
    cases.append(("reduced", .stretch(whole, over: window, shape: shape)))
    for (name, resampling) in cases {
      let found = try Tensor(
        applied(.resampling(resampling), to: image.values), shape: image.shape)
      #expect(try distance(found, from: golden[name]) <= 8 * 0x1p-24, "\(name)")
    }
  }

  @Test("sides and places are uniform")
  func sidesAreUniform() {
    let square = ImageShape(channels: 1, height: 5, width: 5)
    let repeats = 3_000
    var sides = [0, 0, 0]
    var corners = 0
    for number in 0..<repeats {
      var stream = randomStream(number)
      let drawn = InputTransformation.cropAndPad(sides: 3...5).draw(for: square, from: &stream)
      let white = applied(drawn, to: Array(repeating: 1, count: square.count))
      let side = Int(Double(white.filter { $0 == 1 }.count).squareRoot())
      sides[side - 3] += 1
      corners += white[0] == 1 ? 1 : 0
    }
    for count in sides {
      #expect(abs(Double(count) / Double(repeats) - 1.0 / 3) <= bound(count: repeats))
    }
    // A side of s has (6 − s)² places.
    let expected = (1.0 / 9 + 1.0 / 4 + 1) / 3
    #expect(abs(Double(corners) / Double(repeats) - expected) <= bound(count: repeats))
  }

  // On an image that is its column's number, the pixel below the middle shows 3 − sin θ.
  @Test("angles are uniform on both sides of 0")
  func anglesAreUniform() {
    let square = ImageShape(channels: 1, height: 7, width: 7)
    let columns = (0..<square.count).map { Float($0 % 7) }
    let repeats = 3_000
    let angles = (0..<repeats).map { number in
      var stream = randomStream(number)
      let drawn = InputTransformation.rotation(degrees: 60).draw(for: square, from: &stream)
      let sine = 3 - Double(applied(drawn, to: columns)[4 * 7 + 3])
      return asin(sine) * 180 / .pi
    }
    // Six values up to 6 in Float, and an arc sine of slope 2 at most.
    #expect(angles.allSatisfy { abs($0) <= 60.001 })
    for (rank, angle) in angles.sorted().enumerated() {
      let expected = (angle + 60) / 120
      #expect(abs(Double(rank) / Double(repeats) - expected) <= bound(count: repeats))
    }
  }

  @Test("masking makes pixels black in all their channels at once, as often as it says")
  func masking() {
    let image = (0..<shape.count).map { Float($0 + 1) }
    let area = shape.height * shape.width
    var black = 0
    for number in 0..<500 {
      var stream = randomStream(number)
      let masked = applied(
        InputTransformation.masking(share: 0.3).draw(for: shape, from: &stream), to: image)
      #expect(zip(masked, image).allSatisfy { $0 == 0 || $0 == $1 })
      let isBlack = masked.map { $0 == 0 }
      #expect(Array(isBlack[..<area]) == Array(isBlack[area...]))
      black += isBlack[..<area].count(where: \.self)
    }
    #expect(abs(Double(black) / Double(500 * area) - 0.3) <= bound(count: 500 * area))
    for (share, count) in [(0, 0), (1, shape.count)] as [(Float, Int)] {
      var stream = randomStream(1)
      let masked = applied(
        InputTransformation.masking(share: share).draw(for: shape, from: &stream), to: image)
      #expect(masked.count { $0 == 0 } == count)
    }
  }

  @Test("noise has the moments of its law")
  func noiseHasItsMoments() {
    var (gaussian, flat): ([Float], [Float]) = ([], [])
    let image = [Float](repeating: 0, count: shape.count)
    for number in 0..<500 {
      var stream = randomStream(number)
      gaussian += applied(
        InputTransformation.gaussianNoise(standardDeviation: 0.5).draw(for: shape, from: &stream),
        to: image)
      flat += applied(
        InputTransformation.uniformNoise(radius: 0.5).draw(for: shape, from: &stream), to: image)
    }
    func mean(_ values: [Float], _ f: (Double) -> Double) -> Double {
      values.reduce(0) { $0 + f(Double($1)) } / Double(values.count)
    }
    let count = flat.count
    #expect(flat.allSatisfy { $0 >= -0.5 && $0 < 0.5 })
    #expect(abs(mean(flat) { $0 }) <= bound(count: count))
    #expect(abs(mean(flat) { $0 * $0 } - 1.0 / 12) <= bound(count: count, width: 0.25))
    // Box and Muller's radius is below √(2 · 53 log 2) < 8.6 standard deviations.
    #expect(gaussian.contains { $0 < -1 } && gaussian.contains { $0 > 1 })
    #expect(abs(mean(gaussian) { $0 }) <= bound(count: count, width: 8.6))
    #expect(abs(mean(gaussian) { $0 * $0 } - 0.25) <= bound(count: count, width: 18.5))
    // P(|X| < σ) = 0.6827, a sharper bound than that of the variance.
    #expect(abs(mean(gaussian) { abs($0) < 0.5 ? 1 : 0 } - 0.68269) <= bound(count: count))
  }

  @Test("b bits have 2ᵇ levels, which stay as they are; the gradient goes through")
  func bitDepth() {
    for bits in 1...8 {
      var stream = randomStream(bits)
      let drawn = InputTransformation.bitDepth(bits).draw(for: shape, from: &stream)
      let top = (1 << bits) - 1
      let levels = (0...top).map { Float($0) / Float(top) }
      #expect(applied(drawn, to: levels) == levels)
      let image = uniform(shape.count, from: &stream)
      for (before, after) in zip(image, applied(drawn, to: image)) {
        #expect(levels.contains(after))
        // A product and a quotient may round up by an ulp each.
        #expect(after <= before + 0x1p-23 && before - after <= 1 / Float(top) + 0x1p-23)
      }
      #expect(pulledBack(drawn, image) == image)
    }
  }
}
