import Classification
import NeuralNetwork

// Operators that move numbers, of images and of what is known while reading.
extension Importer {
  /// What a value has for each of its dimensions.
  func shape(of value: Value) throws -> [Whole] {
    switch value {
    case .view(let view):
      return (view.hasBatch ? [batch] : []) + view.extents.map { Whole(constant: $0) }
    case .floats(let tensor): return tensor.shape.map { Whole(constant: $0) }
    case .integers(let grid): return grid.shape.map { Whole(constant: $0) }
    case .inner: throw Unsupported("of an inner part of a function")
    }
  }

  /// Stored floats to be moved.
  static func grid(_ tensor: ONNXTensor) throws -> Grid<Float> {
    guard tensor.count <= 1 << 24, let values = tensor.floats() else {
      throw Unsupported("of too many stored numbers")
    }
    return Grid(values, shape: tensor.shape)
  }

  static func value(_ grid: Grid<Float>) -> Value {
    .floats(ONNXTensor(grid.elements, shape: grid.shape))
  }

  /// The same done to stored floats or whole numbers.
  private func moved(
    _ value: Value, floats: (Grid<Float>) throws -> Grid<Float>,
    integers: (Grid<Whole>) throws -> Grid<Whole>
  ) throws -> Value {
    switch value {
    case .floats(let tensor):
      let grid = try floats(Self.grid(tensor))
      return .floats(ONNXTensor(grid.elements, shape: grid.shape).named(after: tensor))
    case .integers(let grid): return .integers(try integers(grid))
    case .view, .inner: throw Unsupported()
    }
  }

  func cast(_ node: Operands) throws -> Value {
    let value = try node.value(0)
    switch (value, try castType(node)) {
    case (.view, .float), (.inner, .float): return value
    case (.view, _), (.inner, _): throw Unsupported("of the image to another type of numbers")
    case (.integers(let grid), .boolean): return .integers(try grid.map(Self.isTrue))
    case (.integers, let type) where type?.isInteger ?? true: return value
    case (.integers(let grid), .float), (.integers(let grid), .double):
      return .floats(
        ONNXTensor(
          try grid.elements.map {
            guard let number = $0.known else { throw Unsupported("of a number of images") }
            return Float(number)
          }, shape: grid.shape))
    case (.floats(let tensor), .boolean):
      return .integers(try Self.grid(tensor).map { Whole(constant: $0 == 0 ? 0 : 1) })
    case (.floats(let tensor), let type?) where type.isInteger:
      return .integers(
        try Self.grid(tensor).map {
          guard let number = Int(exactly: $0.rounded(.towardZero)) else {
            throw Unsupported("of \($0) to a whole number")
          }
          return Whole(constant: number)
        })
    case (.floats, .float), (.floats, .double): return value
    case (.floats(let tensor), let type) where tensor.type == type: return value
    case (.floats, _), (.integers, _):
      throw Unsupported("of stored numbers to a type that rounds them")
    }
  }

  /// What a cast makes; nil for whole numbers whose type is not known.
  private func castType(_ node: Operands) throws -> ONNXTensor.ElementType? {
    if node.node.operation == "CastLike" {
      return switch try node.value(1) {
      case .view, .inner: .float
      case .floats(let tensor): tensor.type
      case .integers: nil
      }
    }
    let number = try node.integer("to") ?? 0
    guard let type = ONNXTensor.ElementType(rawValue: number) else {
      throw Unsupported("to the type \(number)")
    }
    return type
  }

  /// 1, or 0 for 0.
  private static func isTrue(_ number: Whole) throws -> Whole {
    guard let isZero = number.equals(Whole(constant: 0)) else {
      throw Unsupported("of a number of images")
    }
    return Whole(constant: isZero ? 0 : 1)
  }

  mutating func reshape(_ node: Operands) throws -> Value {
    let value = try node.value(0)
    var target =
      try node.has(1)
      ? node.integers(1).elements
      : (node.integers("shape") ?? []).map { Whole(constant: $0) }
    let from = try shape(of: value)
    if try node.integer("allowzero") ?? 0 == 0 {
      for place in target.indices where target[place] == Whole(constant: 0) {
        guard from.indices.contains(place) else { throw Unsupported("to \(Self.text(target))") }
        target[place] = from[place]
      }
    }
    switch value {
    case .view(let view): return .view(try reshaped(view, to: target, node.name))
    default:
      let count = from.reduce(1) { $0 * ($1.known ?? 0) }
      let extents = try Self.extents(target, of: count)
      return try moved(
        value, floats: { $0.reshaped(extents) }, integers: { $0.reshaped(extents) })
    }
  }

