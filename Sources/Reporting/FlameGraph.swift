/// Where a program was, as boxes: a box stands on its caller and is as wide as its share of the
/// samples. What ran has nothing on top; from left to right there is no time, only the order of
/// names.
package struct FlameGraph: Drawing {
  /// A function as called by those below it.
  package struct Box: Sendable, Equatable {
    package var name: String
    /// Callers below it; 0 for the box that stands for everything.
    package var depth: Int
    /// In samples, from the left.
    package var range: Range<Int>
  }

  package var title: String
  /// What was measured, a line each.
  package var notes: [String]
  package var stacks: FoldedStacks
  /// What the colours mean; the last one is for everything else.
  package var groups: [String]
  /// The group of a function, an index of `groups`.
  package var group: @Sendable (String) -> Int

  package init(
    title: String, notes: [String] = [], stacks: FoldedStacks, groups: [String],
    group: @escaping @Sendable (String) -> Int
  ) {
    self.title = title
    self.notes = notes
    self.stacks = stacks
    self.groups = groups
    self.group = group
  }

  /// All boxes, callers before the called.
  package var boxes: [Box] {
    var boxes = [Box(name: "all", depth: 0, range: 0..<stacks.samples)]
    // The boxes of the present stack, by depth: equal beginnings of neighbours are one box, as
    // stacks come in the order of their names.
    var open = [0]
    var place = 0
    var previous: [String] = []
    for stack in stacks.stacks {
      var common = 0
      while common < min(previous.count, stack.frames.count),
        previous[common] == stack.frames[common]
      { common += 1 }
      open.removeLast(open.count - 1 - common)
      let end = place + stack.samples
      for index in open.dropFirst() {
        boxes[index].range = boxes[index].range.lowerBound..<end
      }
      for (depth, name) in stack.frames.enumerated().dropFirst(common) {
        open.append(boxes.count)
        boxes.append(Box(name: name, depth: depth + 1, range: place..<end))
      }
      (place, previous) = (end, stack.frames)
    }
    return boxes
  }

  private static let rowHeight = 19.0
  private static let labelSize = 12.0

  package func svg(width: Double) -> String {
    var canvas = Canvas(width: width)
    var cursor = canvas.heading(title, y: Canvas.padding - 4)
    for line in notes.flatMap({ wrapped($0, width: canvas.innerWidth) }) {
      cursor += 18
      canvas.text(line, x: Canvas.padding, y: cursor, ink: .text(0.72))
    }
    let boxes = boxes
    let used = Set(boxes.dropFirst().map { group($0.name) })
    cursor = canvas.legend(
      groups.indices.filter(used.contains).map { (groups[$0], .square($0)) }, y: cursor + 6)
    let top = cursor + 10
    let bottom = top + Self.rowHeight * Double(1 + (boxes.map(\.depth).max() ?? 0))
    let scale = canvas.innerWidth / Double(max(stacks.samples, 1))
    for box in boxes {
      let left = Canvas.padding + scale * Double(box.range.lowerBound)
      let boxWidth = scale * Double(box.range.count)
      // Narrower than anybody can see.
      guard boxWidth >= 0.1 else { continue }
      draw(
        box, left: left, width: boxWidth, top: bottom - Self.rowHeight * Double(box.depth + 1),
        on: &canvas)
    }
    return canvas.document(
      height: bottom + Canvas.padding, title: title,
      description: "Flame graph of \(stacks.samples) samples. \(notes.joined(separator: " "))")
  }

  /// One box with its name where there is room, and all about it as a tip.
  private func draw(
    _ box: Box, left: Double, width: Double, top: Double, on canvas: inout Canvas
  ) {
    let samples = stacks.samples
    let share = samples > 0 ? percent(Double(box.range.count) / Double(samples)) : "0%"
    canvas.append(
      "<g><title>\(escaped("\(box.name): \(box.range.count) samples, \(share)"))</title>")
    // A gap, so that neighbours are told apart.
    let gap = min(0.6, width / 4)
    let (right, low) = (left + width - gap, top + Self.rowHeight - 1)
    canvas.path(
      "M\(coordinate(left)) \(coordinate(top))H\(coordinate(right))V\(coordinate(low))"
        + "H\(coordinate(left))Z", fill: ink(of: box))
    let whole = box.depth == 0 ? "all: \(samples) samples" : Self.label(box.name)
    let label = shortened(whole, width: width - 8, size: Self.labelSize)
    // Two letters and an ellipsis say nothing.
    if width > 30, label == whole || label.count > 3 {
      canvas.text(label, x: left + 4, y: top + 13.5, size: Self.labelSize)
    }
    canvas.append("</g>")
  }

  /// The colour of the group, a little more or less strong so that functions differ.
  private func ink(of box: Box) -> Canvas.Ink {
    guard box.depth > 0 else { return .text(0.1) }
    // FNV-1a: the same colours in every run.
    let hash = box.name.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
    return .series(group(box.name), opacity: 0.28 + 0.04 * Double((hash >> 8) % 6))
  }

  /// "WorkerPool.forEach" of "Kernels.WorkerPool.forEach": the colour says the rest.
  private static func label(_ name: String) -> String {
    guard let dot = name.firstIndex(of: "."), name.index(after: dot) < name.endIndex else {
      return name
    }
    return String(name[name.index(after: dot)...])
  }
}
