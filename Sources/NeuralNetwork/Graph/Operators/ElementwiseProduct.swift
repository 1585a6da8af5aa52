import Kernels

/// a · b, number by number. Where b has one pixel and a more, every pixel of a is multiplied by it, as a
/// squeeze-and-excitation block does with its channels.
struct ElementwiseProduct: GraphOperator {
  /// Those of a.
  let extents: NetworkGraph.Extents
  /// How many pixels of a are multiplied by one of b.
  let spread: Int

  /// Nil unless b has the extents of a, or one pixel and as many channels.
  init?(_ a: NetworkGraph.Extents, _ b: NetworkGraph.Extents) {
    guard a == b || b.pixels == 1 && b.channels == a.channels else { return nil }
    extents = a
    spread = a.pixels / b.pixels
  }

  /// Floats that are multiplied in one go, of a and of b.
  private var run: Int { spread == 1 ? extents.count : extents.channels }

  var described: NetworkGraph.Described { .times }

  func run(
    _ inputs: Operands, images: Int, kernels: KernelSet, to output: UnsafeMutablePointer<Float>
  ) {
    output.update(repeating: 0, count: images * extents.count)
    let (a, b) = (inputs[0], inputs[1])
    for block in 0..<images * spread {
      kernels.float32.addProduct(
        count: run, a + block * run, b + block / spread * run, sum: output + block * run)
    }
  }

  func addGradient(
    ofInput place: Int, _ gradient: UnsafePointer<Float>, inputs: Operands, images: Int,
    kernels: KernelSet, to sum: UnsafeMutablePointer<Float>
  ) {
    let other = inputs[1 - place]
    for block in 0..<images * spread {
      let (each, shared) = (block * run, block / spread * run)
      kernels.float32.addProduct(
        count: run, gradient + each, other + (place == 0 ? shared : each),
        sum: sum + (place == 0 ? each : shared))
    }
  }
}
