import Classification
import Testing

@Suite("Pixels")
struct PixelsTests {
  @Test("Values outside [0, 1] or not finite are refused with their place")
  func refused() throws {
    for bad in [-Float.leastNonzeroMagnitude, Float(1).nextUp, .infinity, -.infinity] {
      var tensor = Tensor(repeating: 0.5, shape: [3, 1, 2, 2])
      tensor[9] = bad
      #expect(throws: PixelsError.value(bad, image: 2, position: 1)) { try Pixels(tensor) }
    }
    var tensor = Tensor(shape: [1, 1, 1, 2])
    tensor[1] = .nan
    let error = #expect(throws: PixelsError.self) { try Pixels(tensor) }
    #expect(error?.description.contains("image 0 holds nan at position 1") == true)
  }

  @Test("Both ends, −0 and an empty batch are fine")
  func accepted() throws {
    #expect(try Pixels(Tensor([0, 1, -.zero], shape: [1, 3, 1, 1])).count == 1)
    #expect(try Pixels(Tensor(shape: [0, 3, 4, 4])).count == 0)
  }

  @Test("Images need four dimensions", arguments: [[], [4], [1, 2, 2], [1, 1, 1, 2, 2]])
  func rank(_ shape: [Int]) {
    #expect(throws: PixelsError.rank(shape)) { try Pixels(Tensor(shape: shape)) }
  }

  @Test("A selection has the images asked for, in that order")
  func selection() throws {
    let pixels = try Pixels(Tensor([0, 0.25, 0.5, 0.75], shape: [4, 1, 1, 1]))
    #expect(pixels[[2, 0, 2]].tensor.values == [0.5, 0, 0.5])
  }

  @Test("Images are the same wherever they are kept")
  func elsewhere() throws {
    let shape = ImageShape(channels: 2, height: 1, width: 3)
    let numbers = (0..<48).map { Float($0) / 47 }
    let kept = Pixels(count: 8, imageShape: shape) { place, result in
      for n in 0..<6 { result[n] = numbers[6 * place + n] }
    }
    let values = try Pixels(Tensor(numbers, shape: [8, 2, 1, 3]))
    #expect(kept == values && kept.count == 8 && kept.imageShape == shape)
    #expect(Pixels(count: 0, imageShape: shape) { _, _ in }.tensor.shape == [0, 2, 1, 3])
    for order in [[3, 0, 3], [], Array(0..<8)] {
      #expect(kept[order] == values[order])
      #expect(kept.kept(order) == values.kept(order))
      #expect(kept.kept(order).kept(Array(order.indices.reversed())) == values[order.reversed()])
    }
    for pixels in [kept, values] {
      for n in 0..<8 {
        let row = pixels.withImage(n) { start in (0..<6).map { start[$0] } }
        #expect(row == values[[n]].tensor.values)
      }
    }
  }
}
