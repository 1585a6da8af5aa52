#pragma once

#include <stdbool.h>

/// Whether allocations are counted; not in a build with a sanitizer, which has functions of its own.
bool allocations_are_counted(void);

/// How often the calling thread has asked for memory so far, through any library of the process.
unsigned long allocation_count(void);
