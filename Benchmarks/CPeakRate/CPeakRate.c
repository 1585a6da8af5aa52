#include "CPeakRate.h"

#pragma clang fp contract(fast)

/// A function for vectors of so many floats, compiled for the instruction set that has them.
#define SPIN(LANES, ATTRIBUTES)                                                          \
  ATTRIBUTES static float spin##LANES(long rounds, float factor) {                       \
    typedef float Vector __attribute__((vector_size(4 * LANES)));                        \
    Vector a = factor - (Vector){}, sums[PEAK_RATE_CHAINS], total = {};                  \
    for (int i = 0; i < PEAK_RATE_CHAINS; i++) sums[i] = a * (float)i;                   \
    for (long round = 0; round < rounds; round++)                                        \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < PEAK_RATE_CHAINS; i++)      \
        sums[i] = sums[i] * a + a;                                                       \
    for (int i = 0; i < PEAK_RATE_CHAINS; i++) total += sums[i];                         \
    float result = 0;                                                                    \
    for (int i = 0; i < LANES; i++) result += total[i];                                  \
    return result;                                                                       \
  }

SPIN(4, )
#if defined(__x86_64__)
SPIN(8, __attribute__((target("avx2,fma"))))
SPIN(16, __attribute__((target("avx512f"))))
#endif

float peak_rate_spin(int lanes, long rounds, float factor) {
#if defined(__x86_64__)
  if (lanes == 16) return spin16(rounds, factor);
  if (lanes == 8) return spin8(rounds, factor);
#endif
  return spin4(rounds, factor);
}
