#include <cblas.h>

// Exported by the library and declared in no header: they repeat its choice of kernels after the
// environment variable OPENBLAS_CORETYPE has been set from within the process.
void gotoblas_dynamic_quit(void);
void gotoblas_dynamic_init(void);
