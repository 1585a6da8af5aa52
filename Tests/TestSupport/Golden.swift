import Classification
import Foundation
import NeuralNetwork

/// Golden values that another implementation made, from a safetensors file of `fixtures/`.
package struct Golden {
  private let file: Safetensors
  private let path: String

  package init(_ path: String) throws {
    self.path = path
    file = try Safetensors(try Fixtures.data(path))
  }

  /// All tensors by name.
  package var tensors: [String: Tensor] { file.tensors }

  /// One tensor, in the file's own order.
  package subscript(_ name: String) -> Tensor {
    get throws {
      guard let tensor = file.tensors[name] else { throw MissingGolden(path: path, name: name) }
      return tensor
    }
  }

  /// Activations: [N, C, H, W] in the file → [N, H, W, C].
  package func activations(_ name: String) throws -> Tensor { channelsLast(try self[name]) }

  /// A number from the metadata of one case.
  package func number(_ name: String, of testCase: String) throws -> Int {
    guard let text = file.metadata[testCase],
      let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any],
      let number = object[name] as? Int
    else { throw MissingGolden(path: path, name: "\(testCase).\(name)") }
    return number
  }
}

/// The largest difference between values, as a share of the largest golden value; infinite if the shapes
/// differ.
package func distance(_ found: Tensor, from golden: Tensor) -> Double {
  guard found.shape == golden.shape else { return .infinity }
  let scale = golden.values.map { Double(abs($0)) }.reduce(0, max)
  let largest = zip(found.values, golden.values).map { abs(Double($0) - Double($1)) }.reduce(0, max)
  return largest == 0 ? 0 : largest / scale
}

/// What `sketch` of fixtures/network/make.py makes of a tensor: of at most 64 values themselves, of
/// more 64 signed sums, in which every value counts and which keep the norm of a difference to
/// about 9 %.
package func goldenSketch(of tensor: Tensor) -> Tensor {
  let count = 64
  guard tensor.count > count else { return tensor }
  var draws = GoldenDraws(start: 1 << 47)
  var sums = [Double](repeating: 0, count: count)
  for position in 0..<tensor.count {
    let place = Int(2 * Double(count) * draws.next())
    sums[place / 2] += place % 2 == 1 ? -Double(tensor[position]) : Double(tensor[position])
  }
  var sketch = Tensor(shape: [count])
  for place in 0..<count { sketch[place] = Float(sums[place]) }
  return sketch
}

/// A name that the golden file does not have.
package struct MissingGolden: Error, CustomStringConvertible {
  var path: String
  var name: String
  package var description: String {
    "\(path) has no \(name); make it anew (see fixtures/README.md)"
  }
}

/// [N, C, H, W] → [N, H, W, C].
package func channelsLast(_ tensor: Tensor) -> Tensor {
  let (n, c, h, w) = (tensor.shape[0], tensor.shape[1], tensor.shape[2], tensor.shape[3])
  var result = Tensor(shape: [n, h, w, c])
  for position in 0..<tensor.count {
    let (image, rest) = position.quotientAndRemainder(dividingBy: c * h * w)
    let (channel, pixel) = rest.quotientAndRemainder(dividingBy: h * w)
    result[(image * h * w + pixel) * c + channel] = tensor[position]
  }
  return result
}

/// The numbers u(start), u(start + 1), ... of fixtures/network/make.py, bit for bit.
private struct GoldenDraws {
  private var index: UInt64

  init(start: UInt64) { index = start }

  /// u in [0, 1) on a grid of 2^-24: the finaliser of splitmix64.
  mutating func next() -> Double {
    index += 1
    var z = index &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    z ^= z >> 31
    return Double(z >> 40) * 0x1p-24
  }
}

/// Fills a network's state by the rule of fixtures/network/make.py, bit for bit.
package struct GoldenWeights {
  private var draws = GoldenDraws(start: 0)

  package init() {}

  /// Tensors for all paths of a state.
  package mutating func tensors(for state: NetworkState) -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for path in state.tensors.keys.sorted(by: {
      Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8))
    }) {
      guard let shape = state.tensors[path]?.shape else { continue }
      let fanIn = shape.dropFirst().reduce(1, *)
      var tensor = Tensor(shape: shape)
      for position in 0..<tensor.count {
        let u = draws.next()
        tensor[position] =
          if shape.count > 1 {
            Float((2 * u - 1) * (3 / Double(fanIn)).squareRoot())
          } else if path.hasSuffix("running_var") || path.hasSuffix("weight") {
            Float(0.5 + u)
          } else if path == "fc_dense.bias" {
            Float((2 * u - 1) * 0.1)
          } else {
            Float((2 * u - 1) * 0.2)
          }
      }
      result[path] = tensor
    }
    return result
  }
}
