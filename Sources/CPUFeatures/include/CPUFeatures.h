#pragma once
#include <stdbool.h>

/// Whether the processor and the system run code compiled for x86-64-v4 (AVX-512 F, BW, CD, DQ, VL).
bool cpu_supports_avx512(void);

/// Whether the processor and the system run code compiled for x86-64-v3 (AVX2, FMA, BMI, F16C).
bool cpu_supports_avx2(void);

/// Whether the processor multiplies and adds bytes on 512-bit vectors (AVX512_VNNI).
bool cpu_supports_avx512_vnni(void);

/// Whether the processor multiplies and adds bytes on 256-bit vectors without AVX-512 (AVX_VNNI).
bool cpu_supports_avx_vnni(void);

/// The number of processors on which the calling thread may run; 0 if the system does not say.
int cpu_affinity_count(void);

/// What the calling thread has noted as its work, an address; null before it has noted any.
const void *thread_work(void);

/// Notes the work of the calling thread.
void set_thread_work(const void *work);

/// Tells the processor that this thread spins in a waiting loop, so that it saves power and leaves the
/// core to its other thread.
static inline void cpu_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
