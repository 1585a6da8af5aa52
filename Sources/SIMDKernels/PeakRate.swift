extension Float32 {
  @inline(never)
  package static func multiplyAdds(rounds: Int, factor: Float) -> (count: Int, sum: Float) {
    let a = Vector(repeating: factor)
    var s = (a, a, a, a, a, a)
    var t = (a, a, a, a, a, a)
    for _ in 0..<rounds {
      s.0 = fused(s.0, a, s.0)
      s.1 = fused(s.1, a, s.1)
      s.2 = fused(s.2, a, s.2)
      s.3 = fused(s.3, a, s.3)
      s.4 = fused(s.4, a, s.4)
      s.5 = fused(s.5, a, s.5)
      t.0 = fused(t.0, a, t.0)
      t.1 = fused(t.1, a, t.1)
      t.2 = fused(t.2, a, t.2)
      t.3 = fused(t.3, a, t.3)
      t.4 = fused(t.4, a, t.4)
      t.5 = fused(t.5, a, t.5)
    }
    let sum = s.0 + s.1 + s.2 + s.3 + s.4 + s.5 + t.0 + t.1 + t.2 + t.3 + t.4 + t.5
    return (rounds * 12 * Vector.scalarCount, sum.sum())
  }
}