  /// Images under another shape. One dimension may be −1, which is whatever fits.
  private mutating func reshaped(_ view: View, to target: [Whole], _ name: String) throws -> View {
    let isUnknown = target.map { $0 == Whole(constant: -1) }
    guard isUnknown.count(where: \.self) <= 1 else {
      throw Unsupported("to \(Self.text(target))")
    }
    // A 1 in front says, in a model for any number of images, that there has to be one.
    if let first = target.first,
      first == batch || first == Whole(constant: 1) || isUnknown[0],
      let extents = try? Self.extents(Array(target.dropFirst()), of: view.count)
    {
      var result = try reshaped(view, to: extents, name)
      result.hasBatch = true
      return result
    }
    guard batch == Whole(constant: 1) || !view.hasBatch else {
      throw Unsupported(
        "to \(Self.text(target)), in which images of \(view.count) numbers are not apart")
    }
    var result = try reshaped(view, to: Self.extents(target, of: view.count), name)
    result.hasBatch = false
    return result
  }

  /// Known extents of `count` numbers; one may be −1.
  private static func extents(_ target: [Whole], of count: Int) throws -> [Int] {
    var extents = target.map { $0.known ?? 0 }
    if let place = extents.firstIndex(of: -1) {
      extents[place] = 1
      let others = extents.reduce(1) { $0 > count ? $0 : $0 * max($1, 0) }
      guard others > 0, count.isMultiple(of: others) else {
        throw Unsupported("of \(count) numbers to \(text(target))")
      }
      extents[place] = count / others
    }
    guard extents.allSatisfy({ $0 > 0 }), extents.reduce(1, { $0 > count ? $0 : $0 * $1 }) == count
    else { throw Unsupported("of \(count) numbers to \(text(target))") }
    return extents
  }

  /// A shape as people write it, N for the number of images.
  private static func text(_ shape: [Whole]) -> String {
    let numbers = shape.map { number in
      switch (number.constant, number.perImage) {
      case (let constant, 0): "\(constant)"
      case (0, 1): "N"
      case (0, let factor): "\(factor)N"
      case (let constant, let factor): "\(constant) + \(factor)N"
      }
    }
    return "[\(numbers.joined(separator: ", "))]"
  }

  mutating func flatten(_ node: Operands) throws -> Value {
    let value = try node.value(0)
    guard case .view(let view) = value else { throw Unsupported("of stored numbers") }
    let axis = try node.integer("axis") ?? 1
    let place = axis == view.rank ? axis : try node.axis(axis, rank: view.rank)
    switch (view.hasBatch, place) {
    case (true, 1):
      return .view(try reshaped(view, to: [view.count], node.name))
    case (_, let place) where batch == Whole(constant: 1):
      let before = view.parts.prefix(place - view.firstOfImage).reduce(1) { $0 * $1.extent }
      return .view(
        try reshaped(
          view, to: [before, view.count / before].map { Whole(constant: $0) }, node.name))
    default: throw Unsupported("from dimension \(axis) on")
    }
  }

  func squeeze(_ node: Operands) throws -> Value {
    let value = try node.value(0)
    let isSqueeze = node.node.operation == "Squeeze"
    let shape = try shape(of: value)
    let said = try node.list("axes", orInput: 1)
    var axes: Set<Int>
    if isSqueeze {
      axes =
        try said.map { Set(try $0.map { try node.axis($0, rank: shape.count) }) }
        ?? Set(shape.indices.filter { shape[$0] == Whole(constant: 1) })
      guard axes.allSatisfy({ shape[$0] == Whole(constant: 1) }) else {
        throw Unsupported("of dimensions that are not 1")
      }
    } else {
      guard let said, said.count <= 16 else { throw Unsupported("without axes") }
      axes = Set(try said.map { try node.axis($0, rank: shape.count + said.count) })
    }
    switch value {
    case .view(var view):
      var parts: [Part?] = view.parts
      if view.hasBatch { parts.insert(nil, at: 0) }
      if isSqueeze {
        parts = parts.indices.filter { !axes.contains($0) }.map { parts[$0] }
      } else {
        for axis in axes.sorted() { parts.insert(Part(extent: 1, stride: 0), at: axis) }
      }
      // The images may only be in front.
      guard !parts.dropFirst().contains(nil) else {
        throw Unsupported("in front of the dimension of images")
      }
      view.hasBatch = parts.first == .some(nil)
      view.parts = parts.compactMap(\.self)
      return .view(view)
    default:
      var extents = shape.compactMap(\.known)
      if isSqueeze {
        extents = extents.indices.filter { !axes.contains($0) }.map { extents[$0] }
      } else {
        for axis in axes.sorted() { extents.insert(1, at: axis) }
      }
      return try moved(
        value, floats: { $0.reshaped(extents) }, integers: { $0.reshaped(extents) })
    }
  }

