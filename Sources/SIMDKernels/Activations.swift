import KernelTables

// Every function is written for one number, without branches and calls, so that the compiler makes vectors of
// the loop around it; each has a loop of its own, as a test inside would keep the loop from that.

extension Float32 {
  package static func channelwiseActivation(
    _ activation: Activation, pixels: Int, channels: Int, input: UnsafePointer<Float>,
    scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>
  ) {
    activation.run(
      Values(
        pixels: pixels, channels: channels, input: input, scale: scale, shift: shift, output: output
      ))
  }

  package static func addChannelwiseActivationGradient(
    _ activation: Activation, pixels: Int, channels: Int, gradient: UnsafePointer<Float>,
    input: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    sum: UnsafeMutablePointer<Float>
  ) {
    activation.run(
      Gradients(
        pixels: pixels, channels: channels, gradient: gradient, input: input, scale: scale,
        shift: shift, sum: sum))
  }

  package static func addProduct(
    count: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    sum: UnsafeMutablePointer<Float>
  ) {
    for place in 0..<count { sum[place] += a[place] * b[place] }
  }
}

/// A loop that is compiled once for every function.
private protocol Loop {
  func run(_ function: some ScalarFunction)
}

/// out = f(x · scale + shift).
private struct Values: Loop {
  let pixels: Int
  let channels: Int
  let input: UnsafePointer<Float>
  let scale: UnsafePointer<Float>
  let shift: UnsafePointer<Float>
  let output: UnsafeMutablePointer<Float>

  func run(_ function: some ScalarFunction) {
    var start = 0
    for _ in 0..<pixels {
      for c in 0..<channels {
        output[start + c] = function.value(input[start + c] * scale[c] + shift[c])
      }
      start += channels
    }
  }
}

/// sum += g · f′(x · scale + shift) · scale.
private struct Gradients: Loop {
  let pixels: Int
  let channels: Int
  let gradient: UnsafePointer<Float>
  let input: UnsafePointer<Float>
  let scale: UnsafePointer<Float>
  let shift: UnsafePointer<Float>
  let sum: UnsafeMutablePointer<Float>

  func run(_ function: some ScalarFunction) {
    var start = 0
    for _ in 0..<pixels {
      for c in 0..<channels {
        let slope = function.slope(input[start + c] * scale[c] + shift[c])
        sum[start + c] += gradient[start + c] * slope * scale[c]
      }
      start += channels
    }
  }
}

extension Activation {
  /// Runs a loop with this function.
  fileprivate func run(_ loop: some Loop) {
    switch self {
    case .relu: loop.run(Clip(lower: 0, upper: .infinity))
    case .leakyReLU(let slope): loop.run(LeakyReLU(slope: slope))
    case .silu: loop.run(SiLU())
    case .sigmoid: loop.run(Sigmoid())
    case .clip(let lower, let upper): loop.run(Clip(lower: lower, upper: upper))
    case .gelu: loop.run(GELU())
    case .elu(let scale): loop.run(ELU(scale: scale))
    case .softplus: loop.run(Softplus())
    }
  }
}

/// A function of one number and its derivative. NaN stays NaN.
private protocol ScalarFunction {
  func value(_ v: Float) -> Float
  func slope(_ v: Float) -> Float
}

private struct LeakyReLU: ScalarFunction {
  let slope: Float
  @inline(__always)
  func value(_ v: Float) -> Float { v < 0 ? v * slope : v }
  @inline(__always)
  func slope(_ v: Float) -> Float { v > 0 ? 1 : slope }
}

private struct Clip: ScalarFunction {
  let lower: Float
  let upper: Float
  @inline(__always)
  func value(_ v: Float) -> Float { v < lower ? lower : (v > upper ? upper : v) }
  @inline(__always)
  func slope(_ v: Float) -> Float { v <= lower ? 0 : (v >= upper ? 0 : 1) }
}

private struct Sigmoid: ScalarFunction {
  @inline(__always)
  func value(_ v: Float) -> Float { 1 / (1 + exponential(-v)) }
  @inline(__always)
  func slope(_ v: Float) -> Float {
    let s = value(v)
    return s * (1 - s)
  }
}

