import Classification
import KernelTables
import NeuralNetwork

/// Makes the graph of a network from an ONNX model.
///
/// The model's values are [N, C, H, W] and the graph's [N, H, W, C]: a `View` says where the floats of one lie in the
/// other. Whole numbers, of which models work out their shapes, are computed while reading, with the number of
/// images as an unknown.
struct Importer {
  let model: ONNXModel
  /// The version of the set of operators.
  let operatorSet: Int
  /// The number of images as the model says it: N, or a number if it is fixed.
  let batch: Whole
  var graph: NetworkGraph
  /// By name, of what the file stores and the nodes so far have made.
  var values: [String: Value] = [:]
  /// Of values of the graph that are affine maps of others: which, of the value that the model names, and of the
  /// first that is no affine map itself.
  var affine: [Int: (step: AffineMap, whole: AffineMap)] = [:]
  /// Of values of the graph that are functions of others, number by number: which, and of what.
  var applied: [Int: AppliedFunction] = [:]
  /// Of values of the graph that are the numbers of a view in the order of its dimensions: of which.
  var copies: [Int: View] = [:]
  /// Weights that were used.
  var parameters: [String: Int] = [:]
  /// Entries of the tables of all convolutions so far: one for every pixel and tap.
  var taps = 0
  /// Numbers of all values so far, of the graph and worked out.
  private var floats = 0
  private var problems: [(what: String, nodes: [String])] = []

  /// An affine map of another value of the graph, with a factor and a summand for every channel.
  struct AffineMap {
    var source: Int
    var scale: [Double]
    var shift: [Double]

    /// The factor of a map that is nothing else, the same for all channels.
    var factor: Double? {
      shift.allSatisfy { $0 == 0 } && scale.allSatisfy { $0 == scale[0] } ? scale.first : nil
    }
  }

  struct AppliedFunction: Equatable {
    var function: Activation
    /// The value of the graph that it is applied to.
    var source: Int
  }

  /// The most floats of one value, and of all: what networks for small images need many times over.
  private static let mostFloats = (value: 1 << 22, all: 1 << 27)
  /// The operator sets of which every operator here is known: from the one that brought today's broadcasting to the
  /// last one that this code was held against.
  private static let operatorSets = 7...28

  /// - Parameter images: the shape of one image, where the model does not say it.
  /// - Throws: `ONNXError`.
  init(_ model: ONNXModel, images: ImageShape?) throws(ONNXError) {
    self.model = model
    guard let operatorSet = model.operatorSets[""] else {
      throw .damaged("it does not say which set of operators it uses")
    }
    guard Self.operatorSets ~= operatorSet else {
      throw .network(
        "the model uses operator set \(operatorSet) of ONNX, and those from \(Self.operatorSets.lowerBound) to "
          + "\(Self.operatorSets.upperBound) can be read; export it with opset_version=18")
    }
    self.operatorSet = operatorSet
    var stored = Set<String>()
    for tensor in model.initializers {
      guard stored.insert(tensor.name).inserted else {
        throw .damaged("it has two weights \(tensor.name)")
      }
    }
    let inputs = model.inputs.filter { !stored.contains($0.name) }
    guard inputs.count == 1, let input = inputs.first else {
      throw .network(
        "the model takes \(inputs.count) inputs (\(inputs.map(\.name).joined(separator: ", "))) and not one: "
          + "the images; export the classifier alone")
    }
    guard input.type == 1 else {
      throw .network("the model's images are no 32-bit floating-point numbers; export it with such")
    }
    guard model.outputs.count == 1 else {
      throw .network(
        "the model has \(model.outputs.count) results (\(model.outputs.joined(separator: ", "))) and not one: the "
          + "logits; export it with these alone")
    }
    let given = try GivenImages(input, images: images)
    batch = given.batch
    graph = NetworkGraph(imageShape: given.shape)
    values[input.name] = .view(try self.view(of: given))
    for tensor in model.initializers { values[tensor.name] = Self.stored(tensor) }
    try run()
  }

