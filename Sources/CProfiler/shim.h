#include <dlfcn.h>
#include <gperftools/profiler.h>
#include <stddef.h>
#include <stdint.h>

/// The readable form of a symbol, to be freed, or NULL if it is none of Swift's. A function of Swift's
/// runtime, which no header declares.
char *swift_demangle(
    const char *name, size_t length, char *buffer, size_t *buffer_size, uint32_t flags);

/// The readable form of a symbol of C++, to be freed, or NULL if it is none. The function is looked up
/// while the program runs: the C++ runtime is in the process, as Swift's is written in C++, but this
/// program does not link with it.
static inline char *cxx_demangle(const char *name) {
  char *(*demangle)(const char *, char *, size_t *, int *) = dlsym(NULL, "__cxa_demangle");
  return demangle ? demangle(name, NULL, NULL, NULL) : NULL;
}
