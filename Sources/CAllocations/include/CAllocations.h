#pragma once

#include <stdbool.h>
#include <stddef.h>

/// Whether allocations are counted; not in a build with a sanitizer, which has its own functions.
bool allocations_are_counted(void);

/// How often the calling thread has asked for memory so far, through any library of the process.
unsigned long allocation_count(void);

/// How often memory was asked for, and how many bytes in all.
struct allocation_totals {
  unsigned long count;
  unsigned long bytes;
};

/// From now on all threads are counted together, from zero on; one meter at a time.
void allocation_meter_start(void);
/// What all threads have asked for since the start, and the end of counting.
struct allocation_totals allocation_meter_stop(void);

/// Bytes that are allocated at the moment, as the C library knows them; 0 if it does not.
size_t live_bytes(void);
