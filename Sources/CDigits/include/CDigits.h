#pragma once

/// The UCI optical digits: 5,620 records of 65 bytes, 64 pixels 0..16 row by row and the label.
/// The first 3,823 are the training file, the rest the test file.
const unsigned char *_Nonnull digits_records(void);

/// The number of bytes at `digits_records`.
unsigned long digits_byte_count(void);
