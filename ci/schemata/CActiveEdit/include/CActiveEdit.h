#ifndef CACTIVEEDIT_H
#define CACTIVEEDIT_H

/// A hash of the title of the wrong edit that is active in this process, or 0. A plain load, unlike a
/// global of Swift, which asks at each use whether it is there already: kernels use it in inner loops.
extern const unsigned activeEdit;

#endif
