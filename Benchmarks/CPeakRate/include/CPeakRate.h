#pragma once

/// Independent chains of multiply-adds in `peak_rate_spin`: enough to hide the latency of one.
#define PEAK_RATE_CHAINS 12

/// Nothing but fused multiply-adds in registers, as fast as one thread can go: every round makes
/// `PEAK_RATE_CHAINS` of them on vectors of `lanes` floats, 16 (AVX-512), 8 (AVX2 with FMA) or 4.
/// Returns the sum, so that the work has a use.
float peak_rate_spin(int lanes, long rounds, float factor);
