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
// Whole numbers of 32 bits.
typedef int whole4 __attribute__((ext_vector_type(4)));
typedef int whole8 __attribute__((ext_vector_type(8)));
typedef int whole16 __attribute__((ext_vector_type(16)));

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
  whole4 lanes = {1, 2, 4, 8};
  whole4 kept = ((whole4)(int)bits & lanes) != 0;
  return (vector4)((whole4)v & kept);
}

static inline __attribute__((always_inline)) vector8 keep_8(vector8 v, unsigned char bits) {
  whole8 lanes = {1, 2, 4, 8, 16, 32, 64, 128};
  whole8 kept = ((whole8)(int)bits & lanes) != 0;
  return (vector8)((whole8)v & kept);
}

static inline __attribute__((always_inline)) vector16 keep_16(vector16 v, unsigned short bits) {
  whole16 lanes = {1,   2,   4,    8,    16,   32,   64,    128,
                      256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
  whole16 kept = ((whole16)(int)bits & lanes) != 0;
  return (vector16)((whole16)v & kept);
}

// Bytes, in as many lanes.
typedef unsigned char bytes4 __attribute__((ext_vector_type(4)));
typedef unsigned char bytes8 __attribute__((ext_vector_type(8)));
typedef unsigned char bytes16 __attribute__((ext_vector_type(16)));

typedef unsigned char bytes32 __attribute__((ext_vector_type(32)));
typedef unsigned char bytes64 __attribute__((ext_vector_type(64)));

// For N lanes: a whole number as a float, rounded to the nearest, to the even one of two; a byte as a float; and the
// nearest byte of a float, the even one of two. A number between 0 and 255 to which 1.5 * 2^23 is added has no room for
// a fraction, and its lowest bits are the rounded number.
#define CVECTOR_BYTES(N)                                                                           \
  static inline __attribute__((always_inline)) vector##N float_of_whole_##N(whole##N a) {          \
    return __builtin_convertvector(a, vector##N);                                                  \
  }                                                                                                \
  static inline __attribute__((always_inline)) vector##N float_of_bytes_##N(bytes##N a) {          \
    return __builtin_convertvector(__builtin_convertvector(a, whole##N), vector##N);               \
  }                                                                                                \
  static inline __attribute__((always_inline)) bytes##N nearest_bytes_##N(vector##N a) {           \
    a = a > 0 ? a : (vector##N)0.0f;                                                               \
    a = a < 255 ? a : (vector##N)255.0f;                                                           \
    a += (vector##N)12582912.0f;                                                                   \
    return __builtin_convertvector((whole##N)a & 255, bytes##N);                                   \
  }
CVECTOR_BYTES(4)
CVECTOR_BYTES(8)
CVECTOR_BYTES(16)

// The same of four vectors, one behind the other. Narrowing saturates, so that only what leaves 32 bits upwards has to
// be cut off before: downwards it becomes the least number.
#if defined(__AVX512BW__)
static inline __attribute__((always_inline)) bytes64 nearest_bytes_of_four_16(
    vector16 a, vector16 b, vector16 c, vector16 d) {
  typedef short halves __attribute__((vector_size(64)));
  typedef int whole __attribute__((vector_size(64)));
#define CVECTOR_NEAREST(v)                                                                         \
  (whole) __builtin_ia32_cvtps2dq512_mask(                                                         \
      (v) < 255 ? (v) : (vector16)255.0f, (whole16)0, (unsigned short)-1, 4)
  halves first = (halves)__builtin_ia32_packssdw512(CVECTOR_NEAREST(a), CVECTOR_NEAREST(b));
  halves second = (halves)__builtin_ia32_packssdw512(CVECTOR_NEAREST(c), CVECTOR_NEAREST(d));
#undef CVECTOR_NEAREST
  whole16 mixed = (whole16)__builtin_ia32_packuswb512(first, second);
  return (bytes64)__builtin_shufflevector(
      mixed, mixed, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}
#endif
#if defined(__AVX2__)
static inline __attribute__((always_inline)) bytes32 nearest_bytes_of_four_8(
    vector8 a, vector8 b, vector8 c, vector8 d) {
#define CVECTOR_NEAREST(v) __builtin_ia32_cvtps2dq256((v) < 255 ? (v) : (vector8)255.0f)
  whole8 mixed = (whole8)__builtin_ia32_packuswb256(
      __builtin_ia32_packssdw256(CVECTOR_NEAREST(a), CVECTOR_NEAREST(b)),
      __builtin_ia32_packssdw256(CVECTOR_NEAREST(c), CVECTOR_NEAREST(d)));
#undef CVECTOR_NEAREST
  return (bytes32)__builtin_shufflevector(mixed, mixed, 0, 4, 1, 5, 2, 6, 3, 7);
}
#endif
static inline __attribute__((always_inline)) bytes16 nearest_bytes_of_four_4(
    vector4 a, vector4 b, vector4 c, vector4 d) {
  bytes4 parts[4] = {
      nearest_bytes_4(a), nearest_bytes_4(b), nearest_bytes_4(c), nearest_bytes_4(d)};
  bytes16 all;
  __builtin_memcpy(&all, parts, 16);
  return all;
}

// The two halves of a vector, or its four quarters, each stored at a place of its own; Swift's become loops over lanes.
#if defined(__AVX512F__)
static inline __attribute__((always_inline)) void store_halves_16(
    bytes64 a, void *low, void *high) {
  whole16 all = (whole16)a;
  whole8 first = __builtin_shufflevector(all, all, 0, 1, 2, 3, 4, 5, 6, 7);
  whole8 second = __builtin_shufflevector(all, all, 8, 9, 10, 11, 12, 13, 14, 15);
  __builtin_memcpy(low, &first, 32);
  __builtin_memcpy(high, &second, 32);
}
static inline __attribute__((always_inline)) void store_quarters_16(
    bytes64 a, void *p0, void *p1, void *p2, void *p3) {
  whole16 all = (whole16)a;
  whole4 first = __builtin_shufflevector(all, all, 0, 1, 2, 3);
  whole4 second = __builtin_shufflevector(all, all, 4, 5, 6, 7);
  whole4 third = __builtin_shufflevector(all, all, 8, 9, 10, 11);
  whole4 fourth = __builtin_shufflevector(all, all, 12, 13, 14, 15);
  __builtin_memcpy(p0, &first, 16);
  __builtin_memcpy(p1, &second, 16);
  __builtin_memcpy(p2, &third, 16);
  __builtin_memcpy(p3, &fourth, 16);
}
#endif
#if defined(__AVX2__)
static inline __attribute__((always_inline)) void store_halves_8(
    bytes32 a, void *low, void *high) {
  whole8 all = (whole8)a;
  whole4 first = __builtin_shufflevector(all, all, 0, 1, 2, 3);
  whole4 second = __builtin_shufflevector(all, all, 4, 5, 6, 7);
  __builtin_memcpy(low, &first, 16);
  __builtin_memcpy(high, &second, 16);
}
#endif
static inline __attribute__((always_inline)) void store_halves_4(
    bytes16 a, void *low, void *high) {
  __builtin_memcpy(low, &a, 8);
  __builtin_memcpy(high, (const char *)&a + 8, 8);
}

// sum + u0*s0 + u1*s1 + u2*s2 + u3*s3 in every lane of 32 bits, whose bytes are the unsigned u and the signed s: one
// instruction, which nothing in Swift becomes. In assembly, as a function with an attribute for the instruction set
// would not be inlined into code that is compiled without; the program asks the processor first.
#if defined(__AVX512F__)
static inline __attribute__((always_inline)) whole16 add_byte_products_16(
    whole16 sum, whole16 u, whole16 s) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(u), "v"(s));
  return sum;
}
#endif
#if defined(__AVX2__)
static inline __attribute__((always_inline)) whole8 add_byte_products_8(
    whole8 sum, whole8 u, whole8 s) {
  __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(u), "x"(s));
  return sum;
}
#endif

// a0*b0 + a1*b1 in every lane of 32 bits, whose halves are the signed a and b; four unsigned bytes as halves, twice; 16
// signed bytes as halves; and the sums of two neighbours in a and in b, as they lie.
#if defined(__AVX2__)
static inline __attribute__((always_inline)) whole8 half_products_8(whole8 a, whole8 b) {
  typedef short halves __attribute__((vector_size(32)));
  return (whole8)__builtin_ia32_pmaddwd256((halves)a, (halves)b);
}

static inline __attribute__((always_inline)) whole8 four_bytes_as_halves_8(const void *four) {
  int bits;
  __builtin_memcpy(&bits, four, 4);
  bytes32 bytes = (bytes32)(whole8)bits, zero = 0;
  return (whole8)__builtin_shufflevector(
      bytes, zero, 0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 16, 48, 17, 49, 18, 50,
      19, 51, 20, 52, 21, 53, 22, 54, 23, 55);
}

static inline __attribute__((always_inline)) whole8 signed_bytes_as_halves_8(const void *bytes) {
  typedef signed char signed16 __attribute__((ext_vector_type(16)));
  typedef short halves16 __attribute__((ext_vector_type(16)));
  signed16 values;
  __builtin_memcpy(&values, bytes, 16);
  return (whole8)__builtin_convertvector(values, halves16);
}

static inline __attribute__((always_inline)) whole8 sums_of_neighbours_8(whole8 a, whole8 b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14) +
         __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
}
#endif

// Asks for a line of memory in the second-level cache; any address will do.
static inline __attribute__((always_inline)) void prefetch(const void *address) {
  __builtin_prefetch(address, 0, 2);
}

// Asks for a line of memory in the first-level cache, ready to be written; any address will do.
static inline __attribute__((always_inline)) void prefetchForWriting(const void *address) {
  __builtin_prefetch(address, 1, 3);
}

#endif
