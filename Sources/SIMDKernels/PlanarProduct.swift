import KernelTables

extension Float32 {
  /// Four vectors of pixels × three output channels stay in registers while the sum runs.
  package static func planarProduct(_ arguments: PlanarProductArguments) {
    let end = arguments.endRow * arguments.vectorsPerRow
    var unit = arguments.firstRow * arguments.vectorsPerRow
    while unit < end {
      // Behind the last vector that one again.
      planarTile(
        arguments, unit, min(unit + 1, end - 1), min(unit + 2, end - 1), min(unit + 3, end - 1))
      unit += 4
    }
  }

  /// Four vectors of pixels, numbered through the rows of an image.
  @inline(__always)
  private static func planarTile(
    _ arguments: PlanarProductArguments, _ u0: Int, _ u1: Int, _ u2: Int, _ u3: Int
  ) {
    func place(_ unit: Int) -> UnsafePointer<Float> {
      let (row, vector) = unit.quotientAndRemainder(dividingBy: arguments.vectorsPerRow)
      return arguments.planes + row * arguments.rowStride + vector * Vector.scalarCount
    }
    let (p0, p1, p2, p3) = (place(u0), place(u1), place(u2), place(u3))
    let start = Three(arguments.bias)
    var (r0, r1, r2, r3) = (start, start, start, start)
    var weights = arguments.weights
    for tap in 0..<arguments.tapCount {
      var offset = Int(arguments.taps[tap])
      for _ in 0..<arguments.channels {
        r0.add(load(p0 + offset), weights)
        r1.add(load(p1 + offset), weights)
        r2.add(load(p2 + offset), weights)
        r3.add(load(p3 + offset), weights)
        offset += arguments.planeStride
        weights += panelWidth
      }
    }
    r0.put(u0, arguments)
    r1.put(u1, arguments)
    r2.put(u2, arguments)
    r3.put(u3, arguments)
  }
}

/// The sums of one vector of pixels, for three output channels.
private struct Three {
  private var a: Vector
  private var b: Vector
  private var c: Vector

  @inline(__always)
  init(_ start: UnsafePointer<Float>?) {
    a = Vector(repeating: start?[0] ?? 0)
    b = Vector(repeating: start?[1] ?? 0)
    c = Vector(repeating: start?[2] ?? 0)
  }

  @inline(__always)
  mutating func add(_ x: Vector, _ weights: UnsafePointer<Float>) {
    a = fused(weights[0], x, a)
    b = fused(weights[1], x, b)
    c = fused(weights[2], x, c)
  }

  @inline(__always)
  func put(_ unit: Int, _ arguments: PlanarProductArguments) {
    let target = arguments.sums + unit * Vector.scalarCount
    store(a, target)
    store(b, target + arguments.sumStride)
    store(c, target + 2 * arguments.sumStride)
  }
}
