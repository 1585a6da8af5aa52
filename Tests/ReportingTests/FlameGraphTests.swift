import Reporting
import Statistics
import Testing

@Suite("Flame graphs")
struct FlameGraphTests {
  /// Stacks over few names, so that they share beginnings and functions call themselves.
  static func randomStacks(_ stream: inout RandomStream) -> FoldedStacks {
    let names = [
      "M.f", "M.g<A>", "N.T.h & i", "libc.memset", "M.a;b", "M.λ", "M.a function of long name",
    ]
    return FoldedStacks(
      (0..<Int.random(in: 0...40, using: &stream)).map { _ in
        FoldedStacks.Stack(
          (0..<Int.random(in: 1...8, using: &stream)).compactMap { _ in
            names.randomElement(using: &stream)
          }, samples: Int.random(in: 0...20, using: &stream))
      })
  }

  static func graph(_ stacks: FoldedStacks) -> FlameGraph {
    FlameGraph(
      title: "A title", notes: ["a note"], stacks: stacks, groups: ["M", "N & N", "rest"],
      group: { $0.hasPrefix("M.") ? 0 : $0.hasPrefix("N.") ? 1 : 2 })
  }

  private func random(_ seed: Int) -> FoldedStacks {
    var stream = RandomStream(RandomKey(seed: 8, purpose: .test, example: seed))
    return Self.randomStacks(&stream)
  }

  @Test(
    "boxes stand on their callers, do not touch their neighbours and keep all samples",
    arguments: 0..<50)
  func boxes(seed: Int) throws {
    let stacks = random(seed)
    let boxes = Self.graph(stacks).boxes
    #expect(boxes.first?.range == 0..<stacks.samples)
    // The path of boxes to the present one; what their children have left uncovered is their own.
    var path: [(box: FlameGraph.Box, end: Int, own: Int)] = []
    var found: [FoldedStacks.Stack] = []
    func close(to depth: Int) {
      while path.count > depth {
        found.append(
          FoldedStacks.Stack(path.dropFirst().map(\.box.name), samples: path[path.count - 1].own))
        path.removeLast()
      }
    }
    for box in boxes {
      #expect(box.range.count > 0 || box.depth == 0)
      close(to: box.depth)
      try #require(path.count == box.depth)
      if let caller = path.last {
        #expect(caller.end <= box.range.lowerBound)
        #expect(box.range.upperBound <= caller.box.range.upperBound)
        path[path.count - 1].end = box.range.upperBound
        path[path.count - 1].own -= box.range.count
      }
      path.append((box, box.range.lowerBound, box.range.count))
    }
    close(to: 0)
    #expect(FoldedStacks(found) == stacks)
  }

  @Test(
    "every box that can be seen is as wide as its samples and has its numbers as a tip",
    arguments: 0..<20)
  func widths(seed: Int) {
    let stacks = random(seed)
    let graph = Self.graph(stacks)
    let reader = MarkupReader(graph.svg(width: 1200))
    #expect(reader.isWellFormed)
    let drawn = reader.attributes.compactMap { $0["d"] }.filter { $0.contains("V") }
    let boxes = graph.boxes.filter { !$0.range.isEmpty }
    // No share is below 1/800 and so none below a pixel.
    #expect(drawn.count == boxes.count && reader.elements["title"] == boxes.count)
    for (box, path) in zip(boxes, drawn) {
      let numbers = path.split { "MHVZ ".contains($0) }.compactMap { Double($0) }
      guard numbers.count == 5 else {
        Issue.record("\(path)")
        continue
      }
      let scale = (1200 - 28) / Double(stacks.samples)
      // Rounded to hundredths; the gap to the next box is 0.6.
      #expect(abs(numbers[0] - 14 - scale * Double(box.range.lowerBound)) <= 0.011)
      #expect(abs(numbers[2] + 0.6 - 14 - scale * Double(box.range.upperBound)) <= 0.011)
    }
  }

  @Test("the text form has a line for every stack and can be read back", arguments: 0..<20)
  func folded(seed: Int) {
    let stacks = random(seed)
    let read = stacks.text.split(separator: "\n").map { line in
      let space = line.lastIndex(of: " ") ?? line.endIndex
      return FoldedStacks.Stack(
        line[..<space].split(separator: ";").map(String.init),
        samples: Int(line[space...].dropFirst()) ?? -1)
    }
    #expect(FoldedStacks(read) == stacks && read == stacks.stacks)
  }

  @Test("a function's own samples add up to all, and no total exceeds them", arguments: 0..<20)
  func functions(seed: Int) {
    let stacks = random(seed)
    let functions = stacks.functions
    #expect(functions.reduce(0) { $0 + $1.own } == stacks.samples)
    #expect(functions.allSatisfy { $0.own <= $0.total && $0.total <= stacks.samples })
    #expect(Set(functions.map(\.name)).count == functions.count)
  }

  @Test("a function that calls itself counts once, and the busiest comes first")
  func recursion() {
    let stacks = FoldedStacks([
      .init(["a", "b", "b"], samples: 3), .init(["a"], samples: 1), .init(["a", "c"], samples: 3),
    ])
    #expect(
      stacks.functions == [
        .init(name: "b", own: 3, total: 3), .init(name: "c", own: 3, total: 3),
        .init(name: "a", own: 1, total: 7),
      ])
    #expect(stacks.text == "a 1\na;b;b 3\na;c 3\n")
  }
}
