#include "CDigits.h"

static const unsigned char records[] = {
#embed "digits.bin"
};

const unsigned char *_Nonnull digits_records(void) { return records; }

unsigned long digits_byte_count(void) { return sizeof records; }
