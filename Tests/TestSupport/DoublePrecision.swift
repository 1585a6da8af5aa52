import Classification
import Statistics

/// A plain double-precision array [N, H, W, C] or of any other shape: the reference against which
/// layers are checked. Written for being obviously right.
package struct DoubleArray: Sendable {
  package var shape: [Int]
  package var values: [Double]

  package init(shape: [Int], values: [Double]) {
    self.shape = shape
    self.values = values
  }

  package init(zeros shape: [Int]) {
    self.init(shape: shape, values: Array(repeating: 0, count: shape.reduce(1, *)))
  }

  package init(_ tensor: Tensor) {
    self.init(shape: tensor.shape, values: tensor.values.map(Double.init))
  }

  package subscript(_ indices: Int...) -> Double {
    get { values[position(indices)] }
    set { values[position(indices)] = newValue }
  }

  private func position(_ indices: [Int]) -> Int {
    zip(indices, shape).reduce(0) { $0 * $1.1 + $1.0 }
  }

  package static func + (a: DoubleArray, b: DoubleArray) -> DoubleArray {
    DoubleArray(shape: a.shape, values: zip(a.values, b.values).map(+))
  }

  /// Σ a·b.
  package func dot(_ other: DoubleArray) -> Double { zip(values, other.values).map(*).reduce(0, +) }
}

/// Layers by their definitions, in double precision.
package enum DoubleReference {
  /// Input [N, H, W, C], weight [O, C, K, K].
  package static func convolution(
    _ x: DoubleArray, _ weight: DoubleArray, bias: DoubleArray? = nil, stride: Int, padding: Int,
    paddingBehind: Int? = nil
  ) -> DoubleArray {
    let kernel = weight.shape[2]
    let around = padding + (paddingBehind ?? padding)
    let height = (x.shape[1] + around - kernel) / stride + 1
    let width = (x.shape[2] + around - kernel) / stride + 1
    var out = DoubleArray(zeros: [x.shape[0], height, width, weight.shape[0]])
    for n in 0..<x.shape[0] {
      for row in 0..<height {
        for column in 0..<width {
          for o in 0..<weight.shape[0] {
            var sum = bias?[o] ?? 0
            for i in 0..<kernel {
              for j in 0..<kernel {
                let (y, z) = (row * stride + i - padding, column * stride + j - padding)
                guard 0..<x.shape[1] ~= y, 0..<x.shape[2] ~= z else { continue }
                for c in 0..<x.shape[3] { sum += x[n, y, z, c] * weight[o, c, i, j] }
              }
            }
            out[n, row, column, o] = sum
          }
        }
      }
    }
    return out
  }

  /// Batch statistics, or the given ones.
  package static func batchNormalization(
    _ x: DoubleArray, weight: DoubleArray, bias: DoubleArray,
    statistics: (mean: DoubleArray, variance: DoubleArray)? = nil
  ) -> DoubleArray {
    let channels = x.shape.last ?? 1
    var out = x
    for c in 0..<channels {
      let own = stride(from: c, to: x.values.count, by: channels).map { x.values[$0] }
      let mean = statistics?.mean[c] ?? own.reduce(0, +) / Double(own.count)
      let variance =
        statistics?.variance[c]
        ?? own.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(own.count)
      for position in stride(from: c, to: x.values.count, by: channels) {
        out.values[position] =
          weight[c] * (x.values[position] - mean) / (variance + 1e-5).squareRoot() + bias[c]
      }
    }
    return out
  }

  package static func relu(_ x: DoubleArray) -> DoubleArray {
    DoubleArray(shape: x.shape, values: x.values.map { max($0, 0) })
  }
}

/// (f(x + h·e) − f(x − h·e)) / 2h for every entry e of x. The error is O(h²) plus rounding / h.
package func centralDifferences(
  of f: (DoubleArray) -> Double, at x: DoubleArray, h: Double = 1e-5
) -> DoubleArray {
  var gradient = DoubleArray(zeros: x.shape)
  var x = x
  for position in x.values.indices {
    let value = x.values[position]
    x.values[position] = value + h
    let above = f(x)
    x.values[position] = value - h
    let below = f(x)
    x.values[position] = value
    gradient.values[position] = (above - below) / (2 * h)
  }
  return gradient
}

/// Random values, uniform in [low, high).
package func randomTensor(
  _ shape: [Int], seed: UInt64, from low: Float = -1, to high: Float = 1
) -> Tensor {
  var random = RandomStream(RandomKey(seed: seed, purpose: .test))
  var tensor = Tensor(shape: shape)
  for position in 0..<tensor.count { tensor[position] = low + (high - low) * random.uniform() }
  return tensor
}

/// The largest |a − b| over all entries, relative to the largest |b|.
package func relativeDistance(_ a: Tensor, _ b: DoubleArray) -> Double {
  guard a.count == b.values.count else { return .infinity }
  let scale = b.values.map(abs).reduce(0, max)
  return zip(a.values, b.values).map { abs(Double($0) - $1) }.reduce(0, max) / scale
}
