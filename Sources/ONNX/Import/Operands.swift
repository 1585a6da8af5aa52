/// What stands for a name of the model while it is read.
enum Value {
  /// Of the network's images.
  case view(View)
  /// Stored or worked-out floats, which the images have no part in.
  case floats(ONNXTensor)
  /// Whole numbers or truth values, such as shapes.
  case integers(Grid<Whole>)
  /// An inner part of something that several operators compute together.
  case inner(Inner)
}

/// What an operator would do to the images that cannot be computed, in words that follow its name.
struct Unsupported: Error {
  var reason: String

  init(_ reason: String = "") { self.reason = reason }
}

/// An operator with what is known of its inputs.
struct Operands {
  let node: ONNXModel.Node
  /// The version of the set of operators.
  let operatorSet: Int
  /// Nil for an optional one that is left out.
  var values: [Value?]

  /// What to call the node.
  var name: String {
    let name = node.name.isEmpty ? node.outputs.first ?? "" : node.name
    return name.count > 80 ? "…\(name.suffix(79))" : name
  }

  func has(_ place: Int) -> Bool { values.indices.contains(place) && values[place] != nil }

  func value(_ place: Int) throws -> Value {
    guard values.indices.contains(place), let value = values[place] else {
      throw Unsupported("without its input \(place)")
    }
    return value
  }

  /// Stored floats.
  func floats(_ place: Int) throws -> ONNXTensor {
    switch try value(place) {
    case .floats(let tensor): return tensor
    case .view, .inner: throw Unsupported("whose weights depend on the image")
    case .integers: throw Unsupported("of whole numbers")
    }
  }

  /// Stored floats of one dimension.
  func vector(_ place: Int, count: Int) throws -> [Float] {
    let tensor = try floats(place)
    guard tensor.count == count, let values = tensor.floats() else {
      throw Unsupported("with \(tensor.count) numbers for \(count) channels")
    }
    return values
  }

  func integers(_ place: Int) throws -> Grid<Whole> {
    guard case .integers(let grid) = try value(place) else {
      throw Unsupported("whose shape or place depends on the image")
    }
    return grid
  }

  /// Whole numbers that do not depend on the number of images.
  func list(_ place: Int) throws -> [Int] {
    try integers(place).elements.map {
      guard let number = $0.known else {
        throw Unsupported("with a number that depends on how many images there are")
      }
      return number
    }
  }

  // MARK: Attributes

  func integer(_ name: String) throws -> Int? {
    switch node.attributes[name] {
    case nil: return nil
    case .integer(let value): return value
    default: throw Unsupported("whose \(name) is no whole number")
    }
  }

  func float(_ name: String) throws -> Float? {
    switch node.attributes[name] {
    case nil: return nil
    case .float(let value): return value
    default: throw Unsupported("whose \(name) is no number")
    }
  }

  func text(_ name: String) throws -> String? {
    switch node.attributes[name] {
    case nil: return nil
    case .text(let value): return value
    default: throw Unsupported("whose \(name) is no text")
    }
  }

  func integers(_ name: String) throws -> [Int]? {
    switch node.attributes[name] {
    case nil: return nil
    case .integers(let values): return values
    default: throw Unsupported("whose \(name) are no whole numbers")
    }
  }

  /// A list that older sets of operators have as an attribute and newer ones as an input; nil if it is left out.
  func list(_ name: String, orInput place: Int) throws -> [Int]? {
    if let values = try integers(name) { return values }
    return has(place) ? try list(place) : nil
  }

  /// A number that older sets of operators have as an attribute and newer ones as an input; nil if it is left out.
  func float(_ name: String, orInput place: Int) throws -> Float? {
    if let value = try float(name) { return value }
    return has(place) ? try vector(place, count: 1)[0] : nil
  }

  /// The place of a dimension, of which −1 is the last.
  func axis(_ axis: Int, rank: Int) throws -> Int {
    guard -rank..<rank ~= axis else { throw Unsupported("along dimension \(axis) of \(rank)") }
    return axis < 0 ? axis + rank : axis
  }

  /// The place of a dimension among those of one image, of which −1 is the last.
  func axis(_ axis: Int, ofImagesIn view: View) throws -> Int {
    let place = try self.axis(axis, rank: view.rank) - view.firstOfImage
    guard place >= 0 else { throw Unsupported("over the images") }
    return place
  }
}
