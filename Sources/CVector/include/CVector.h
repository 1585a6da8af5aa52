#ifndef CVECTOR_H
#define CVECTOR_H

// c + a·b, rounded once: one instruction on processors with FMA, a call of `fmaf` per lane elsewhere.
// Swift's `addingProduct` on vectors is a loop over lanes, which the optimiser turns into that
// instruction only in the simplest surroundings.

typedef float vector4 __attribute__((ext_vector_type(4)));
typedef float vector8 __attribute__((ext_vector_type(8)));
typedef float vector16 __attribute__((ext_vector_type(16)));

static inline __attribute__((always_inline)) vector4 multiply_add_4(
    vector4 a, vector4 b, vector4 c) {
  return __builtin_elementwise_fma(a, b, c);
}

static inline __attribute__((always_inline)) vector8 multiply_add_8(
    vector8 a, vector8 b, vector8 c) {
  return __builtin_elementwise_fma(a, b, c);
}

static inline __attribute__((always_inline)) vector16 multiply_add_16(
    vector16 a, vector16 b, vector16 c) {
  return __builtin_elementwise_fma(a, b, c);
}

// Asks for a line of memory in the second-level cache; any address will do.
static inline __attribute__((always_inline)) void prefetch(const void *address) {
  __builtin_prefetch(address, 0, 2);
}

// Asks for a line of memory in the first-level cache, ready to be written; any address will do.
static inline __attribute__((always_inline)) void prefetchForWriting(const void *address) {
  __builtin_prefetch(address, 1, 3);
}

#endif
