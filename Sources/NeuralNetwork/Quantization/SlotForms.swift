import Kernels

/// In which form every activation of a network is held when it is computed in whole numbers.
struct SlotForms {
  enum Form {
    /// The image: a pixel p in [0, 1] is two bytes with the sum ⌊510 · p⌉, whatever the scaling of the network's input.
    /// They have the same weights; so the mean of two images of bytes is exact.
    case pixels
    case bytes
    /// Few numbers behind a mean over all pixels, which cost next to nothing: what is left of the network is computed
    /// in Float32.
    case floats
  }

  /// By slot.
  let forms: [Form]
  /// Whether a slot has a scale of its own, by slot: bytes that are not the largest of other bytes.
  let isCalibrated: [Bool]

  /// - Throws: `QuantizationError.operators` with all operators that there are no whole numbers for.
  init(of plan: InferencePlan) throws(QuantizationError) {
    var forms = [Form](repeating: .bytes, count: plan.slots.count)
    var isCalibrated = [Bool](repeating: false, count: plan.slots.count)
    forms[0] = .pixels
    var problems: [String] = []
    for step in plan.steps {
      let inputs = step.inputs.map { forms[$0] }
      let isMixed = Set(step.reads.map { forms[$0] == .floats }).count > 1
      if isMixed || step.addend.map({ forms[$0] }) == .pixels {
        problems.append("\(step.name) (a sum of different forms)")
        continue
      }
      if inputs.allSatisfy({ $0 == .floats }) {
        if step.inputs.count > 1 { problems.append("\(step.name) (\(step.operatorName))") }
        forms[step.output] = .floats
        continue
      }
      isCalibrated[step.output] = true
      switch step.core {
      case .product(let product):
        let terms = product.termCount * (inputs == [.pixels] ? 2 : 1)
        if terms > PreparedByteProduct.mostTerms {
          problems.append("\(step.name) (a sum of \(terms) products)")
        }
      case .affine:
        if inputs == [.pixels] { problems.append("\(step.name) (an affine map of the image)") }
      case .other(let operation):
        guard let pooling = operation as? Pooling, inputs == [.bytes] else {
          problems.append("\(step.name) (\(step.operatorName))")
          continue
        }
        if pooling.kind == .maximum {
          isCalibrated[step.output] = false
        } else if pooling.isOverall {
          isCalibrated[step.output] = false
          forms[step.output] = .floats
        }
      }
    }
    if problems.isEmpty, forms[forms.count - 1] != .floats {
      problems.append("logits that are not behind a mean over all pixels")
    }
    guard problems.isEmpty else { throw .operators(problems) }
    self.forms = forms
    self.isCalibrated = isCalibrated
  }
}

extension InferencePlan.Step {
  /// What it does, in words.
  fileprivate var operatorName: String {
    switch core {
    case .product: "product"
    case .affine: "affine"
    case .other(let operation):
      (operation as? Activated).map { "\(NetworkGraph.Described.activation($0.activation))" }
        ?? (operation as? any GraphOperator)?.described.description ?? "operation"
    }
  }
}

extension Pooling {
  /// Whether it is the mean, or the largest, of all pixels of the image, each once.
  fileprivate var isOverall: Bool {
    let seen = window.seen(0, of: extents, in: input)
    return extents.pixels == 1 && seen.rows.count * seen.columns.count == input.pixels
      && (kind != .average(countsPadding: true) || window.height * window.width == input.pixels)
  }
}
