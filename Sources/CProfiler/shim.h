#include <gperftools/profiler.h>
