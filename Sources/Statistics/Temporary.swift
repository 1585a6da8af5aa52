extension RandomStream {
  public mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }
  public mutating func standardNormal() -> Double { Double(uniform()) - 0.5 }
}
