/// How often every stack of calls was seen by a sampling profiler.
package struct FoldedStacks: Sendable, Equatable {
  /// One way in which the program came to where it was.
  package struct Stack: Sendable, Equatable {
    /// Functions from the outermost to the one that ran.
    package var frames: [String]
    /// How often it was seen.
    package var samples: Int

    package init(_ frames: [String], samples: Int) {
      self.frames = frames
      self.samples = samples
    }
  }

  /// How often a function was seen.
  package struct Function: Sendable, Equatable {
    package var name: String
    /// Samples in which it ran itself.
    package var own: Int
    /// Samples in which it ran or waited for one that it called; once for a function that calls
    /// itself.
    package var total: Int

    package init(name: String, own: Int, total: Int) {
      self.name = name
      self.own = own
      self.total = total
    }
  }

  /// Every stack once, in the order of their functions' names.
  package let stacks: [Stack]

  /// Adds up the samples of equal stacks; those without a sample are left out.
  package init(_ stacks: [Stack]) {
    var samples: [[String]: Int] = [:]
    for stack in stacks where stack.samples > 0 {
      samples[stack.frames.map(Self.foldable), default: 0] += stack.samples
    }
    self.stacks = samples.map { Stack($0.key, samples: $0.value) }
      .sorted { $0.frames.lexicographicallyPrecedes($1.frames) }
  }

  /// All samples.
  package var samples: Int { stacks.reduce(0) { $0 + $1.samples } }

  /// A line `outermost;…;innermost samples` for every stack, the form that other tools for flame
  /// graphs read.
  package var text: String {
    stacks.map { "\($0.frames.joined(separator: ";")) \($0.samples)\n" }.joined()
  }

  /// All functions, those that ran most themselves first.
  package var functions: [Function] {
    var own: [String: Int] = [:]
    var total: [String: Int] = [:]
    for stack in stacks {
      if let last = stack.frames.last { own[last, default: 0] += stack.samples }
      for name in Set(stack.frames) { total[name, default: 0] += stack.samples }
    }
    return total.map { Function(name: $0.key, own: own[$0.key] ?? 0, total: $0.value) }
      .sorted { ($1.own, $1.total, $0.name) < ($0.own, $0.total, $1.name) }
  }

  /// A name that does not break the lines of the text form.
  private static func foldable(_ name: String) -> String {
    singleLine(name).replacing(";", with: ",")
  }
}