  func transpose(_ node: Operands) throws -> Value {
    let value = try node.value(0)
    let rank = try shape(of: value).count
    let order = try node.integers("perm") ?? Array((0..<rank).reversed())
    guard order.sorted() == Array(0..<rank) else { throw Unsupported("with perm = \(order)") }
    switch value {
    case .view(var view):
      guard view.hasBatch else {
        view.parts = order.map { view.parts[$0] }
        return .view(view)
      }
      guard order.first == 0 else {
        throw Unsupported("that moves the dimension of images (perm = \(order))")
      }
      view.parts = order.dropFirst().map { view.parts[$0 - 1] }
      return .view(view)
    default:
      return try moved(
        value, floats: { $0.transposed(order) }, integers: { $0.transposed(order) })
    }
  }

  func slice(_ node: Operands) throws -> Value {
    var value = try node.value(0)
    guard let starts = try node.list("starts", orInput: 1),
      let ends = try node.list("ends", orInput: 2), starts.count == ends.count
    else { throw Unsupported("without starts and ends") }
    let rank = try shape(of: value).count
    let axes = try (node.list("axes", orInput: 3) ?? Array(starts.indices)).map {
      try node.axis($0, rank: rank)
    }
    let steps = try node.has(4) ? node.list(4) : starts.map { _ in 1 }
    guard axes.count == starts.count, steps.count == starts.count, Set(axes).count == axes.count
    else { throw Unsupported("of \(axes.count) dimensions with \(starts.count) starts") }
    for (axis, (step, (start, end))) in zip(axes, zip(steps, zip(starts, ends))) {
      guard step != 0, step.magnitude <= 1 << 32 else {
        throw Unsupported("with a step of \(step)")
      }
      if case .view(let view) = value, view.hasBatch, axis == 0 {
        guard start == 0, step == 1, end >= 1 << 31 || batch.known.map({ end >= $0 }) == true else {
          throw Unsupported("of the images")
        }
        continue
      }
      let extent = try shape(of: value)[axis].known ?? 0
      // What lies outside is the end that it lies behind.
      func place(_ number: Int, from lowest: Int, to highest: Int) -> Int {
        max(lowest, min(highest, number < 0 ? max(number, -extent - 1) + extent : number))
      }
      let numbers: [Int]
      if step > 0 {
        let (first, last) = (
          place(start, from: 0, to: extent), place(end, from: 0, to: extent)
        )
        numbers = Array(stride(from: first, to: last, by: step))
      } else {
        let (first, last) = (
          place(start, from: -1, to: extent - 1), place(end, from: -1, to: extent - 1)
        )
        numbers = Array(stride(from: first, to: last, by: step))
      }
      guard !numbers.isEmpty else { throw Unsupported("that leaves nothing") }
      value = try taken(numbers, step: step, of: value, along: axis)
    }
    return value
  }

  /// Evenly spaced entries along a dimension that is not that of the images.
  private func taken(
    _ numbers: [Int], step: Int, of value: Value, along axis: Int
  ) throws -> Value {
    switch value {
    case .view(var view):
      let place = axis - view.firstOfImage
      let part = view.parts[place]
      view.offset += numbers[0] * part.stride
      view.parts[place] = Part(
        extent: numbers.count, stride: numbers.count > 1 ? part.stride * step : 0)
      return .view(view)
    default:
      return try moved(
        value, floats: { $0.entries(numbers, along: axis) },
        integers: { $0.entries(numbers, along: axis) })
    }
  }

