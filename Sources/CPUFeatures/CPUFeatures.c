#define _GNU_SOURCE
#include "CPUFeatures.h"

#include <sched.h>

int cpu_affinity_count(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

static _Thread_local const void *own_work;

const void *thread_work(void) { return own_work; }
void set_thread_work(const void *work) { own_work = work; }

#if defined(__x86_64__)
#include <cpuid.h>

// A set of features by its bit; the system's part is that of AVX2 and AVX-512, which are asked for first.
static bool has_feature(unsigned part, bool in_ecx, unsigned bit) {
  unsigned eax, ebx, ecx, edx;
  return __get_cpuid_count(7, part, &eax, &ebx, &ecx, &edx) && ((in_ecx ? ecx : eax) >> bit & 1);
}

bool cpu_supports_avx512_vnni(void) { return cpu_supports_avx512() && has_feature(0, true, 11); }
bool cpu_supports_avx_vnni(void) { return cpu_supports_avx2() && has_feature(1, false, 4); }
bool cpu_supports_avx512(void) { return __builtin_cpu_supports("x86-64-v4"); }
bool cpu_supports_avx2(void) { return __builtin_cpu_supports("x86-64-v3"); }
#else
bool cpu_supports_avx512_vnni(void) { return false; }
bool cpu_supports_avx_vnni(void) { return false; }
bool cpu_supports_avx512(void) { return false; }
bool cpu_supports_avx2(void) { return false; }
#endif
