#include "CDemangle.h"

// The C++ runtime is in the process, as Swift's is written in C++, but this program does not name it to the
// linker: hence weak.
extern char *__cxa_demangle(const char *, char *, size_t *, int *) __attribute__((weak));

char *cxx_demangle(const char *name) {
  return __cxa_demangle ? __cxa_demangle(name, NULL, NULL, NULL) : NULL;
}
