import Classification
import PropertyTesting

extension Generator where Value == Tensor {
  /// Tensors of a shape with independent entries; the simplest is zero where the entries' simplest is.
  package static func tensor(
    _ shape: [Int], of entry: Generator<Float> = .wholeNumber(upTo: 8)
  ) -> Generator {
    Generator<[Float]>.array(of: entry, count: shape.reduce(1, *)).map { values in
      var tensor = Tensor(shape: shape)
      for (place, value) in values.enumerated() { tensor[place] = value }
      return tensor
    }
  }
}

extension Generator where Value == Float {
  /// Whole numbers from −bound to bound: sums of their products are exact in Float.
  package static func wholeNumber(upTo bound: Int) -> Generator {
    Generator<Int>.integer(in: -bound...bound).map { Float($0) }
  }
}
