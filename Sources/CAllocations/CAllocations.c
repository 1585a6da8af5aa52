#define _GNU_SOURCE
#include "CAllocations.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdatomic.h>

// What libFuzzer tests has the address sanitizer in its Swift alone, and its allocator throughout.
#if defined(__GLIBC__) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer) \
  && !__has_feature(coverage_sanitizer)
#define COUNTS
#endif

static _Thread_local unsigned long own_count;
static atomic_bool is_metering;
static atomic_ulong total_count;
static atomic_ulong total_bytes;

unsigned long allocation_count(void) { return own_count; }

void allocation_meter_start(void) {
  atomic_store(&total_count, 0);
  atomic_store(&total_bytes, 0);
  atomic_store(&is_metering, true);
}

struct allocation_totals allocation_meter_stop(void) {
  atomic_store(&is_metering, false);
  return (struct allocation_totals){atomic_load(&total_count), atomic_load(&total_bytes)};
}

bool allocations_are_counted(void) {
#if defined(COUNTS)
  return true;
#else
  return false;
#endif
}

size_t live_bytes(void) {
#if defined(__GLIBC__)
  // Looked up, as C libraries before glibc 2.33 do not have it, and the program starts there too.
  struct mallinfo2 (*function)(void) = (struct mallinfo2 (*)(void))dlsym(RTLD_DEFAULT, "mallinfo2");
  if (!function) return 0;
  struct mallinfo2 info = function();
  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

#if defined(COUNTS)

// The loader finds the program's own definitions of these functions before the C library's, also for
// the libraries that the program loads. Each counts and calls the next definition: the C library's, or
// that of another allocator that was preloaded. The C library's would be wrong there, as memory goes
// back through the other allocator's `free`, which is not replaced here.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t number, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static void note(size_t size) {
  own_count++;
  if (atomic_load_explicit(&is_metering, memory_order_relaxed)) {
    atomic_fetch_add_explicit(&total_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&total_bytes, size, memory_order_relaxed);
  }
}

enum function { MALLOC, CALLOC, REALLOC, ALIGNED_ALLOC, POSIX_MEMALIGN, FUNCTION_COUNT };

static const char *const names[FUNCTION_COUNT] = {
  "malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign",
};
static _Atomic(void *) found[FUNCTION_COUNT];

/// The next definition of a function, which is searched for once; while the search itself asks for
/// memory, the C library's.
static void *next(enum function which, void *fallback) {
  static _Thread_local bool is_searching;
  void *function = atomic_load_explicit(&found[which], memory_order_acquire);
  if (function) return function;
  if (is_searching) return fallback;
  is_searching = true;
  function = dlsym(RTLD_NEXT, names[which]);
  is_searching = false;
  if (!function) function = fallback;
  atomic_store_explicit(&found[which], function, memory_order_release);
  return function;
}

// All of them are searched for before `main`: `dlerror` of glibc 2.36 calls `realloc`, and a search there frees what it
// is about to write to.
__attribute__((constructor)) static void find_all(void) {
  for (enum function which = 0; which < FUNCTION_COUNT; which++) next(which, NULL);
}

#define NEXT(name, which, fallback) \
  __typeof__(&name) function = (__typeof__(&name))next(which, (void *)fallback)

static int libc_posix_memalign(void **result, size_t alignment, size_t size) {
  *result = __libc_memalign(alignment, size);
  return *result ? 0 : 12;
}

void *malloc(size_t size) {
  NEXT(malloc, MALLOC, __libc_malloc);
  note(size);
  return function(size);
}

void *calloc(size_t number, size_t size) {
  NEXT(calloc, CALLOC, __libc_calloc);
  note(number * size);
  return function(number, size);
}

void *realloc(void *pointer, size_t size) {
  NEXT(realloc, REALLOC, __libc_realloc);
  note(size);
  return function(pointer, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  NEXT(aligned_alloc, ALIGNED_ALLOC, __libc_memalign);
  note(size);
  return function(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  NEXT(posix_memalign, POSIX_MEMALIGN, libc_posix_memalign);
  note(size);
  return function(result, alignment, size);
}

#endif