  func split(_ node: Operands) throws -> [Value?] {
    let value = try node.value(0)
    let shape = try shape(of: value)
    let axis = try node.axis(node.integer("axis") ?? 0, rank: shape.count)
    guard let extent = shape[axis].known,
      !(axis == 0 && { if case .view(let view) = value { view.hasBatch } else { false } }())
    else { throw Unsupported("of the images") }
    let parts = node.node.outputs.count
    let each = (extent + parts - 1) / max(parts, 1)
    let sizes =
      try node.list("split", orInput: 1)
      ?? (0..<parts).map { min(each, extent - $0 * each) }
    guard sizes.count == parts, sizes.allSatisfy({ 0 < $0 && $0 <= extent }),
      sizes.reduce(0, +) == extent
    else { throw Unsupported("of \(extent) into \(sizes)") }
    var first = 0
    return try sizes.map { size in
      defer { first += size }
      return try taken(Array(first..<first + size), step: 1, of: value, along: axis)
    }
  }

  mutating func gather(_ node: Operands) throws -> Value {
    let value = try node.value(0)
    let shape = try shape(of: value)
    let indices = try node.integers(1)
    let axis = try node.axis(node.integer("axis") ?? 0, rank: shape.count)
    guard let extent = shape[axis].known else { throw Unsupported("of images by number") }
    let numbers = try node.list(1).map { number in
      guard -extent..<extent ~= number else {
        throw Unsupported("of entry \(number) of \(extent)")
      }
      return number < 0 ? number + extent : number
    }
    guard indices.shape.count <= 1, !numbers.isEmpty else {
      throw Unsupported("by a table of \(indices.shape.count) dimensions")
    }
    let isOne = indices.shape.isEmpty
    switch value {
    case .view(var view):
      let place = axis - view.firstOfImage
      guard place >= 0 else { throw Unsupported("of images by number") }
      guard !isOne else {
        view.offset += numbers[0] * view.parts[place].stride
        view.parts.remove(at: place)
        return .view(view)
      }
      // The dimension's entries as channels, whose order can be any.
      let others = view.parts.indices.filter { $0 != place }
      let extents = view.extents.replacing(place, with: numbers.count)
      try Self.check(extents)
      let value = graph.slice(
        node.name, channels: numbers,
        of: try placed(view, pixels: others, channels: [place], node.name))
      return .view(
        View(
          value: value, parts: Self.parts(pixels: others, channels: [place], extents),
          hasBatch: view.hasBatch))
    default:
      try Self.check(shape.compactMap(\.known).replacing(axis, with: numbers.count))
      func entries<Element>(_ grid: Grid<Element>) -> Grid<Element> {
        let found = grid.entries(numbers, along: axis)
        var shape = found.shape
        if isOne { shape.remove(at: axis) }
        return found.reshaped(shape)
      }
      return try moved(value, floats: entries, integers: entries)
    }
  }

  mutating func concatenation(_ node: Operands) throws -> Value {
    let values = try node.values.indices.map { try node.value($0) }
    guard let first = values.first, let said = try node.integer("axis") else {
      throw Unsupported("of nothing")
    }
    let axis = try node.axis(said, rank: shape(of: first).count)
    switch first {
    case .integers:
      let grids = try values.indices.map { try node.integers($0) }
      guard let grid = Grid.concatenated(grids, along: axis, most: 1 << 16) else {
        throw Unsupported("of shapes that do not fit")
      }
      return .integers(grid)
    case .floats where values.allSatisfy({ if case .floats = $0 { true } else { false } }):
      let grids = try values.indices.map { try Self.grid(node.floats($0)) }
      guard let grid = Grid.concatenated(grids, along: axis, most: 1 << 24) else {
        throw Unsupported("of shapes that do not fit")
      }
      return Self.value(grid)
    default:
      let views = try values.indices.map { try view(node, $0) }
      let place = axis - views[0].firstOfImage
      guard place >= 0 else { throw Unsupported("of images behind one another") }
      let others = views[0].parts.indices.filter { $0 != place }
      for view in views {
        guard view.hasBatch == views[0].hasBatch, view.parts.count == views[0].parts.count,
          others.allSatisfy({ view.extents[$0] == views[0].extents[$0] })
        else { throw Unsupported("of shapes that do not fit") }
      }
      let placed = try views.map {
        try self.placed($0, pixels: others, channels: [place], node.name)
      }
      let total = views.reduce(0) { $0 + $1.extents[place] }
      try Self.check(others.map { views[0].extents[$0] } + [total])
      return .view(
        View(
          value: graph.concatenation(node.name, of: placed),
          parts: Self.parts(
            pixels: others, channels: [place], views[0].extents.replacing(place, with: total)),
          hasBatch: views[0].hasBatch))
    }
  }

