/// An interval for the difference d of two quantities of which each has its own, by the squares of the distances to
/// their ends: its lower end is d − √(a² + b²), where a is the distance from the first to its lower end and b that from
/// the second to its upper end; its upper end likewise.
///
/// For quantities that were measured independently. Of two accuracies on the same images, which mostly are right and
/// wrong together, it is wider than it had to be: `PairedOutcomes.differenceInterval` knows by how much. Source:
/// Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17,
/// 1998, method 10; Zou and Donner, "Construction of confidence limits about effect measures", Statistics in Medicine
/// 27, 2008, for intervals of any kind.
///
/// - Precondition: each interval contains its value.
public func differenceInterval(
  _ first: Double, _ firstInterval: Interval, _ second: Double, _ secondInterval: Interval
) -> Interval {
  func reach(_ a: Double, _ b: Double) -> Double { (a * a + b * b).squareRoot() }
  let difference = first - second
  return Interval(
    lower: difference - reach(first - firstInterval.lower, secondInterval.upper - second),
    upper: difference + reach(firstInterval.upper - first, second - secondInterval.lower))
}