private struct SiLU: ScalarFunction {
  @inline(__always)
  func value(_ v: Float) -> Float { v / (1 + exponential(-v)) }
  @inline(__always)
  func slope(_ v: Float) -> Float {
    let s = Sigmoid().value(v)
    return s * (1 + v * (1 - s))
  }
}

private struct GELU: ScalarFunction {
  @inline(__always)
  func value(_ v: Float) -> Float { v * normal(v).distribution }
  @inline(__always)
  func slope(_ v: Float) -> Float {
    let (distribution, density) = normal(v)
    return distribution + v * density
  }

  /// Φ(v) and its derivative φ(v). Φ is by formula 26.2.17 of Abramowitz and Stegun, "Handbook of mathematical
  /// functions", 1964, whose error is below 7.5·10⁻⁸.
  @inline(__always)
  private func normal(_ v: Float) -> (distribution: Float, density: Float) {
    let size = v < 0 ? -v : v
    let density = 0.398_942_28 * exponential(-0.5 * v * v)
    let t = 1 / (1 + 0.231_641_9 * size)
    let a = 1.781_477_94 + t * (-1.821_255_98 + t * 1.330_274_43)
    let tail = density * t * (0.319_381_53 + t * (-0.356_563_78 + t * a))
    return (v < 0 ? tail : 1 - tail, density)
  }
}

private struct ELU: ScalarFunction {
  let scale: Float
  @inline(__always)
  func value(_ v: Float) -> Float { v > 0 ? v : scale * exponentialLessOne(v) }
  @inline(__always)
  func slope(_ v: Float) -> Float { v > 0 ? 1 : scale * exponential(v) }

  /// eᵛ − 1, also near 0, where the difference would lose its digits.
  @inline(__always)
  private func exponentialLessOne(_ v: Float) -> Float {
    let (rise, exponent) = exponentialParts(v)
    let power = Float(bitPattern: Float(1).bitPattern &+ exponent)
    return (power - 1) + power * rise
  }
}

private struct Softplus: ScalarFunction {
  /// max(v, 0) + ln(1 + t) with t = e^−|v|. ln(1 + t) = 2 artanh(s) with s = t / (2 + t) up to ⅓, of whose series
  /// s + s³/3 + s⁵/5 + … the terms behind s¹⁵/15 come to less than 10⁻⁸ of the whole.
  @inline(__always)
  func value(_ v: Float) -> Float {
    let t = exponential(v < 0 ? v : -v)
    let s = t / (2 + t)
    let square = s * s
    let high = 1 / 9 + square * (1 / 11 + square * (1 / 13 + square * (1 / 15)))
    let series = 1 + square * (1 / 3 + square * (1 / 5 + square * (1 / 7 + square * high)))
    return (v < 0 ? 0 : v) + 2 * s * series
  }
  @inline(__always)
  func slope(_ v: Float) -> Float { Sigmoid().value(v) }
}

/// e^x for x in [−86, 88], and that of the nearer bound outside.
@inline(__always)
private func exponential(_ x: Float) -> Float {
  let (rise, exponent) = exponentialParts(x)
  return Float(bitPattern: (1 + rise).bitPattern &+ exponent)
}

/// e^x as (1 + rise) · 2ⁿ, with n where a number has its exponent, for x in [−86, 88].
///
/// x = n·ln 2 + r with a whole n and |r| ≤ ln 2 / 2, and rise = e^r − 1. A number to which 1.5·2²³ was added has n in its
/// lowest bits; ln 2 is subtracted in two parts, of which the first has so few bits that n times it is exact.
@inline(__always)
private func exponentialParts(_ x: Float) -> (rise: Float, exponent: UInt32) {
  let x: Float = x > 88 ? 88 : (x < -86 ? -86 : x)
  let shifted = x * 1.442_695_04 + 12_582_912
  let n = shifted - 12_582_912
  let r = (x - n * 0.693_359_375) + n * 2.121_944_4e-4
  let high = 1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040)))
  return (r * (1 + r * (0.5 + r * (1 / 6 + r * high))), shifted.bitPattern &<< 23)
}
