// Four threads that count under one lock, which none of them ever finds free; with the word `race` two of them also count
// without it. What a thread sanitizer has to say of the first is nothing, of the second one race.

import Foundation
import Synchronization

final class Counts: @unchecked Sendable {
  let locked = Mutex(0)
  var bare = 0
}

let counts = Counts()
let races = CommandLine.arguments.contains("race")
let ends = DispatchSemaphore(value: 0)
for number in 0..<4 {
  Thread {
    for _ in 0..<200 {
      counts.locked.withLock { count in
        count += 1
        // The others come to the lock meanwhile.
        usleep(10)
      }
      if races, number < 2 { counts.bare += 1 }
    }
    ends.signal()
  }.start()
}
for _ in 0..<4 { ends.wait() }
print(counts.locked.withLock(\.self))
