#include "CSHA256.h"

#include <string.h>

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
static const uint32_t constants[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotated(uint32_t x, unsigned n) { return x >> n | x << (32 - n); }

static uint32_t big_endian(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void sha256_blocks_portable(uint32_t state[8], const uint8_t *bytes, size_t blocks) {
  for (; blocks > 0; blocks--, bytes += 64) {
    uint32_t w[64];
    for (int t = 0; t < 16; t++) w[t] = big_endian(bytes + 4 * t);
    for (int t = 16; t < 64; t++) {
      uint32_t early = rotated(w[t - 15], 7) ^ rotated(w[t - 15], 18) ^ w[t - 15] >> 3;
      uint32_t late = rotated(w[t - 2], 17) ^ rotated(w[t - 2], 19) ^ w[t - 2] >> 10;
      w[t] = w[t - 16] + early + w[t - 7] + late;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; t++) {
      uint32_t mixed = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
      uint32_t first = h + mixed + ((e & f) ^ (~e & g)) + constants[t] + w[t];
      uint32_t second =
        (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + first;
      d = c, c = b, b = a, a = first + second;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
  }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

// Four rounds an instruction pair. The instructions want the state as (a, b, e, f) and (c, d, g, h), highest
// word first. Source: Intel, "Intel SHA Extensions", 2013.
__attribute__((target("sha,sse4.1"))) static void blocks_in_vectors(
    uint32_t state[8], const uint8_t *bytes, size_t blocks) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i abcd = _mm_loadu_si128((const __m128i *)state);
  __m128i efgh = _mm_loadu_si128((const __m128i *)(state + 4));
  // Words from the lowest on: abcd is (a, b, c, d).
  __m128i badc = _mm_shuffle_epi32(abcd, 0xb1), hgfe = _mm_shuffle_epi32(efgh, 0x1b);
  __m128i feba = _mm_alignr_epi8(badc, hgfe, 8), hgdc = _mm_blend_epi16(hgfe, badc, 0xf0);
  for (; blocks > 0; blocks--, bytes += 64) {
    const __m128i old_feba = feba, old_hgdc = hgdc;
    // The last sixteen words of the schedule, in a ring.
    __m128i w[4];
#pragma clang loop unroll(full)
    for (int t = 0; t < 16; t++) {
      if (t < 4) {
        w[t] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(bytes + 16 * t)), swap);
      } else {
        // Words −15 … −12 with −16 … −13, then −7 … −4, then −2 and −1.
        __m128i early = _mm_sha256msg1_epu32(w[t % 4], w[(t + 1) % 4]);
        __m128i seventh = _mm_alignr_epi8(w[(t + 3) % 4], w[(t + 2) % 4], 4);
        w[t % 4] = _mm_sha256msg2_epu32(_mm_add_epi32(early, seventh), w[(t + 3) % 4]);
      }
      __m128i sum =
        _mm_add_epi32(w[t % 4], _mm_loadu_si128((const __m128i *)(constants + 4 * t)));
      hgdc = _mm_sha256rnds2_epu32(hgdc, feba, sum);
      feba = _mm_sha256rnds2_epu32(feba, hgdc, _mm_shuffle_epi32(sum, 0x0e));
    }
    feba = _mm_add_epi32(feba, old_feba);
    hgdc = _mm_add_epi32(hgdc, old_hgdc);
  }
  __m128i abef = _mm_shuffle_epi32(feba, 0x1b), ghcd = _mm_shuffle_epi32(hgdc, 0xb1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(abef, ghcd, 0xf0));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(ghcd, abef, 8));
}

sha256_blocks *sha256_blocks_native(void) {
  unsigned eax, ebx, ecx, edx;
  bool has_sha = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && ebx >> 29 & 1;
  return has_sha && __builtin_cpu_supports("sse4.1") ? blocks_in_vectors : NULL;
}
#else
sha256_blocks *sha256_blocks_native(void) { return NULL; }
#endif

static sha256_blocks *chosen;

// Asked once, before `main`: in a virtual machine every question to the processor leaves it.
__attribute__((constructor)) static void choose(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
  chosen = sha256_blocks_native();
  if (!chosen) chosen = sha256_blocks_portable;
}

void sha256_begin(struct sha256_context *hash) {
  // The first 32 bits of the fractional parts of the square roots of the first 8 primes.
  *hash = (struct sha256_context){.state = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  }};
}

void sha256_add(struct sha256_context *hash, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  size_t held = hash->count % 64;
  hash->count += count;
  if (held > 0) {
    size_t taken = count < 64 - held ? count : 64 - held;
    memcpy(hash->rest + held, next, taken);
    if (held + taken < 64) return;
    chosen(hash->state, hash->rest, 1);
    next += taken;
    count -= taken;
  }
  chosen(hash->state, next, count / 64);
  if (count % 64 > 0) memcpy(hash->rest, next + count / 64 * 64, count % 64);
}

void sha256_end(struct sha256_context *hash, uint8_t digest[32]) {
  // A 1 bit, zeros, and the number of bits in the last eight bytes of a block.
  const uint64_t bits = hash->count * 8;
  uint8_t padding[72] = {0x80};
  const size_t zeros = (119 - hash->count % 64) % 64;
  for (int i = 0; i < 8; i++) padding[1 + zeros + i] = (uint8_t)(bits >> (56 - 8 * i));
  sha256_add(hash, padding, 1 + zeros + 8);
  for (int i = 0; i < 8; i++) {
    for (int byte = 0; byte < 4; byte++) {
      digest[4 * i + byte] = (uint8_t)(hash->state[i] >> (24 - 8 * byte));
    }
  }
}
