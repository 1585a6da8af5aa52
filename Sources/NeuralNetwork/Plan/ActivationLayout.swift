/// Where the activations of a plan lie in one stretch of memory.
package struct ActivationLayout: Sendable {
  /// In floats, by slot.
  package private(set) var offsets: [Int]
  /// For how many images there is room, by slot.
  package private(set) var images: [Int]
  /// Floats in all.
  package private(set) var count = 0

  /// Every slot has memory of its own, so that a backward pass finds all activations.
  package init(separateFor plan: InferencePlan, images: Int) {
    offsets = []
    self.images = plan.slots.map { _ in images }
    for slot in plan.slots {
      offsets.append(count)
      count += Self.floats(slot, images)
    }
  }

  /// A slot takes memory that a forward pass no longer needs: two or three activations in place of all, few
  /// enough to stay in the cache. Slots that are used inside of one segment only have room for as many images as
  /// the segment is run for at a time.
  package init(sharedFor plan: InferencePlan, images: Int) {
    let (steps, slots, lastUse) = (plan.steps, plan.slots, plan.lastUse)
    offsets = [Int](repeating: -1, count: slots.count)
    self.images = slots.map { _ in images }
    self.images[0] = min(images, plan.segments.first?.images ?? images)
    for segment in plan.segments {
      for step in steps[segment.steps].dropLast() {
        self.images[step.output] = min(images, segment.images)
      }
    }
    // Free stretches of memory by position.
    var free: [(start: Int, count: Int)] = []
    func take(_ slot: Int) {
      let need = Self.floats(slots[slot], self.images[slot])
      if let found = free.firstIndex(where: { $0.count >= need }) {
        offsets[slot] = free[found].start
        free[found].start += need
        free[found].count -= need
        if free[found].count == 0 { free.remove(at: found) }
      } else {
        // The last stretch grows if it is free.
        if let tail = free.last, tail.start + tail.count == count {
          count = tail.start
          free.removeLast()
        }
        offsets[slot] = count
        count += need
      }
    }
    func release(_ slot: Int) {
      let need = Self.floats(slots[slot], self.images[slot])
      let place = free.firstIndex { $0.start > offsets[slot] } ?? free.count
      free.insert((offsets[slot], need), at: place)
      for index in [place, place - 1] where index >= 0 && index + 1 < free.count {
        if free[index].start + free[index].count == free[index + 1].start {
          free[index].count += free[index + 1].count
          free.remove(at: index + 1)
        }
      }
    }
    take(0)
    for segment in plan.segments {
      // A segment begins again for the next images: what it was given stays until its end.
      var ended: [Int] = []
      // And its result is read by the next segment, so it must not lie where this one works.
      let result = steps[segment.steps.upperBound - 1].output
      let own = Set(steps[segment.steps].map(\.output))
      take(result)
      for index in segment.steps {
        let step = steps[index]
        if let addend = step.addend, lastUse[addend] == index, !step.inputs.contains(addend),
          own.contains(addend), step.output != result
        {
          // The sum takes the place of its addend.
          offsets[step.output] = offsets[addend]
        } else {
          if step.output != result { take(step.output) }
          if let addend = step.addend, lastUse[addend] == index, !step.inputs.contains(addend) {
            ended.append(addend)
          }
        }
        for slot in Set(step.inputs) where lastUse[slot] == index { ended.append(slot) }
        // Slots of this segment are free at once, those from before at its end.
        for slot in ended where own.contains(slot) {
          release(slot)
          ended.removeAll { $0 == slot }
        }
      }
      for slot in ended { release(slot) }
    }
  }

  /// Whole cache lines, so that no two slots share one.
  private static func floats(_ slot: InferencePlan.Slot, _ images: Int) -> Int {
    (slot.count * images + 15) / 16 * 16
  }
}
