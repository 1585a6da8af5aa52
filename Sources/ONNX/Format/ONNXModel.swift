import Foundation

/// What an ONNX file says, as far as networks need it: the messages of the format without their notes.
///
/// Graphs inside of operators are not read, so nothing here contains itself. Source: onnx.proto of the ONNX project,
/// whose numbers of fields stand below.
struct ONNXModel: Sendable {
  /// The version of the format.
  var formatVersion = 0
  /// Such as "pytorch 2.13.0".
  var producer = ""
  /// Versions of the sets of operators, by their domain; that of ONNX itself is "".
  var operatorSets: [String: Int] = [:]
  var nodes: [Node] = []
  /// Values that are stored, by name: the weights.
  var initializers: [ONNXTensor] = []
  var inputs: [Input] = []
  /// The names of the graph's results.
  var outputs: [String] = []

  /// One operator and what it is applied to.
  struct Node: Sendable {
    var name = ""
    /// Such as "Conv".
    var operation = ""
    /// Where the operator is defined; "" for ONNX itself.
    var domain = ""
    /// Names of values; "" where an optional one is left out.
    var inputs: [String] = []
    var outputs: [String] = []
    var attributes: [String: Attribute] = [:]
  }

  /// The setting of an operator.
  enum Attribute: Sendable {
    case float(Float)
    case integer(Int)
    case text(String)
    case tensor(ONNXTensor)
    case floats([Float])
    case integers([Int])
    /// Of a kind that no operator here has, such as a graph.
    case other
  }

  /// What the graph is given.
  struct Input: Sendable {
    var name = ""
    /// Of its elements, as `ONNXTensor.ElementType`; 0 where it is not said.
    var type = 0
    /// Its extents; nil for each that is not fixed. Nil where nothing is said.
    var shape: [Int?]?
  }

  /// Reads a model's bytes.
  ///
  /// - Parameter external: the bytes of a file beside the model, by its name, or why there are none.
  /// - Throws: `ONNXError.damaged` or `.externalData`.
  init(_ file: Data, external: (String) throws(ONNXError) -> Data) throws(ONNXError) {
    let data = file.startIndex == 0 ? file : Data(file)
    var (producer, version) = ("", "")
    var graph: Range<Int>?
    var reader = WireReader(data, 0..<data.count)
    while let (number, value) = try reader.next() {
      switch number {
      case 1: formatVersion = try value.integer("ir_version")
      case 2: producer = try value.text("producer_name", in: data)
      case 3: version = try value.text("producer_version", in: data)
      case 7:
        // Other readers would merge two.
        guard graph == nil else { throw .damaged("it has two graphs") }
        graph = try value.bytes("graph")
      case 8: try addOperatorSet(data, value.bytes("opset_import"))
      default: break
      }
    }
    self.producer = [producer, version].filter { !$0.isEmpty }.joined(separator: " ")
    guard let graph else { throw .damaged("it has no graph") }
    reader = WireReader(data, graph)
    while let (number, value) = try reader.next() {
      switch number {
      case 1: nodes.append(try Self.node(data, value.bytes("node"), external))
      case 5:
        initializers.append(try ONNXTensor(data, value.bytes("initializer"), external))
      case 11: inputs.append(try Self.input(data, value.bytes("input")))
      case 12: outputs.append(try Self.input(data, value.bytes("output")).name)
      case 15: throw .damaged("it has sparse weights, which cannot be read")
      default: break
      }
    }
  }

  private mutating func addOperatorSet(_ data: Data, _ range: Range<Int>) throws(ONNXError) {
    var (domain, version) = ("", 0)
    var reader = WireReader(data, range)
    while let (number, value) = try reader.next() {
      switch number {
      case 1: domain = try value.text("domain", in: data)
      case 2: version = try value.integer("version")
      default: break
      }
    }
    operatorSets[domain == "ai.onnx" ? "" : domain] = version
  }

