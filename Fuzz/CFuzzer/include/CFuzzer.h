#pragma once
#include <stddef.h>
#include <stdint.h>

/// What libFuzzer does to bytes by itself, at most `most` of them; returns how many there are then.
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t count, size_t most);