  /// The images as the model takes them.
  private mutating func view(of given: GivenImages) throws(ONNXError) -> View {
    let (c, h, w) = (given.shape.channels, given.shape.height, given.shape.width)
    let channel = Part(extent: c, stride: 1)
    let (row, column) = (Part(extent: h, stride: w * c), Part(extent: w, stride: c))
    let view = View(
      value: 0, parts: given.channelsLast ? [row, column, channel] : [channel, row, column],
      hasBatch: given.hasBatch)
    do { return try reshaped(view, to: given.extents, "images") } catch {
      throw .network(
        "the model's images have \(given.extents) numbers, not those of \(given.shape)")
    }
  }

  /// A stored tensor; small ones of whole numbers are known by their values.
  static func stored(_ tensor: ONNXTensor) -> Value {
    guard tensor.type.isInteger, tensor.count <= 1 << 16, let numbers = tensor.integers() else {
      return .floats(tensor)
    }
    return .integers(Grid(numbers.map { Whole(constant: $0) }, shape: tensor.shape))
  }

  // MARK: Nodes

  private mutating func run() throws(ONNXError) {
    let result = model.outputs[0]
    var made = Set(values.keys)
    for node in model.nodes {
      for output in node.outputs where !output.isEmpty {
        guard made.insert(output).inserted else { throw .damaged("two nodes make \(output)") }
      }
    }
    // Only what the logits need.
    var needed: Set = [result]
    var nodes: [ONNXModel.Node] = []
    for node in model.nodes.reversed() where node.outputs.contains(where: needed.contains) {
      nodes.append(node)
      needed.formUnion(node.inputs)
    }
    for node in nodes.reversed() {
      var operands: [Value?] = []
      var isKnown = true
      for input in node.inputs {
        if let value = values[input] {
          operands.append(value)
        } else if input.isEmpty {
          operands.append(nil)
        } else if made.contains(input) {
          // Of something that could not be computed, or that comes later.
          isKnown = false
        } else {
          throw .damaged("nothing makes \(input), which a node reads")
        }
      }
      guard isKnown else { continue }
      let operation = Operands(node: node, operatorSet: operatorSet, values: operands)
      let before = graph.values.count
      do {
        let results = try results(of: operation)
        for (name, value) in zip(node.outputs, results) where !name.isEmpty {
          guard let value else { continue }
          values[name] = value
          // What is worked out is kept, however often a model says so.
          switch value {
          case .floats(let tensor) where node.operation != "Constant": try keep(tensor.count)
          case .integers(let grid): try keep(grid.elements.count)
          default: break
          }
        }
        for (place, name) in node.outputs.enumerated()
        where needed.contains(name) && values[name] == nil {
          throw Unsupported("whose result \(place + 1) is used")
        }
        for extents in graph.values[before...] {
          try Self.check([extents.height, extents.width, extents.channels])
          try keep(extents.count)
        }
      } catch {
        let domain = node.domain.isEmpty ? "" : "\(node.domain)."
        let reason = (error as? Unsupported)?.reason ?? "\(error)"
        add(
          problem: "\(domain)\(node.operation)\(reason.isEmpty ? "" : " \(reason)")", operation.name
        )
      }
    }
    guard problems.isEmpty else { throw .unsupported(problems.map(Self.text)) }
    guard let logits = values[result] else {
      throw .damaged("its nodes are in no order in which they can be computed")
    }
    guard case .view(let view) = logits else {
      throw .network("the model's result does not depend on the image; export the classifier")
    }
    do { try finish(view) } catch {
      throw .unsupported(["the logits \((error as? Unsupported)?.reason ?? "\(error)")"])
    }
  }

  /// Makes the logits the last value of the graph.
  private mutating func finish(_ view: View) throws {
    let logits = try placed(view, pixels: [], channels: Array(view.parts.indices), "logits")
    if logits != graph.values.count - 1 || logits == 0 {
      let ones = Tensor(repeating: 1, shape: [view.count])
      _ = graph.affine("logits", scale: ones, shift: Tensor(shape: [view.count]), of: logits)
    }
    guard 2...100_000 ~= view.count else {
      throw Unsupported("are \(view.count), and a classifier has at least 2")
    }
  }

  private mutating func keep(_ numbers: Int) throws {
    floats += numbers
    guard floats <= Self.mostFloats.all else {
      throw Unsupported("which makes the network larger than any for small images")
    }
  }

