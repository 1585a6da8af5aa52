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

// Which lanes are positive, one bit each, the first lane in the lowest bit; NaN is not. And the lanes of a vector whose
// bit is set, 0 elsewhere. Swift's masks become a loop over lanes in both.

typedef _Bool bits4 __attribute__((ext_vector_type(4)));
typedef _Bool bits8 __attribute__((ext_vector_type(8)));
typedef _Bool bits16 __attribute__((ext_vector_type(16)));
typedef int integers4 __attribute__((ext_vector_type(4)));
typedef int integers8 __attribute__((ext_vector_type(8)));
typedef int integers16 __attribute__((ext_vector_type(16)));

static inline __attribute__((always_inline)) unsigned char positive_4(vector4 v) {
  bits4 bits = __builtin_convertvector(v > 0, bits4);
  unsigned char result = 0;
  __builtin_memcpy(&result, &bits, 1);
  return result & 15;
}

static inline __attribute__((always_inline)) unsigned char positive_8(vector8 v) {
  bits8 bits = __builtin_convertvector(v > 0, bits8);
  unsigned char result;
  __builtin_memcpy(&result, &bits, 1);
  return result;
}

static inline __attribute__((always_inline)) unsigned short positive_16(vector16 v) {
  bits16 bits = __builtin_convertvector(v > 0, bits16);
  unsigned short result;
  __builtin_memcpy(&result, &bits, 2);
  return result;
}

static inline __attribute__((always_inline)) vector4 keep_4(vector4 v, unsigned char bits) {
  integers4 lanes = {1, 2, 4, 8};
  integers4 kept = ((integers4)(int)bits & lanes) != 0;
  return (vector4)((integers4)v & kept);
}

static inline __attribute__((always_inline)) vector8 keep_8(vector8 v, unsigned char bits) {
  integers8 lanes = {1, 2, 4, 8, 16, 32, 64, 128};
  integers8 kept = ((integers8)(int)bits & lanes) != 0;
  return (vector8)((integers8)v & kept);
}

static inline __attribute__((always_inline)) vector16 keep_16(vector16 v, unsigned short bits) {
  integers16 lanes = {1,   2,   4,    8,    16,   32,   64,    128,
                      256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
  integers16 kept = ((integers16)(int)bits & lanes) != 0;
  return (vector16)((integers16)v & kept);
}

// The lanes of v where r is positive, 0 elsewhere.

static inline __attribute__((always_inline)) vector4 keep_positive_4(vector4 v, vector4 r) {
  return (vector4)((integers4)v & (r > 0));
}

static inline __attribute__((always_inline)) vector8 keep_positive_8(vector8 v, vector8 r) {
  return (vector8)((integers8)v & (r > 0));
}

static inline __attribute__((always_inline)) vector16 keep_positive_16(vector16 v, vector16 r) {
  return (vector16)((integers16)v & (r > 0));
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
