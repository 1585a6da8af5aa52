#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// SHA-256 of bytes that come in pieces. Source: NIST, FIPS 180-4, section 6.2.
struct sha256_context {
  /// The hash of all whole blocks so far.
  uint32_t state[8];
  /// The bytes so far; those behind the last whole block of 64 are in `rest`.
  uint64_t count;
  uint8_t rest[64];
};

/// The state before the first byte.
void sha256_begin(struct sha256_context *hash);

/// Adds bytes; `bytes` may be NULL where there are none.
void sha256_add(struct sha256_context *hash, const void *bytes, size_t count);

/// Writes the digest of what was added, after which `hash` is of no use.
void sha256_end(struct sha256_context *hash, uint8_t digest[32]);

/// Adds whole blocks of 64 bytes to a state.
typedef void sha256_blocks(uint32_t state[8], const uint8_t *bytes, size_t blocks);

/// In plain C, for every processor.
sha256_blocks sha256_blocks_portable;

/// By the processor's own instructions for it, or NULL where it has none.
sha256_blocks *sha256_blocks_native(void);
