/// A whole number that may depend on the number of images: constant + perImage · N.
///
/// N is at least 1 and otherwise unknown, so that a shape that is worked out with it holds for every batch.
package struct Whole: Hashable {
  package var constant: Int
  package var perImage: Int

  package init(constant: Int, perImage: Int = 0) {
    self.constant = constant
    self.perImage = perImage
  }

  /// N.
  package static let images = Whole(constant: 0, perImage: 1)

  /// The number, if it does not depend on N.
  package var known: Int? { perImage == 0 ? constant : nil }

  // Each is nil where the result is no such number, or one that no `Int` holds.

  package func adding(_ other: Whole) -> Whole? {
    let (constant, first) = constant.addingReportingOverflow(other.constant)
    let (perImage, second) = perImage.addingReportingOverflow(other.perImage)
    return first || second ? nil : Whole(constant: constant, perImage: perImage)
  }

  package func subtracting(_ other: Whole) -> Whole? {
    other.times(Whole(constant: -1)).flatMap { adding($0) }
  }

  package func times(_ other: Whole) -> Whole? {
    guard let factor = other.known ?? known else { return nil }
    let number = other.known == nil ? other : self
    let (constant, first) = number.constant.multipliedReportingOverflow(by: factor)
    let (perImage, second) = number.perImage.multipliedReportingOverflow(by: factor)
    return first || second ? nil : Whole(constant: constant, perImage: perImage)
  }

  /// The quotient without its fraction, as in C; of a number that depends on N only where it has none.
  package func divided(by other: Whole) -> Whole? {
    guard let divisor = other.known, divisor != 0 else { return nil }
    let (constant, overflow) = constant.dividedReportingOverflow(by: divisor)
    guard perImage != 0 else { return overflow ? nil : Whole(constant: constant) }
    guard self.constant.isMultiple(of: divisor), perImage.isMultiple(of: divisor), divisor != -1
    else { return nil }
    return Whole(constant: constant, perImage: perImage / divisor)
  }

  /// Whether both are one number for every N; nil where that depends on N.
  package func equals(_ other: Whole) -> Bool? {
    guard let difference = subtracting(other) else { return nil }
    if difference == Whole(constant: 0) { return true }
    if difference.perImage == 0 { return false }
    // c + k · N has one sign for all N from 1 on where c + k and k have the same.
    let (first, overflow) = difference.constant.addingReportingOverflow(difference.perImage)
    return !overflow && first.signum() == difference.perImage.signum() ? false : nil
  }
}
