#include "CPUFeatures.h"

#if defined(__x86_64__)
bool cpu_supports_avx512(void) { return __builtin_cpu_supports("x86-64-v4"); }
bool cpu_supports_avx2(void) { return __builtin_cpu_supports("x86-64-v3"); }
#else
bool cpu_supports_avx512(void) { return false; }
bool cpu_supports_avx2(void) { return false; }
#endif
