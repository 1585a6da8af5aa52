#define _GNU_SOURCE
#include "CPUFeatures.h"

#include <sched.h>

int cpu_affinity_count(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

#if defined(__x86_64__)
bool cpu_supports_avx512(void) { return __builtin_cpu_supports("x86-64-v4"); }
bool cpu_supports_avx2(void) { return __builtin_cpu_supports("x86-64-v3"); }
#else
bool cpu_supports_avx512(void) { return false; }
bool cpu_supports_avx2(void) { return false; }
#endif
