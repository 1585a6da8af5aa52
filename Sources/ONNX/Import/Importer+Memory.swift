import Classification
import NeuralNetwork

// Where values lie: the graph's are [H, W, C] for one image, in this order of memory.
extension Importer {
  typealias Extents = NetworkGraph.Extents

  /// The number of floats of a value of the graph, for one image.
  func count(_ value: Int) -> Int { graph.values[value].count }

  /// A whole value of the graph as [N, C, H, W].
  func images(_ value: Int) -> View {
    let extents = graph.values[value]
    return View(
      value: value,
      parts: [
        Part(extent: extents.channels, stride: 1),
        Part(extent: extents.height, stride: extents.width * extents.channels),
        Part(extent: extents.width, stride: extents.channels),
      ], hasBatch: true)
  }

  /// A value of the graph that has the floats of a view, its channels those of some of its dimensions and its pixels
  /// those of the others.
  mutating func placed(
    _ view: View, pixels: [Int], channels: [Int], _ name: String
  ) throws -> Int {
    let ordered = (pixels + channels).map { view.parts[$0] }
    let rowsAndColumns = pixels.map { view.parts[$0].extent }
    let width = rowsAndColumns.dropFirst().reduce(1, *)
    let extents = Extents(
      height: rowsAndColumns.first ?? 1, width: width,
      channels: channels.reduce(1) { $0 * view.parts[$1].extent })
    if view.offset == 0, view.count == count(view.value), ordered == rows(ordered.map(\.extent)) {
      return try under(extents, view.value, name)
    }
    return graph.gathered(
      name, offsets(from: view.offset, ordered), of: view.value, as: extents)
  }

  /// A value with the same floats in the same order under other extents.
  mutating func under(_ extents: Extents, _ value: Int, _ name: String) throws -> Int {
    guard graph.values[value] != extents else { return value }
    return graph.gathered(name, Array(0..<count(value)), of: value, as: extents)
  }

  /// A view of [N, C, H, W] as a value of the graph.
  mutating func imagePlaced(_ view: View, _ name: String) throws -> Int {
    guard view.hasBatch, view.parts.count == 3 else {
      throw Unsupported("of \(view.rank) dimensions, not [N, C, H, W]")
    }
    return try placed(view, pixels: [1, 2], channels: [0], name)
  }

  /// A view that goes through all of a value of the graph: itself, or a copy.
  mutating func whole(_ view: View, _ name: String) throws -> View {
    view.goesThroughAll(count(view.value)) ? view : try byChannels(view, name)
  }

  /// A view of a whole value whose channels are the model's second dimension, the first one of an image.
  mutating func byChannels(_ view: View, _ name: String) throws -> View {
    let (pixels, channels) = (
      Array(view.parts.indices.dropFirst()), Array(view.parts.indices.prefix(1))
    )
    return View(
      value: try placed(view, pixels: pixels, channels: channels, name),
      parts: Self.parts(pixels: pixels, channels: channels, view.extents), hasBatch: view.hasBatch)
  }

  /// The same floats, in the order in which the model has them, under other extents.
  mutating func reshaped(_ view: View, to extents: [Int], _ name: String) throws -> View {
    guard extents.allSatisfy({ $0 > 0 }),
      extents.reduce(1, { $0 > view.count ? $0 : $0 * $1 }) == view.count
    else { throw Unsupported("of \(view.extents) to \(extents)") }
    var result = view
    if let origin = origin(of: view), origin.extents == extents {
      result.value = origin.value
      (result.offset, result.parts) = (origin.offset, origin.parts)
    } else if let parts = view.parts(reshapedTo: extents) {
      result.parts = parts
    } else {
      let value = try placed(view, pixels: [], channels: Array(view.parts.indices), name)
      copies[value] = view
      result = View(value: value, parts: rows(extents), hasBatch: view.hasBatch)
    }
    return result
  }

  /// What a view has all numbers of, in their order, under other extents; nil if it was not reshaped, or is a part.
  func origin(of view: View) -> View? {
    guard let origin = copies[view.value], origin.count == view.count, view.offset == 0,
      view.parts == rows(view.extents)
    else { return nil }
    return origin
  }

  /// Numbers with a dimension for each of a view's, as they lie in memory; nil where they would change its shape.
  func inMemoryOrder(_ numbers: Grid<Double>, for view: View) -> [Double]? {
    var shape = numbers.shape
    // Leading ones change nothing.
    while shape.count > view.parts.count, shape.first == 1 { shape.removeFirst() }
    guard numbers.shape.count <= view.rank || numbers.elements.count == 1,
      let grid = numbers.reshaped(shape).broadcast(to: view.extents)
    else { return nil }
    var ordered = [Double](repeating: 0, count: view.count)
    for (number, offset) in zip(grid.elements, offsets(from: view.offset, view.parts)) {
      ordered[offset] = number
    }
    return ordered
  }
}
