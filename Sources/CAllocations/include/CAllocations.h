#pragma once

#include <stdbool.h>
#include <stddef.h>

/// Whether allocations are counted; not in a build with a sanitizer, which has an allocator of its own,
/// nor with a C library other than glibc.
bool allocations_are_counted(void);

/// How often the calling thread has asked for memory so far, through any library of the process.
unsigned long allocation_count(void);

/// How often memory was asked for, and how many bytes in all.
struct allocation_totals {
  unsigned long count;
  unsigned long bytes;
};

/// Begins to count what all threads together ask for, from zero. There is one meter in the process.
void allocation_meter_start(void);
/// Ends the counting and returns what all threads have asked for since it began.
struct allocation_totals allocation_meter_stop(void);

/// Bytes that are allocated at the moment, as the C library knows them; 0 if it does not.
size_t live_bytes(void);
