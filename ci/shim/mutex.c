// Tells the thread sanitizer what it cannot see of Swift's `Mutex`. A mutex that is free is taken and given back by atomic
// operations in the program's own code, which the sanitizer knows. One that is contended is taken and given back
// by the kernel, in functions of the standard library that are not instrumented: to the sanitizer the thread that waited
// is not ordered behind the one that let it in, and whatever both touch under the lock is a race.
//
// This library, loaded before the standard library's, has functions of the same names that call the true ones and
// say which address orders the two. Nothing is suppressed: an access without the lock is a race as before.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

// Of the sanitizer's runtime, which is in the executable; null in processes that it starts.
__attribute__((weak)) void __tsan_acquire(void *);
__attribute__((weak)) void __tsan_release(void *);

#define SELF __attribute__((swift_context)) void *self
#define SWIFT __attribute__((swiftcall))
#define NAME(text) __asm__("$s15Synchronization12_MutexHandleV" text)

static void *original(const char *name) {
  void *address = dlsym(RTLD_NEXT, name);
  if (!address) abort();
  return address;
}

SWIFT void lock_slow(uint32_t thread, SELF) NAME("9_lockSlowyys6UInt32VF");
SWIFT void lock_slow(uint32_t thread, SELF) {
  SWIFT void (*call)(uint32_t, SELF) = original("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
  call(thread, self);
  if (__tsan_acquire) __tsan_acquire(self);
}

SWIFT bool try_lock_slow(SELF) NAME("12_tryLockSlowSbyF");
SWIFT bool try_lock_slow(SELF) {
  SWIFT bool (*call)(SELF) = original("$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF");
  bool isTaken = call(self);
  if (isTaken && __tsan_acquire) __tsan_acquire(self);
  return isTaken;
}

SWIFT void unlock_slow(SELF) NAME("11_unlockSlowyyF");
SWIFT void unlock_slow(SELF) {
  SWIFT void (*call)(SELF) = original("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
  if (__tsan_release) __tsan_release(self);
  call(self);
}