  mutating func padding(_ node: Operands) throws -> View {
    let view = try view(node, 0)
    let mode = try node.text("mode") ?? "constant"
    let filling = try node.float("value", orInput: 2) ?? 0
    guard filling.isFinite else { throw Unsupported("with \(filling)") }
    guard let pads = try node.list("pads", orInput: 1) ?? node.integers("paddings") else {
      throw Unsupported("without pads")
    }
    let axes =
      try node.has(3)
      ? node.list(3).map { try node.axis($0, rank: view.rank) } : Array(0..<view.rank)
    guard pads.count == 2 * axes.count, Set(axes).count == axes.count,
      pads.allSatisfy({ -4096...4096 ~= $0 })
    else { throw Unsupported("of \(axes.count) dimensions with \(pads.count) numbers") }
    // Before and behind, by dimension of one image.
    var sides = [(Int, Int)](repeating: (0, 0), count: view.parts.count)
    for (number, axis) in axes.enumerated() {
      let (before, behind) = (pads[number], pads[number + axes.count])
      let place = axis - view.firstOfImage
      if place >= 0 {
        sides[place] = (before, behind)
      } else if (before, behind) != (0, 0) {
        throw Unsupported("of the images")
      }
    }
    guard !sides.isEmpty, sides.dropFirst(3).allSatisfy({ $0 == (0, 0) }), sides.count <= 3 else {
      throw Unsupported("of \(view.rank) dimensions")
    }
    let pixels = Array(1..<sides.count)
    let extents = zip(view.extents, sides).map { $0 + $1.0 + $1.1 }
    try Self.check(extents)
    let input = try placed(view, pixels: pixels, channels: [0], node.name)
    let parts = Self.parts(pixels: pixels, channels: [0], extents)
    // Where the numbers of the result come from, by dimension; nil for what is new.
    let sources = try zip(view.extents, sides).map { extent, sides in
      let first = min(max(0, -sides.0), extent)
      let kept = first..<max(first, min(extent, extent + sides.1))
      return try (-sides.0..<extent + sides.1).map { try Self.source($0, of: kept, mode) }
    }
    if sources.joined().allSatisfy({ $0 != nil }) {
      let known = sources.map { $0.compactMap(\.self) }
      return View(
        value: graph.slice(
          node.name, rows: known.count > 1 ? known[1] : nil,
          columns: known.count > 2 ? known[2] : nil, channels: known[0], of: input),
        parts: parts, hasBatch: view.hasBatch)
    }
    let value = graph.padded(
      node.name, rows: sides.count > 1 ? sides[1] : (0, 0),
      columns: sides.count > 2 ? sides[2] : (0, 0), channels: sides[0], of: input)
    let result = View(value: value, parts: parts, hasBatch: view.hasBatch)
    guard filling != 0 else { return result }
    // Zeros so far, to which the number is added.
    var added = Grid([Double](repeating: 0, count: extents.reduce(1, *)), shape: extents)
    for (axis, sources) in sources.enumerated() {
      let isNew = Grid(
        sources.map { $0 == nil },
        shape: extents.indices.map { $0 == axis ? extents[axis] : 1 })
      for (place, isNew) in (isNew.broadcast(to: extents)?.elements ?? []).enumerated() where isNew
      {
        added.elements[place] = Double(filling)
      }
    }
    return try affine(result, scale: Grid([1], shape: []), shift: added, node.name)
  }

  /// Which number of a dimension stands at a place before, in or behind it; nil for none of them.
  ///
  /// - Parameter kept: what a negative number of new places leaves, which alone is mirrored and repeated.
  private static func source(_ place: Int, of kept: Range<Int>, _ mode: String) throws -> Int? {
    if mode == "constant" { return kept ~= place ? place : nil }
    guard let last = kept.last else { throw Unsupported("that leaves nothing to repeat") }
    switch mode {
    case "edge": return min(max(place, kept.lowerBound), last)
    case "wrap":
      let turned = (place - kept.lowerBound) % kept.count
      return kept.lowerBound + (turned < 0 ? turned + kept.count : turned)
    case "reflect":
      let mirrored =
        place < kept.lowerBound ? 2 * kept.lowerBound - place : min(place, 2 * last - place)
      guard kept ~= mirrored else {
        throw Unsupported("that mirrors more than the \(kept.count) numbers of a dimension")
      }
      return mirrored
    default: throw Unsupported("with mode = \(mode)")
    }
  }

