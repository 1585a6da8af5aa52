/// Where the values of a pass, forwards or backwards, lie in one stretch of memory. A value takes memory that no other
/// needs at the same time: two or three activations in place of all, few enough to stay in the cache.
package struct ActivationLayout: Sendable {
  /// What a step does with memory.
  package struct Access: Sendable {
    /// Slots that it reads.
    package var reads: [Int]
    /// The slot that it writes, if any.
    package var written: Int?
    /// One that it reads and may write over while it does, number by number.
    package var replaceable: Int?

    package init(reads: [Int], written: Int? = nil, replaceable: Int? = nil) {
      self.reads = reads
      self.written = written
      self.replaceable = replaceable
    }
  }

  /// Steps that are run for a few images at a time, again and again.
  package struct Segment: Sendable {
    package var accesses: [Access]
    package var images: Int

    package init(accesses: [Access], images: Int) {
      self.accesses = accesses
      self.images = images
    }
  }

  /// In floats, by slot; −1 for a slot that no step uses.
  package private(set) var offsets: [Int]
  /// For how many images there is room, by slot: all, or, for a slot that is used inside of one segment only, as many
  /// as the segment is run for at a time.
  package private(set) var images: [Int]
  /// Floats in all.
  package private(set) var count = 0
  /// Images of a pass.
  private let capacity: Int
  /// Floats of one image, by slot.
  private let sizes: [Int]

  /// The layout of a pass.
  ///
  /// - Parameters:
  ///   - segments: in the order in which they run.
  ///   - sizes: floats of one image, by slot.
  ///   - images: of the whole pass.
  package init(_ segments: [Segment], sizes: [Int], images: Int) {
    offsets = [Int](repeating: -1, count: sizes.count)
    self.images = [Int](repeating: 0, count: sizes.count)
    self.sizes = sizes
    capacity = images
    var lives = Self.lives(segments, count: sizes.count)
    for slot in sizes.indices {
      guard let life = lives[slot] else { continue }
      self.images[slot] = life.segment.map { min(images, segments[$0].images) } ?? images
    }
    // A slot that takes the place of another begins where that does.
    var owners = Array(sizes.indices)
    var time = 0
    for (number, segment) in segments.enumerated() {
      for access in segment.accesses {
        if let written = access.written, let old = access.replaceable, written != old,
          access.reads.count(where: { $0 == old }) == 1,
          let life = lives[written], let oldLife = lives[old],
          life.segment == number, oldLife.segment == number,
          life.times.lowerBound == time, oldLife.times.upperBound == time,
          sizes[written] == sizes[old]
        {
          owners[written] = owners[old]
          lives[owners[old]]?.extend(to: life.times.upperBound)
          lives[written] = nil
        }
        time += 1
      }
    }
    // The largest first, each at the lowest place that is free as long as it lives.
    var placed: [(life: Life, place: Range<Int>)] = []
    let order = sizes.indices.filter { lives[$0] != nil }.sorted {
      (-floats($0), $0) < (-floats($1), $1)
    }
    for slot in order {
      guard let life = lives[slot] else { continue }
      let need = floats(slot)
      var start = 0
      for other in placed where other.life.times.overlaps(life.times) {
        if other.place.lowerBound >= start + need { break }
        start = max(start, other.place.upperBound)
      }
      offsets[slot] = start
      count = max(count, start + need)
      let place = placed.firstIndex { $0.place.lowerBound > start } ?? placed.count
      placed.insert((life, start..<start + need), at: place)
    }
    for (slot, owner) in owners.enumerated() where owner != slot { offsets[slot] = offsets[owner] }
  }

  /// Floats from the beginning of the memory to those of an image. A slot with room for the images of one round
  /// begins at the same place in every round.
  func offset(_ slot: Int, _ image: Int) -> Int {
    offsets[slot] + place(image, of: slot) * sizes[slot]
  }

  /// Which of the images for which a slot has room is this one; the first of every round for a slot of one round.
  func place(_ image: Int, of slot: Int) -> Int { images[slot] == capacity ? image : 0 }

  /// When a slot is needed.
  private struct Life {
    /// Numbers of accesses, counted through all segments.
    var times: ClosedRange<Int>
    /// The one segment that uses it; nil if several do.
    var segment: Int?

    mutating func extend(to time: Int) { times = times.lowerBound...max(times.upperBound, time) }
  }

  /// When every slot is needed. What several segments use has to stay while these begin again for their next images.
  private static func lives(_ segments: [Segment], count: Int) -> [Life?] {
    var lives = [Life?](repeating: nil, count: count)
    var start = 0
    for (number, segment) in segments.enumerated() {
      let all = start...start + max(segment.accesses.count, 1) - 1
      for (place, access) in segment.accesses.enumerated() {
        for slot in access.reads + (access.written.map { [$0] } ?? []) {
          let now = start + place
          guard let life = lives[slot] else {
            lives[slot] = Life(times: now...now, segment: number)
            continue
          }
          if life.segment == number {
            lives[slot]?.extend(to: now)
          } else {
            // The segment where it began counts as a whole too.
            let first = life.segment.map { segment in
              segments[..<segment].reduce(0) { $0 + $1.accesses.count }
            }
            lives[slot] = Life(
              times: (first ?? life.times.lowerBound)...all.upperBound, segment: nil)
          }
        }
      }
      start += segment.accesses.count
    }
    return lives
  }

  /// Whole cache lines, so that no two slots share one.
  private func floats(_ slot: Int) -> Int { (sizes[slot] * images[slot] + 15) / 16 * 16 }
}
