import CAllocations
import Classification
import Foundation

/// What a run did with memory.
package struct HeapSummary: Sendable, Equatable {
  /// Calls of malloc, calloc, realloc, aligned_alloc and posix_memalign by all threads and
  /// libraries; nil where they are not counted.
  package var allocations: Int?
  /// Bytes that they asked for.
  package var allocatedBytes: Int?
  /// Bytes in use on the heap before the run and after it, as the C library counts them, and of
  /// large buffers; nil where another allocator has taken its place.
  package var liveBytes: Live?
  /// The most bytes that the process had in physical memory during the run.
  package var peakResidentBytes: Int?

  package struct Live: Sendable, Equatable {
    package var before: Int
    package var after: Int
  }

  /// Runs `body` and looks at what it does with memory; one run at a time.
  package static func measuring<Result>(
    _ body: () throws -> Result
  ) rethrows -> (result: Result, heap: HeapSummary) {
    // Makes the system forget the largest size that the process had so far.
    try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
    let before = liveBytes()
    allocation_meter_start()
    let result: Result
    do { result = try body() } catch {
      _ = allocation_meter_stop()
      throw error
    }
    let totals = allocation_meter_stop()
    let isCounted = allocations_are_counted()
    return (
      result,
      HeapSummary(
        allocations: isCounted ? Int(clamping: totals.count) : nil,
        allocatedBytes: isCounted ? Int(clamping: totals.bytes) : nil,
        liveBytes: before.flatMap { before in
          liveBytes().map { Live(before: before, after: $0) }
        },
        peakResidentBytes: peakResidentBytes())
    )
  }

  private static func liveBytes() -> Int? {
    let heap = Int(clamping: live_bytes())
    return heap == 0 ? nil : heap + AlignedBuffer.mappedBytes
  }

  /// The line "VmHWM: 1234 kB" of the process's status.
  private static func peakResidentBytes() -> Int? {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    let words = line?.split(whereSeparator: \.isWhitespace) ?? []
    return words.count > 1 ? Int(words[1]).map { $0 * 1024 } : nil
  }

  /// What was counted, for a reader.
  ///
  /// - Parameter executions: how often the work was done in this run.
  func text(executions: Int) -> String {
    func each(_ value: Int) -> Double { Double(value) / Double(max(executions, 1)) }
    var lines: [String] = []
    let share = executions == 1 ? "in all" : "per execution"
    if let allocations, let allocatedBytes {
      lines.append(
        String(
          format: "allocations %@: %.1f of %@ together", share, each(allocations),
          Self.size(each(allocatedBytes)))
          + " (calls of malloc and its like, all threads and libraries)")
    } else {
      lines.append("allocations: not counted in a build with a sanitizer")
    }
    if let liveBytes {
      let change = liveBytes.after - liveBytes.before
      lines.append(
        "live on the heap: \(Self.size(Double(liveBytes.before))) before, "
          + "\(change < 0 ? "−" : "+")\(Self.size(Double(abs(change)))) after "
          + "(with memory that is kept for the next buffer or never touched)")
    }
    if let peakResidentBytes {
      lines.append(
        "resident at most: \(Self.size(Double(peakResidentBytes))) "
          + "(the whole process, its code and weights included)")
    }
    return lines.joined(separator: "\n")
  }

  private static func size(_ bytes: Double) -> String {
    switch bytes {
    case ..<1e3: String(format: "%.0f B", bytes)
    case ..<1e6: String(format: "%.1f kB", bytes / 1e3)
    case ..<1e9: String(format: "%.1f MB", bytes / 1e6)
    default: String(format: "%.2f GB", bytes / 1e9)
    }
  }
}