  /// The same number everywhere: 0 of 32-bit floating point where the model says none.
  func constantOfShape(_ node: Operands) throws -> Value {
    let shape = try node.list(0)
    guard shape.allSatisfy({ 0...1 << 16 ~= $0 }),
      shape.reduce(1, { $0 > 1 << 16 ? $0 : $0 * max(1, $1) }) <= 1 << 16
    else { throw Unsupported("of the shape \(shape)") }
    let count = shape.reduce(1, *)
    guard let value = node.node.attributes["value"] else {
      return .floats(ONNXTensor([Float](repeating: 0, count: count), shape: shape))
    }
    guard case .tensor(let tensor) = value else { throw Unsupported("of no number") }
    if let number = tensor.integers()?.first {
      return .integers(
        Grid([Whole](repeating: Whole(constant: number), count: count), shape: shape))
    }
    guard let number = tensor.floats()?.first else { throw Unsupported("of no number") }
    return .floats(ONNXTensor([Float](repeating: number, count: count), shape: shape))
  }

  mutating func expand(_ node: Operands) throws -> Value {
    var value = try node.value(0)
    let target = try node.integers(1).elements
    if case .inner(.length(let view, _, _)) = value {
      // To the shape of what it divides, as arithmetic does by itself.
      let shape = try shape(of: .view(view))
      guard shape.count == target.count,
        zip(shape, target).allSatisfy({ $0 == $1 || $1 == Whole(constant: 1) })
      else { throw Unsupported("of a length to \(Self.text(target))") }
      return value
    }
    if case .inner(let inner) = value { value = .view(try computed(inner, node)) }
    let from = try shape(of: value)
    if case .view(let view) = value {
      // Leading dimensions that are left out are as they were.
      let missing = from.count - target.count
      let other = Unsupported("of \(Self.text(from)) to \(Self.text(target))")
      guard missing >= 0 else { throw other }
      var extents: [Int] = []
      for (place, (old, new)) in zip(from, from.prefix(missing) + target).enumerated() {
        let isSame = old == new || new == Whole(constant: 1)
        guard place > 0 || !view.hasBatch else {
          guard isSame else { throw other }
          continue
        }
        guard let extent = isSame ? old.known : new.known, isSame || old.known == 1 else {
          throw other
        }
        extents.append(extent)
      }
      return .view(try view.repeated(to: extents))
    }
    guard
      let shape = broadcastShape(
        from.compactMap(\.known),
        try target.map {
          guard let extent = $0.known, 0...1 << 16 ~= extent else {
            throw Unsupported("of stored numbers to \(Self.text(target))")
          }
          return extent
        }), shape.reduce(1, { $0 > 1 << 20 ? $0 : $0 * max(1, $1) }) <= 1 << 20
    else { throw Unsupported("of stored numbers to \(Self.text(target))") }
    func broadcast<Element>(_ grid: Grid<Element>) throws -> Grid<Element> {
      guard let result = grid.broadcast(to: shape) else {
        throw Unsupported("of stored numbers to \(Self.text(target))")
      }
      return result
    }
    return try moved(value, floats: broadcast, integers: broadcast)
  }

  // MARK: Shapes

  func constant(_ node: Operands) throws -> Value {
    let attributes = node.node.attributes
    if case .tensor(let tensor) = attributes["value"] { return Self.stored(tensor) }
    if case .float(let number) = attributes["value_float"] {
      return .floats(ONNXTensor([number], shape: []))
    }
    if case .floats(let numbers) = attributes["value_floats"] {
      return .floats(ONNXTensor(numbers, shape: [numbers.count]))
    }
    if case .integer(let number) = attributes["value_int"] {
      return .integers(Grid([Whole(constant: number)], shape: []))
    }
    if case .integers(let numbers) = attributes["value_ints"] {
      return .integers(Grid(numbers.map { Whole(constant: $0) }, shape: [numbers.count]))
    }
    throw Unsupported("of no numbers")
  }

