/// A value of the model as a way to go through a value of the graph: reshaping, transposing and slicing change the
/// way and nothing in memory.
struct View: Hashable {
  /// The number of the graph's value, of whose floats of one image this is some or all.
  var value: Int
  /// Where it begins.
  var offset = 0
  /// The dimensions of one image, outermost first.
  var parts: [Part]
  /// Whether a dimension for the images stands in front of them.
  var hasBatch: Bool

  /// Which dimension is the first of one image.
  var firstOfImage: Int { hasBatch ? 1 : 0 }
  var rank: Int { firstOfImage + parts.count }
  /// Extents of one image.
  var extents: [Int] { parts.map(\.extent) }
  /// Floats of one image.
  var count: Int { parts.reduce(1) { $0 * $1.extent } }

  /// Whether it goes once through every one of `count` floats, in whatever order.
  func goesThroughAll(_ count: Int) -> Bool {
    guard offset == 0, self.count == count else { return false }
    var stride = 1
    for part in parts.filter({ $0.extent > 1 }).sorted(by: { $0.stride < $1.stride }) {
      guard part.stride == stride else { return false }
      stride *= part.extent
    }
    return true
  }

  /// Dimensions that are 1 wide are gone through again and again, as often as these extents say.
  ///
  /// - Throws: `Unsupported` where that makes too many numbers.
  func repeated(to extents: [Int]) throws -> View {
    try Importer.check(extents)
    var result = self
    for (place, extent) in extents.enumerated() where parts[place].extent == 1 {
      result.parts[place] = Part(extent: extent, stride: 0)
    }
    return result
  }

  /// The dimensions under other extents, of as many floats; nil where memory would have to change.
  func parts(reshapedTo extents: [Int]) -> [Part]? {
    let old = parts.filter { $0.extent > 1 }
    var new: [Part] = []
    var (from, to) = (0, 0)
    while to < extents.count {
      guard extents[to] > 1 else {
        new.append(Part(extent: 1, stride: 0))
        to += 1
        continue
      }
      // The shortest runs of old and new dimensions that have as many floats.
      var (fromEnd, toEnd) = (from + 1, to + 1)
      guard from < old.count else { return nil }
      var (have, need) = (old[from].extent, extents[to])
      while have != need {
        if have < need {
          guard fromEnd < old.count else { return nil }
          have *= old[fromEnd].extent
          fromEnd += 1
        } else {
          guard toEnd < extents.count else { return nil }
          need *= extents[toEnd]
          toEnd += 1
        }
      }
      for place in from..<fromEnd - 1
      where old[place].stride != old[place + 1].stride * old[place + 1].extent {
        return nil
      }
      var stride = old[fromEnd - 1].stride
      new += extents[to..<toEnd].reversed().map { extent in
        defer { stride *= extent }
        return Part(extent: extent, stride: stride)
      }.reversed()
      (from, to) = (fromEnd, toEnd)
    }
    return from == old.count ? new : nil
  }
}
