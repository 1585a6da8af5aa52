/// The sum of so many terms, such as those of a pixel's channels. Whole images can be the channels of a pixel, so that sums of
/// 1,024 terms are added in double precision.
func total(_ count: Int, _ term: (Int) -> Float) -> Float {
  var sum = 0.0
  for start in stride(from: 0, to: count, by: 1024) {
    sum += Double(total(start..<min(start + 1024, count), term))
  }
  return Float(sum)
}

/// Four sums that do not wait for each other, then those.
private func total(_ places: Range<Int>, _ term: (Int) -> Float) -> Float {
  var sums = SIMD4<Float>.zero
  let whole = places.lowerBound + places.count / 4 * 4
  for place in stride(from: places.lowerBound, to: whole, by: 4) {
    sums += SIMD4(term(place), term(place + 1), term(place + 2), term(place + 3))
  }
  return (whole..<places.upperBound).reduce((sums.x + sums.y) + (sums.z + sums.w)) {
    $0 + term($1)
  }
}
