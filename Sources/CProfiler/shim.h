#include <dlfcn.h>
#include <gperftools/profiler.h>
#include <stddef.h>
#include <stdint.h>

/// Swift's runtime: the readable form of a symbol, to be freed, or NULL if it is none of Swift's.
char *swift_demangle(
    const char *name, size_t length, char *buffer, size_t *buffer_size, uint32_t flags);

/// The readable form of a symbol of C++, to be freed, or NULL if it is none. The C++ runtime is in
/// the process because Swift's is written in it, but nobody links with it.
static inline char *cxx_demangle(const char *name) {
  char *(*demangle)(const char *, char *, size_t *, int *) = dlsym(NULL, "__cxa_demangle");
  return demangle ? demangle(name, NULL, NULL, NULL) : NULL;
}
