import Benchmark

/// All micro-benchmarks; `--filter` takes a regular expression on their names.
let benchmarks: @Sendable () -> Void = {
  registerProducts()
  registerChannelwise()
  registerLatency()
  registerScaling()
}

/// A custom metric of which more is better; the library takes integers only.
func rate(_ name: String) -> BenchmarkMetric {
  .custom(name, polarity: .prefersLarger, useScalingFactor: false)
}
