/// What happens to finished sums: out = activation(sum + addend).
struct Finish {
  /// Columns that exist; the last panel may have more.
  let columns: Int
  /// Floats from one row of the output to the next.
  let stride: Int
  let addend: UnsafePointer<Float>?
  let mask: UnsafePointer<Float>?
  let relu: Bool
  let output: UnsafeMutablePointer<Float>

  /// The cases that have a loop of their own, without a question per vector.
  enum Kind {
    case plain
    case relu
    case sum
    case sumAndRelu
    /// Any, with whatever columns.
    case other
  }

  var kind: Kind {
    if mask != nil || columns % panelWidth != 0 { return .other }
    return addend == nil ? (relu ? .relu : .plain) : (relu ? .sumAndRelu : .sum)
  }

  /// Stores two vectors of a row, from `column` and `next` on. `kind` is a literal where this is
  /// called, so that nothing is left of the other cases.
  @inline(__always)
  func callAsFunction(_ sums: Row, _ row: Int, _ column: Int, _ next: Int, _ kind: Kind) {
    if kind == .other {
      self(sums.left, row, column)
      // A lone vector is both.
      if next != column { self(sums.right, row, next) }
      return
    }
    let start = row * stride
    var (left, right) = (sums.left, sums.right)
    if kind == .sum || kind == .sumAndRelu, let addend {
      left += load(addend + start + column)
      right += load(addend + start + next)
    }
    if kind == .relu || kind == .sumAndRelu {
      left.replace(with: 0, where: left .< 0)
      right.replace(with: 0, where: right .< 0)
    }
    store(left, output + start + column)
    store(right, output + start + next)
  }

  /// Stores one vector of a row, from `column` on.
  @inline(__always)
  func callAsFunction(_ sum: Vector, _ row: Int, _ column: Int) {
    let start = row * stride + column
    if column + Vector.scalarCount <= columns {
      var value = sum
      if let addend { value += load(addend + start) }
      if relu { value.replace(with: 0, where: value .< 0) }
      if let mask { value.replace(with: 0, where: .!(load(mask + start) .> 0)) }
      store(value, output + start)
    } else {
      storePart(sum, start, columns - column)
    }
  }

  /// The last columns where they do not fill a vector. A call of its own: loops over lanes among
  /// the vectors of a tile would keep those out of registers.
  @inline(never)
  private func storePart(_ sum: Vector, _ start: Int, _ count: Int) {
    for lane in 0..<max(0, count) {
      var value = sum[lane]
      if let addend { value += addend[start + lane] }
      if relu, value < 0 { value = 0 }
      if let mask, !(mask[start + lane] > 0) { value = 0 }
      output[start + lane] = value
    }
  }
}