  func shape(_ node: Operands) throws -> Value {
    let shape = try shape(of: node.value(0))
    func place(_ name: String, usually value: Int) throws -> Int {
      let number = try node.integer(name) ?? value
      return max(0, min(shape.count, number < 0 ? max(number, -shape.count) + shape.count : number))
    }
    let (start, end) = (
      try place("start", usually: 0), try place("end", usually: shape.count)
    )
    let part = Array(shape[start..<max(start, end)])
    return .integers(Grid(part, shape: [part.count]))
  }

  /// Operators on whole numbers alone.
  func wholeNumbers(_ node: Operands) throws -> Grid<Whole> {
    func known(_ number: Whole?) throws -> Whole {
      guard let number else {
        throw Unsupported("of numbers that depend on how many images there are")
      }
      return number
    }
    func broadcast(_ grids: [Grid<Whole>]) throws -> (elements: [[Whole]], shape: [Int]) {
      var shape: [Int] = []
      for grid in grids {
        guard let wider = broadcastShape(shape, grid.shape),
          wider.reduce(1, { $0 > 1 << 16 ? $0 : $0 * max(1, $1) }) <= 1 << 16
        else { throw Unsupported("of shapes that do not fit") }
        shape = wider
      }
      return (
        try grids.map {
          guard let grid = $0.broadcast(to: shape) else {
            throw Unsupported("of shapes that do not fit")
          }
          return grid.elements
        }, shape
      )
    }
    func both(_ function: (Whole, Whole) -> Whole?) throws -> Grid<Whole> {
      let (elements, shape) = try broadcast([node.integers(0), node.integers(1)])
      return Grid(
        try zip(elements[0], elements[1]).map { try known(function($0, $1)) }, shape: shape)
    }
    func eachKnown(_ function: (Int, Int) -> Int?) throws -> Grid<Whole> {
      try both { a, b in
        guard let a = a.known, let b = b.known else { return nil }
        return function(a, b).map { Whole(constant: $0) }
      }
    }
    switch node.node.operation {
    case "Add": return try both { $0.adding($1) }
    case "Sub": return try both { $0.subtracting($1) }
    case "Mul": return try both { $0.times($1) }
    case "Div": return try both { $0.divided(by: $1) }
    case "Min": return try eachKnown(min)
    case "Max": return try eachKnown(max)
    case "Mod":
      return try eachKnown { a, b in
        guard b > 0 else { return nil }
        let rest = a % b
        return rest < 0 ? rest + b : rest
      }
    case "Equal": return try both { a, b in a.equals(b).map { Whole(constant: $0 ? 1 : 0) } }
    case "Where":
      let (elements, shape) = try broadcast((0..<3).map { try node.integers($0) })
      return Grid(
        try elements[0].indices.map { place in
          guard let condition = elements[0][place].known else { return try known(nil) }
          return elements[condition == 0 ? 2 : 1][place]
        }, shape: shape)
    case "Neg":
      return try node.integers(0).map { try known($0.times(Whole(constant: -1))) }
    case "Size":
      return Grid(
        [
          try shape(of: node.value(0)).reduce(Whole(constant: 1)) { try known($0.times($1)) }
        ], shape: [])
    case "ReduceProd":
      let grid = try node.integers(0)
      guard grid.shape.count == 1 else { throw Unsupported("of several dimensions") }
      let product = try grid.elements.reduce(Whole(constant: 1)) { try known($0.times($1)) }
      return Grid([product], shape: try node.integer("keepdims") ?? 1 == 0 ? [] : [1])
    case "Range":
      let numbers = try (0..<3).map { place -> Int in
        let list = try node.list(place)
        guard list.count == 1, list[0].magnitude < 1 << 40 else {
          throw Unsupported("of \(list.count) numbers")
        }
        return list[0]
      }
      guard numbers[2] != 0, (numbers[1] - numbers[0]) / numbers[2] <= 1 << 16 else {
        throw Unsupported("from \(numbers[0]) to \(numbers[1]) by \(numbers[2])")
      }
      let range = stride(from: numbers[0], to: numbers[1], by: numbers[2]).map {
        Whole(constant: $0)
      }
      return Grid(range, shape: [range.count])
    default: throw Unsupported()
    }
  }
}
