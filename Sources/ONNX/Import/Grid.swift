/// A small array of any rank, row-major, for what is worked out while a network is read.
struct Grid<Element> {
  let shape: [Int]
  var elements: [Element]

  /// - Precondition: there are as many elements as the shape has places.
  init(_ elements: [Element], shape: [Int]) {
    precondition(elements.count == shape.reduce(1, *))
    self.elements = elements
    self.shape = shape
  }

  /// Along which dimensions elements lie, outermost first, and how far apart.
  var parts: [Part] { rows(shape) }

  /// The elements at the places that parts go through.
  func picked(from start: Int = 0, _ parts: [Part]) -> Grid {
    Grid(offsets(from: start, parts).map { elements[$0] }, shape: parts.map(\.extent))
  }

  func map<T, E: Error>(_ transform: (Element) throws(E) -> T) throws(E) -> Grid<T> {
    Grid<T>(try elements.map(transform), shape: shape)
  }

  func reshaped(_ shape: [Int]) -> Grid { Grid(elements, shape: shape) }

  func transposed(_ order: [Int]) -> Grid { picked(order.map { parts[$0] }) }

  /// The elements of a shape to which this one is broadcast, as NumPy does; nil where it cannot be.
  func broadcast(to shape: [Int]) -> Grid? {
    guard shape.count >= self.shape.count else { return nil }
    let missing = shape.count - self.shape.count
    var parts = shape[..<missing].map { Part(extent: $0, stride: 0) }
    for (part, extent) in zip(self.parts, shape[missing...]) {
      guard part.extent == extent || part.extent == 1 else { return nil }
      parts.append(Part(extent: extent, stride: part.extent == 1 ? 0 : part.stride))
    }
    return picked(parts)
  }

  /// Whether elements, broadcast to such extents, are the same but along one dimension.
  func varies(onlyAlong axis: Int, of extents: [Int]) -> Bool {
    let missing = extents.count - shape.count
    return shape.enumerated().allSatisfy { $0.offset + missing == axis || $0.element == 1 }
  }

  /// Along a dimension, the entries with these numbers.
  func entries(_ numbers: [Int], along axis: Int) -> Grid {
    var outer = parts
    let inner = Array(outer[(axis + 1)...])
    let part = outer[axis]
    outer.removeSubrange(axis...)
    var found: [Element] = []
    for base in offsets(from: 0, outer) {
      for number in numbers {
        found += offsets(from: base + number * part.stride, inner).map { elements[$0] }
      }
    }
    return Grid(
      found, shape: outer.map(\.extent) + [numbers.count] + inner.map(\.extent))
  }

  /// Grids one behind the other along a dimension; nil where other dimensions differ, or for more than `most` elements.
  static func concatenated(_ grids: [Grid], along axis: Int, most: Int) -> Grid? {
    guard grids.reduce(0, { $0 + $1.elements.count }) <= most, let first = grids.first,
      first.shape.indices.contains(axis)
    else { return nil }
    var shape = first.shape
    shape[axis] = 0
    for grid in grids {
      guard grid.shape.count == shape.count,
        shape.indices.allSatisfy({ $0 == axis || grid.shape[$0] == shape[$0] })
      else { return nil }
      shape[axis] += grid.shape[axis]
    }
    let outer = shape[..<axis].reduce(1, *)
    var elements: [Element] = []
    for row in 0..<outer {
      for grid in grids {
        let width = grid.shape[axis...].reduce(1, *)
        elements += grid.elements[row * width..<(row + 1) * width]
      }
    }
    return Grid(elements, shape: shape)
  }
}

/// A dimension of something that lies in memory: how many entries it has, and how far apart they are.
struct Part: Hashable {
  let extent: Int
  /// 0 where there is one entry, so that equal ways are equal values.
  let stride: Int

  init(extent: Int, stride: Int) {
    self.extent = extent
    self.stride = extent == 1 ? 0 : stride
  }
}

/// Dimensions that go row by row through memory.
func rows(_ extents: some Collection<Int>) -> [Part] {
  var stride = 1
  return extents.reversed().map { extent in
    defer { stride *= extent }
    return Part(extent: extent, stride: stride)
  }.reversed()
}

/// The places that parts go through, the last one fastest.
func offsets(from start: Int, _ parts: [Part]) -> [Int] {
  parts.reduce([start]) { starts, part in
    starts.flatMap { start in (0..<part.extent).map { start + $0 * part.stride } }
  }
}

/// The shape to which two are broadcast, as NumPy does; nil where they do not fit.
func broadcastShape(_ a: [Int], _ b: [Int]) -> [Int]? {
  let rank = max(a.count, b.count)
  let (a, b) = (
    [Int](repeating: 1, count: rank - a.count) + a, [Int](repeating: 1, count: rank - b.count) + b
  )
  var shape: [Int] = []
  for (x, y) in zip(a, b) {
    guard x == y || x == 1 || y == 1 else { return nil }
    shape.append(x == 1 ? y : x)
  }
  return shape
}
