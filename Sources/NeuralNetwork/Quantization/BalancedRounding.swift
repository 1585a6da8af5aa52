/// Numbers from −127 to 127 as whole ones, so that the errors add up to next to nothing in every kernel and over all
/// kernels: each is rounded to one of its two neighbours, most to the nearer one.
///
/// What a kernel's pixels have in common is multiplied by the sum of its weights, and pixels that lie side by side have
/// most in common; so do, behind a ReLU, the channels of a pixel. A sum of errors of at most ½ takes few changes: of
/// the numbers that were rounded in the direction of the sum those that were rounded furthest go to their other
/// neighbour, first within each kernel, then in the kernels with the largest sums left.
///
/// Source: Guo et al., "SQuant: on-the-fly data-free quantization via diagonal Hessian approximation", ICLR 2022.
///
/// - Parameters:
///   - values: [channels, taps] of one output.
///   - taps: of one kernel.
package func balancedRounding(_ values: [Double], perKernel taps: Int) -> [Int8] {
  // Rounding of the quotient could leave a little more than 127.
  var bytes = values.map { max(-127, min(127, $0.rounded(.toNearestOrEven))) }
  var errors = zip(bytes, values).map { $0 - $1 }
  /// Moves a number to its other neighbour, against a direction; false if there is none.
  func move(_ place: Int, against sign: Double) -> Bool {
    guard errors[place] * sign > 0, abs(bytes[place] - sign) <= 127 else { return false }
    bytes[place] -= sign
    errors[place] -= sign
    return true
  }
  /// The places with the largest errors in a direction, the first of equals first.
  func furthest(_ places: Range<Int>, _ sign: Double) -> [Int] {
    places.sorted { (-errors[$0] * sign, $0) < (-errors[$1] * sign, $1) }
  }
  let kernels = stride(from: 0, to: values.count, by: taps).map { $0..<$0 + taps }
  func sum(_ places: Range<Int>) -> Double { places.reduce(0) { $0 + errors[$1] } }
  if taps > 1 {
    for kernel in kernels {
      let total = sum(kernel)
      let sign: Double = total < 0 ? -1 : 1
      for place in furthest(kernel, sign).prefix(Int(abs(total).rounded())) {
        _ = move(place, against: sign)
      }
    }
  }
  let sums = kernels.map(sum)
  let total = sums.reduce(0, +)
  let sign: Double = total < 0 ? -1 : 1
  var left = Int(abs(total).rounded())
  let order = kernels.indices.sorted { (-sums[$0] * sign, $0) < (-sums[$1] * sign, $1) }
  for kernel in order where left > 0 && sums[kernel] * sign > 0 {
    if let place = furthest(kernels[kernel], sign).first, move(place, against: sign) { left -= 1 }
  }
  return bytes.map { Int8($0) }
}