  /// - Throws: `Unsupported` unless all extents are positive, and their product is that of a value of a network for
  ///   small images.
  static func check(_ extents: [Int]) throws {
    var count = 1
    for extent in extents {
      guard extent > 0 else { throw Unsupported("that leaves nothing of the image") }
      guard extent <= mostFloats.value / count else {
        throw Unsupported("which makes a value of more than \(mostFloats.value) numbers")
      }
      count *= extent
    }
  }

  private mutating func add(problem: String, _ node: String) {
    if let place = problems.firstIndex(where: { $0.what == problem }) {
      problems[place].nodes.append(node)
    } else {
      problems.append((problem, [node]))
    }
  }

  private static func text(_ problem: (what: String, nodes: [String])) -> String {
    let shown = problem.nodes.prefix(8).joined(separator: ", ")
    let others = problem.nodes.count - 8
    return "\(problem.what) (at \(shown)\(others > 0 ? " and \(others) more" : ""))"
  }
}

/// The model's input as a shape of images.
struct GivenImages {
  /// The number of images.
  var batch: Whole
  var hasBatch: Bool
  /// Extents of one image as the model takes them.
  var extents: [Int]
  var shape: ImageShape
  /// Whether a pixel's channels lie together, [N, H, W, C].
  var channelsLast: Bool

  init(_ input: ONNXModel.Input, images: ImageShape?) throws(ONNXError) {
    guard let declared = input.shape else {
      throw .network("the model does not say the shape of its images; export it with an example")
    }
    func failure(_ reason: String) -> ONNXError {
      let shape = declared.map { $0.map(String.init) ?? "?" }.joined(separator: ", ")
      return .network(
        "the model takes [\(shape)], \(reason); export it with images [N, C, H, W] as its input")
    }
    // A row of numbers has no dimension for images if it is alone, nor has an image of several channels.
    hasBatch =
      switch declared.count {
      case 0: throw failure("which is no image")
      case 1: declared[0] == nil
      case 3: declared[0] == nil || declared[0] == 1
      default: true
      }
    batch = hasBatch ? declared[0].map { Whole(constant: $0) } ?? .images : Whole(constant: 1)
    let rest = hasBatch ? Array(declared.dropFirst()) : declared
    let known: [Int]
    if rest.contains(nil) {
      let other = images ?? ImageShape(channels: 3, height: 32, width: 32)
      let first = [other.channels, other.height, other.width]
      let last = [other.height, other.width, other.channels]
      let fits = [first, last].first { shape in
        shape.count == rest.count && zip(rest, shape).allSatisfy { $0 == nil || $0 == $1 }
      }
      guard let fits else { throw failure("into which \(other) images do not fit") }
      known = fits
    } else {
      known = rest.compactMap(\.self)
    }
    guard known.allSatisfy({ 1...1 << 20 ~= $0 }),
      known.reduce(1, { $0 > 1 << 20 ? $0 : $0 * $1 }) <= 1 << 20
    else { throw failure("which is no small image") }
    extents = known
    let count = known.reduce(1, *)
    let long = known.filter { $0 > 1 }
    channelsLast = false
    // [784, 1, 1] is a row of numbers as well.
    if known.count == 3, long.count > 1 || count <= 16 {
      channelsLast = known[2] <= 4 && known[0] > 4
      shape =
        channelsLast
        ? ImageShape(channels: known[2], height: known[0], width: known[1])
        : ImageShape(channels: known[0], height: known[1], width: known[2])
    } else if let images, images.count == count {
      shape = images
    } else if long.count == 2 {
      shape = ImageShape(channels: 1, height: long[0], width: long[1])
    } else if let side = Self.root(count) {
      shape = ImageShape(channels: 1, height: side, width: side)
    } else if count.isMultiple(of: 3), let side = Self.root(count / 3) {
      shape = ImageShape(channels: 3, height: side, width: side)
    } else {
      throw failure("which does not tell the extents of an image")
    }
    guard [shape.height, shape.width].allSatisfy({ $0 <= 512 }), shape.channels <= 4096 else {
      throw failure("which is no small image")
    }
  }

  /// The whole square root; nil if there is none.
  private static func root(_ number: Int) -> Int? {
    let root = Int(Double(number).squareRoot())
    return root * root == number ? root : nil
  }
}
