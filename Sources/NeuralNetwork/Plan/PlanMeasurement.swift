import Classification

/// Where the time of a plan's forward pass goes, layer by layer, on one thread, beside the most that
/// the thread could do.
public struct PlanMeasurement: Sendable {
  /// One line: a layer, or the work between the layers.
  public struct Layer: Sendable {
    /// "stem", "1.0.conv2", "2.0.shortcut", "mean", "dense"; "input" for the scaling of pixels.
    public var name: String
    /// The algorithm of its product, as `PreparedConvolution.Algorithm.name`; "" where there is none.
    public var algorithm: String
    /// Pixels and channels of one image before the layer.
    public var input: (pixels: Int, channels: Int)
    /// Pixels and channels of one image after the layer.
    public var output: (pixels: Int, channels: Int)
    /// Multiply-adds of one image by the definition of a convolution.
    public var multiplyAdds: Int
    /// Products of single numbers that the algorithm makes for one image.
    public var products: Int
    /// The least that has to be moved, in floats: input, addend and output of the batch, and the weights
    /// of the layer.
    public var floatsMoved: Int
    /// Median time of the whole batch.
    public var seconds: Double
  }

  /// Images of the batch.
  public let images: Int
  /// All layers in the order of the forward pass.
  public let layers: [Layer]
  /// Fused multiply-adds a second that the thread makes in registers, measured between the passes.
  public let peakRate: Double
  /// Floats a second that the thread copies between the halves of a large memory.
  public let copyRate: Double

  /// Seconds of a pass of the whole batch: the sum of the layers' medians.
  public var seconds: Double { layers.reduce(0) { $0 + $1.seconds } }

  /// The seconds that a layer takes at least: max(products / `peakRate`, floats moved / (2 · `copyRate`)),
  /// as a float that is copied is moved twice, read and written.
  public func roofline(_ layer: Layer) -> Double {
    max(
      Double(layer.products * images) / peakRate,
      Double(layer.floatsMoved) / (2 * copyRate))
  }

  /// Times `rounds` passes of the plan on one batch.
  ///
  /// - Parameters:
  ///   - images: how many; the values do not matter.
  ///   - rounds: at least 1; medians are taken over them.
  public init(of plan: InferencePlan, images: Int, rounds: Int) {
    let workspace = Workspace(for: plan, capacity: images)
    let pixels = AlignedBuffer(uninitialized: images * plan.imageShape.count)
    pixels.pointer.update(repeating: 0.5, count: pixels.count)
    let logits = AlignedBuffer(uninitialized: images * plan.classCount)
    let copied = AlignedBuffer(uninitialized: 1 << 24)
    copied.pointer.update(repeating: 0, count: copied.count)

    let clock = ContinuousClock()
    func seconds(_ work: () -> Void) -> Double { clock.measure(work) / .seconds(1) }
    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
    var times = [[Double]](repeating: [], count: plan.steps.count + 1)
    var (peaks, copies): ([Double], [Double]) = ([], [])
    for round in -1..<max(rounds, 1) {
      var last = clock.now
      var spent = [Double](repeating: 0, count: times.count)
      workspace.forward(pixels.pointer, images: images, logits: logits.pointer) { stage in
        let now = clock.now
        let place =
          switch stage {
          case .input: 0
          case .step(let index): index + 1
          }
        spent[place] += (now - last) / .seconds(1)
        last = now
      }
      // The first pass warms up.
      if round >= 0 { for place in times.indices { times[place].append(spent[place]) } }
      var made = 0
      let spinning = seconds {
        let (count, sum) = plan.kernels.fastest.multiplyAdds(rounds: 200_000, factor: 1e-9)
        made = sum.isNaN ? 0 : count
      }
      peaks.append(Double(made) / spinning)
      let half = copied.count / 2
      copies.append(
        Double(half)
          / seconds { copied.pointer.update(from: copied.pointer + half, count: half) })
    }
    self.images = images
    peakRate = median(peaks)
    copyRate = median(copies)

    func shape(_ slot: Int) -> (pixels: Int, channels: Int) {
      (plan.slots[slot].pixels, plan.slots[slot].channels)
    }
    func moved(_ slots: [Int]) -> Int { slots.reduce(0) { $0 + plan.slots[$1].count * images } }
    var layers = [
      Layer(
        name: "input", algorithm: "", input: shape(0), output: shape(0), multiplyAdds: 0,
        products: 0, floatsMoved: 2 * moved([0]), seconds: median(times[0]))
    ]
    for (index, step) in plan.steps.enumerated() {
      let convolution = step.convolution
      layers.append(
        Layer(
          name: step.name, algorithm: convolution?.algorithm.name ?? "", input: shape(step.input),
          output: shape(step.output), multiplyAdds: step.multiplyAdds,
          products: convolution?.products ?? step.multiplyAdds,
          floatsMoved: moved(step.reads + [step.output])
            + (convolution?.weightCount ?? 0),
          seconds: median(times[index + 1])))
    }
    self.layers = layers
  }
}
