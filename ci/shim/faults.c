// Lets the n-th change that a process makes to files of one folder go wrong; `ci/faults` loads it in front of the C
// library, so that the program under test is the one that is shipped.
//
// FAULT_ROOT: the folder. FAULT_AT: n, from 1; 0 for none. FAULT_KIND: "full", no space from there on, a write comes to
// half its bytes before; "error", an input/output error, once; "kill", the process is killed at that point, a write comes
// to half its bytes. FAULT_LOG: a file outside the folder that gets the number of changes when the process ends.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const char *root, *kind;
static long at, count;
static char ours[65536];
static int isHalf;

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
  root = getenv("FAULT_ROOT");
  kind = getenv("FAULT_KIND");
  at = atol(getenv("FAULT_AT") ? getenv("FAULT_AT") : "0");
  // What this process starts is not the subject.
  unsetenv("LD_PRELOAD");
}

__attribute__((destructor)) static void end(void) {
  const char *log = getenv("FAULT_LOG");
  FILE *file = log ? fopen(log, "w") : NULL;
  if (file) fprintf(file, "%ld\n", count), fclose(file);
}

static int inside(const char *path) {
  return root && path && (path[0] != '/' || !strncmp(path, root, strlen(root)));
}

// Whether the change that is about to be made goes wrong, with `errno` set; a process may end here.
static int fails(void) {
  pthread_mutex_lock(&mutex);
  long number = ++count;
  pthread_mutex_unlock(&mutex);
  if (at == 0 || !kind) return 0;
  if (!strcmp(kind, "full")) { errno = ENOSPC; return number >= at; }
  if (number != at) return 0;
  errno = EIO;
  return 1;
}

static void killed(void) {
  if (!strcmp(kind, "kill")) kill(getpid(), SIGKILL);
}

#define FAILING(failure) if (fails()) { int code = errno; killed(); errno = code; return failure; }

static int opened(int descriptor) {
  if (descriptor >= 0 && descriptor < (int)sizeof ours) ours[descriptor] = 1;
  return descriptor;
}

#define OPEN(name)                                                  \
  int name(const char *path, int flags, ...) {                      \
    va_list list;                                                   \
    va_start(list, flags);                                          \
    mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;       \
    va_end(list);                                                   \
    if (!inside(path) || (flags & O_ACCMODE) == O_RDONLY) {         \
      return REAL(name)(path, flags, mode);                         \
    }                                                               \
    FAILING(-1)                                                     \
    return opened(REAL(name)(path, flags, mode));                   \
  }
OPEN(open)
OPEN(open64)

int close(int descriptor) {
  if (descriptor >= 0 && descriptor < (int)sizeof ours) ours[descriptor] = 0;
  return REAL(close)(descriptor);
}

static int isOurs(int descriptor) {
  return descriptor >= 0 && descriptor < (int)sizeof ours && ours[descriptor];
}

ssize_t write(int descriptor, const void *bytes, size_t size) {
  if (isOurs(descriptor) && fails()) {
    int code = errno;
    // Half of it comes to the file first; the rest is asked for again, and fails then.
    if (strcmp(kind, "error") && size > 1 && !isHalf) {
      isHalf = 1;
      ssize_t written = REAL(write)(descriptor, bytes, size / 2);
      killed();
      return written;
    }
    killed();
    errno = code;
    return -1;
  }
  return REAL(write)(descriptor, bytes, size);
}

int fsync(int descriptor) {
  if (isOurs(descriptor)) FAILING(-1)
  return REAL(fsync)(descriptor);
}

int ftruncate(int descriptor, off_t size) {
  if (isOurs(descriptor)) FAILING(-1)
  return REAL(ftruncate)(descriptor, size);
}

int rename(const char *from, const char *to) {
  if (inside(to)) FAILING(-1)
  return REAL(rename)(from, to);
}

int mkdir(const char *path, mode_t mode) {
  if (inside(path)) FAILING(-1)
  return REAL(mkdir)(path, mode);
}

int unlink(const char *path) {
  // A full disk takes no space to remove a file.
  if (inside(path) && (!kind || strcmp(kind, "full"))) FAILING(-1)
  return REAL(unlink)(path);
}
