#pragma once
#include <stddef.h>
#include <stdint.h>

/// The readable form of a symbol, to be freed, or NULL if it is none of Swift's. A function of Swift's
/// runtime, which no header declares.
char *swift_demangle(
    const char *name, size_t length, char *buffer, size_t *buffer_size, uint32_t flags);

/// The readable form of a symbol of C++, to be freed, or NULL if it is none, or there is nobody to ask.
char *cxx_demangle(const char *name);
