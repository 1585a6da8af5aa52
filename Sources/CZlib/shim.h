#include <zlib.h>

/// `inflateInit2` for a gzip stream: a macro, which Swift does not see.
static inline int gzip_inflate_init(z_stream *stream) { return inflateInit2(stream, 16 + MAX_WBITS); }
