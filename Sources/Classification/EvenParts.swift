/// The numbers from 0 up to a limit, cut for threads that share them: every thread gets as many parts, whose sizes differ by 1
/// at most, so that none waits long for the last.
package struct EvenParts: Sendable {
  /// The limit.
  private let numbers: Int
  /// Parts, none of them empty.
  package let count: Int

  /// As few parts as give every thread the same number of them; fewer only where there are fewer numbers.
  ///
  /// - Parameter size: the most numbers of a part, at least 1.
  package init(of numbers: Int, among threads: Int, atMost size: Int) {
    self.numbers = numbers
    let largest = max(1, min(size, numbers))
    let parts = (numbers + largest - 1) / largest
    count = min(numbers, (parts + threads - 1) / threads * threads)
  }

  /// The numbers of the largest part; 0 if there is none.
  package var largest: Int { count == 0 ? 0 : (numbers + count - 1) / count }

  package subscript(part: Int) -> Range<Int> {
    numbers * part / count..<numbers * (part + 1) / count
  }
}
