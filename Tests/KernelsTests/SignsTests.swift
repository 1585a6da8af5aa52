import KernelTables
import Kernels
import PropertyChecks
import PropertyTesting
import Testing

/// The signs of rows of numbers, by definition.
func signs(of values: [Float], columns: Int) -> [UInt8] {
  let (rows, stride) = (values.count / columns, (columns + 15) / 16 * 2)
  var signs = [UInt8](repeating: 0, count: rows * stride)
  for (place, value) in values.enumerated() where value > 0 {
    let (row, column) = place.quotientAndRemainder(dividingBy: columns)
    signs[row * stride + column / 8] |= 1 << (column % 8)
  }
  return signs
}

@Suite("Signs of activations")
struct SignsTests {
  @Test(
    "what is not positive, NaN and both zeros too, has no sign, and a mask of the signs leaves the rest",
    arguments: KernelSet.available)
  func definition(_ kernels: KernelSet) async {
    await check(
      "signs and masks", .integer(in: 1...40), .array(of: .integer(in: -3...3), count: 1...200),
      case: kernels.rawValue
    ) { (columns: Int, numbers: [Int]) in
      let kernels = kernels.float32
      let odd: [Float] = [.nan, -0.0, -.infinity, 0, .leastNonzeroMagnitude, .infinity, 1]
      let rows = (numbers.count + columns - 1) / columns
      cover(0.2, "several rows that do not fill a vector", rows > 1 && columns % 16 != 0)
      let values = (0..<rows * columns).map { odd[(numbers[$0 % numbers.count] + $0 + 3) % 7] }
      var written = [UInt8](repeating: 0, count: signs(of: values, columns: columns).count + 1)
      written[written.count - 1] = 0xAA
      var rectified = values
      kernels.channelwiseAffine(
        pixels: rows, channels: columns, input: values,
        scale: [Float](repeating: 1, count: columns), shift: [Float](repeating: 0, count: columns),
        addend: nil, relu: true, signs: &written, output: &rectified)
      #expect(written.last == 0xAA)
      #expect(Array(written.dropLast()) == signs(of: values, columns: columns))
      var kept = [Float](repeating: 7, count: values.count)
      kept.withUnsafeMutableBufferPointer { kept in
        written.withUnsafeBufferPointer { written in
          guard let kept = kept.baseAddress, let written = written.baseAddress else { return }
          kernels.mask(rows: rows, channels: columns, signs: written, values: kept)
        }
      }
      #expect(kept == values.map { $0 > 0 ? 7 : 0 })
    }
  }
}