  private static func node(
    _ data: Data, _ range: Range<Int>, _ external: (String) throws(ONNXError) -> Data
  ) throws(ONNXError) -> Node {
    var node = Node()
    var reader = WireReader(data, range)
    while let (number, value) = try reader.next() {
      switch number {
      case 1: node.inputs.append(try value.text("input of a node", in: data))
      case 2: node.outputs.append(try value.text("output of a node", in: data))
      case 3: node.name = try value.text("name of a node", in: data)
      case 4: node.operation = try value.text("op_type", in: data)
      case 5:
        let (name, attribute) = try attribute(data, value.bytes("attribute"), external)
        guard node.attributes.updateValue(attribute, forKey: name) == nil else {
          throw .damaged("a node has two attributes \(name)")
        }
      case 7:
        let domain = try value.text("domain of a node", in: data)
        node.domain = domain == "ai.onnx" ? "" : domain
      default: break
      }
    }
    return node
  }

  private static func attribute(
    _ data: Data, _ range: Range<Int>, _ external: (String) throws(ONNXError) -> Data
  ) throws(ONNXError) -> (name: String, Attribute) {
    var (name, type) = ("", 0)
    var single: Attribute?
    var (floats, integers): ([Float], [Int]) = ([], [])
    var reader = WireReader(data, range)
    while let (number, value) = try reader.next() {
      switch number {
      case 1: name = try value.text("name of an attribute", in: data)
      case 2:
        guard case .fixed32(let bits) = value else { throw .damaged("an attribute is no number") }
        single = .float(Float(bitPattern: bits))
      case 3: single = .integer(try value.integer("attribute"))
      case 4: single = .text(String(decoding: data[try value.bytes("attribute")], as: UTF8.self))
      case 5: single = .tensor(try ONNXTensor(data, value.bytes("attribute"), external))
      case 7: try value.append(floatsTo: &floats, "attribute", in: data)
      case 8: try value.append(integersTo: &integers, "attribute", in: data)
      case 20: type = try value.integer("type of an attribute")
      default: break
      }
    }
    // The type decides, as a number that is 0 may be left out; old files have none.
    switch type {
    case 0:
      if let single { return (name, single) }
      return (name, floats.isEmpty ? .integers(integers) : .floats(floats))
    case 1: return (name, single ?? .float(0))
    case 2: return (name, single ?? .integer(0))
    case 3: return (name, single ?? .text(""))
    case 4: return (name, single ?? .other)
    case 6: return (name, .floats(floats))
    case 7: return (name, .integers(integers))
    default: return (name, .other)
    }
  }

  /// A name with its type: `ValueInfoProto`, of which `TypeProto.Tensor` and `TensorShapeProto` are parts.
  private static func input(_ data: Data, _ range: Range<Int>) throws(ONNXError) -> Input {
    var input = Input()
    var tensor: Range<Int>?
    var reader = WireReader(data, range)
    while let (number, value) = try reader.next() {
      switch number {
      case 1: input.name = try value.text("name of a value", in: data)
      case 2:
        var type = WireReader(data, try value.bytes("type"))
        while let (number, value) = try type.next() {
          if number == 1 { tensor = try value.bytes("tensor_type") }
        }
      default: break
      }
    }
    guard let tensor else { return input }
    reader = WireReader(data, tensor)
    while let (number, value) = try reader.next() {
      switch number {
      case 1: input.type = try value.integer("elem_type")
      case 2:
        var shape: [Int?] = []
        var dimensions = WireReader(data, try value.bytes("shape"))
        while let (number, value) = try dimensions.next() {
          guard number == 1 else { continue }
          var extent: Int?
          var dimension = WireReader(data, try value.bytes("dim"))
          while let (number, value) = try dimension.next() {
            if number == 1 { extent = try value.integer("dim_value") }
          }
          // Some writers say 0 or −1 where they do not know.
          shape.append(extent.flatMap { $0 > 0 ? $0 : nil })
        }
        input.shape = shape
      default: break
      }
    }
    return input
  }
}
