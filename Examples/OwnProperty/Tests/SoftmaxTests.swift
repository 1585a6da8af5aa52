import PropertyChecks
import PropertyTesting
import Softmax
import Testing

@Test func sharesAddUp() async {
  let scores = Generator.array(of: .double(in: -1000...1000), count: 1...8)
  await check("careful softmax gives shares that add up to 1", scores) { scores in
    // A sum of eight terms rounds seven times at most, and there are two, with a division between them.
    #expect(abs(carefulSoftmax(scores).reduce(0, +) - 1) <= 16 * 0x1p-53)
  }
}
