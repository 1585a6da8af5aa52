#include <cblas.h>

// OpenBLAS exports these and declares them in no header. Called in this order after the environment
// variable OPENBLAS_CORETYPE was set from within the process, they make it choose its kernels again.
void gotoblas_dynamic_quit(void);
void gotoblas_dynamic_init(void);
