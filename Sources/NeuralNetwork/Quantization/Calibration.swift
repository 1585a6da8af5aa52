import Classification

extension Quantization {
  /// Measures the activations of a network.
  ///
  /// - Parameters:
  ///   - plan: the network in Float32.
  ///   - images: of those that it was trained on, in [0, 1].
  /// - Throws: `QuantizationError.operators` and `.noImages`; `ClassifierError` for images of another shape.
  public init(
    calibrating plan: InferencePlan, on images: Pixels, method: CalibrationMethod = .leastSquares
  ) throws {
    guard images.count > 0 else { throw QuantizationError.noImages }
    guard images.imageShape == plan.imageShape else {
      throw ClassifierError.imageShape(expected: plan.imageShape, found: images.imageShape)
    }
    let slots = try SlotForms(of: plan)
    var histograms = [ValueHistogram](repeating: ValueHistogram(), count: plan.slots.count)
    /// Calls `body` with every activation of every image.
    func forEach(_ body: (inout ValueHistogram, UnsafeBufferPointer<Float>) -> Void) {
      let workspace = Workspace(for: plan, capacity: 1)
      let logits = AlignedBuffer(uninitialized: plan.classCount)
      images.tensor.withUnsafePointer { pixels in
        for image in 0..<images.count {
          workspace.forward(
            pixels + image * plan.imageShape.count, images: 1, logits: logits.pointer
          ) { stage in
            guard case .step(let index) = stage else { return }
            let slot = plan.steps[index].output
            guard slots.isCalibrated[slot] else { return }
            body(
              &histograms[slot],
              UnsafeBufferPointer(
                start: workspace.activation(slot, 0, nil), count: plan.slots[slot].count))
          }
        }
      }
    }
    forEach { $0.see($1) }
    forEach { $0.count($1) }
    self.method = method
    imageCount = images.count
    activations = plan.steps.filter { slots.isCalibrated[$0.output] }.map { step in
      let (scale, zero) = histograms[step.output].quantization(method)
      return Activation(layer: step.name, scale: scale, zero: zero)
    }
    if let problem { throw QuantizationError.calibration(problem) }
  }
}
