// swift-tools-version: 6.2
// Tools version 6.2 is the first under which a dependent may use a package with unsafe flags.

import PackageDescription

// MARK: Settings

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"), .treatAllWarnings(as: .error),
]

/// Numeric loops stay optimised in debug builds, or the tests would take a thousand times longer.
let optimised: [SwiftSetting] = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// Most tests stay without the optimiser in release builds too: with it they take the compiler twice as long, and then
/// spend their time in what they test. Those that compute much themselves are `strict` alone.
let unoptimised: [SwiftSetting] =
  strict + [.unsafeFlags(["-Onone"], .when(configuration: .release))]

/// The vectorised kernels are one folder, compiled once for each instruction set and chosen at run
/// time; links give the folder one name per target.
func kernels(_ instructionSet: String, march: String) -> Target {
  #if arch(x86_64)
    let flags = ["-Ounchecked", "-Xcc", "-march=\(march)"]
  #else
    let flags = ["-Ounchecked"]
  #endif
  return .target(
    name: "Kernels\(instructionSet)", dependencies: ["CVector", "KernelTables"],
    swiftSettings: strict + [.unsafeFlags(flags), .define(instructionSet.uppercased())])
}

let package = Package(
  name: "mixup-inference",
  // Every library comes with the modules that its public signatures name.
  products: [
    .executable(name: "mixup-inference", targets: ["mixup-inference"]),
    .library(name: "Robustness", targets: ["Robustness", "Classification", "Statistics"]),
    .library(
      name: "MixupInference",
      targets: ["MixupInference", "Robustness", "Classification", "Statistics"]),
    .library(
      name: "NeuralNetwork",
      targets: ["NeuralNetwork", "Datasets", "Kernels", "Classification", "Statistics"]),
    .library(
      name: "Training",
      targets: [
        "Training", "Datasets", "NeuralNetwork", "Kernels", "MixupInference", "Robustness",
        "Classification", "Statistics",
      ]),
    .library(
      name: "Experiments",
      targets: [
        "Experiments", "Training", "Datasets", "NeuralNetwork", "Kernels", "MixupInference",
        "Robustness", "Classification", "Statistics",
      ]),
    .library(name: "PropertyTesting", targets: ["PropertyTesting", "PropertyChecks"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
  ],
  targets: [
    // MARK: System libraries and C shims
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CAllocations"),
    .target(name: "CDemangle"),
    .target(name: "CPUFeatures"),
    .target(name: "CSHA256", cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]),
    .target(name: "CVector"),
    .target(name: "CDigits", exclude: ["README.md", "digits.bin"]),

    // MARK: Libraries, lowest floor first
    .target(name: "Statistics", swiftSettings: optimised),
    .target(name: "PropertyTesting", dependencies: ["Statistics"], swiftSettings: optimised),
    .target(name: "PropertyChecks", dependencies: ["PropertyTesting"], swiftSettings: strict),
    .target(name: "Classification", dependencies: ["Statistics"], swiftSettings: optimised),
    .target(
      name: "Robustness", dependencies: ["Classification", "Statistics"], swiftSettings: optimised),
    .target(
      name: "MixupInference", dependencies: ["Robustness", "Classification", "Statistics"],
      swiftSettings: optimised),
    .target(
      name: "ProcessModel", dependencies: ["Classification", "Statistics"],
      swiftSettings: optimised),
    .target(name: "KernelTables", swiftSettings: optimised),
    kernels("Portable", march: "x86-64"),
    kernels("AVX2", march: "x86-64-v3"),
    kernels("AVX512", march: "x86-64-v4"),
    .target(
      name: "Kernels",
      dependencies: [
        "CPUFeatures", "Classification", "KernelTables", "KernelsPortable", "KernelsAVX2",
        "KernelsAVX512", "Statistics",
      ],
      swiftSettings: optimised),
    .target(
      name: "NeuralNetwork",
      dependencies: ["CSHA256", "KernelTables", "Kernels", "Classification", "Statistics"],
      swiftSettings: optimised),
    .target(
      name: "ONNX",
      dependencies: [
        "CZlib", "NeuralNetwork", "Kernels", "KernelTables", "Classification", "Statistics",
      ],
      swiftSettings: optimised),
    .target(
      name: "Datasets",
      dependencies: ["CDigits", "NeuralNetwork", "Classification", "Statistics"],
      swiftSettings: optimised),
    .target(
      name: "Workloads",
      dependencies: [
        "Datasets", "NeuralNetwork", "Kernels", "MixupInference", "Robustness", "Classification",
        "Statistics",
      ],
      swiftSettings: optimised),
    .target(
      name: "Training",
      dependencies: [
        "Datasets", "NeuralNetwork", "Kernels", "MixupInference", "Robustness", "Classification",
        "Statistics",
      ],
      swiftSettings: optimised),
    .target(name: "Reporting", dependencies: ["Statistics"], swiftSettings: strict),
    .target(
      name: "Experiments",
      dependencies: [
        "CAllocations", "CDemangle", "ProcessModel", "Reporting", "Training", "Robustness",
        "Workloads", "MixupInference", "Datasets", "ONNX", "NeuralNetwork", "Kernels",
        "Classification", "Statistics",
      ],
      swiftSettings: strict),

    // MARK: Tool
    .executableTarget(
      name: "mixup-inference",
      dependencies: [
        "Experiments", "Reporting", "Training", "Robustness", "Workloads", "MixupInference",
        "Datasets", "ONNX", "NeuralNetwork", "Kernels", "Classification", "Statistics",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    // MARK: Tests
    .target(
      name: "TestSupport",
      dependencies: ["NeuralNetwork", "Classification", "PropertyTesting", "Statistics"],
      path: "Tests/TestSupport", swiftSettings: optimised),
    .testTarget(
      name: "StatisticsTests",
      dependencies: ["Statistics", "PropertyTesting", "PropertyChecks", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "PropertyTestingTests",
      dependencies: ["PropertyTesting", "PropertyChecks", "Statistics"], swiftSettings: unoptimised),
    .testTarget(
      name: "ClassificationTests",
      dependencies: [
        "Classification", "PropertyChecks", "PropertyTesting", "Statistics", "TestSupport",
      ],
      swiftSettings: unoptimised),
    .testTarget(
      name: "KernelsTests",
      dependencies: [
        "KernelTables", "Kernels", "CPUFeatures", "Classification", "PropertyChecks",
        "PropertyTesting",
        "Statistics", "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "NeuralNetworkTests",
      dependencies: [
        "CAllocations", "CSHA256", "NeuralNetwork", "KernelTables", "Kernels", "Classification",
        "PropertyChecks", "PropertyTesting", "Statistics", "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ONNXTests",
      dependencies: [
        "ONNX", "NeuralNetwork", "Kernels", "Classification", "PropertyChecks", "PropertyTesting",
        "Statistics", "TestSupport",
      ],
      swiftSettings: unoptimised),
    .testTarget(
      name: "DatasetsTests",
      dependencies: [
        "Datasets", "NeuralNetwork", "MixupInference", "Classification", "PropertyChecks",
        "PropertyTesting", "Statistics", "TestSupport",
      ],
      swiftSettings: unoptimised),
    .testTarget(
      name: "MixupInferenceTests",
      dependencies: [
        "MixupInference", "Robustness", "Datasets", "NeuralNetwork", "Classification",
        "PropertyChecks", "PropertyTesting", "Statistics", "TestSupport",
      ],
      swiftSettings: unoptimised),
    .testTarget(
      name: "RobustnessTests",
      dependencies: [
        "Robustness", "MixupInference", "Datasets", "NeuralNetwork", "Classification",
        "PropertyChecks", "PropertyTesting", "Statistics",
        "TestSupport",
      ],
      swiftSettings: unoptimised),
    .testTarget(
      name: "ProcessModelTests",
      dependencies: [
        "ProcessModel", "Classification", "PropertyChecks", "PropertyTesting", "Statistics",
        "TestSupport",
      ],
      swiftSettings: unoptimised),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "Training", "Robustness", "MixupInference", "Datasets", "NeuralNetwork", "Kernels",
        "Classification", "Statistics", "TestSupport",
      ],
      swiftSettings: unoptimised),
    .testTarget(
      name: "ReportingTests",
      dependencies: ["Reporting", "PropertyChecks", "PropertyTesting", "Statistics"],
      swiftSettings: unoptimised),
    .testTarget(
      name: "ExperimentsTests",
      dependencies: [
        "CAllocations", "Experiments", "ProcessModel", "Reporting", "Training", "Robustness",
        "Workloads", "MixupInference", "Datasets", "NeuralNetwork", "Kernels", "Classification",
        "PropertyChecks", "PropertyTesting", "Statistics", "TestSupport",
      ],
      swiftSettings: unoptimised),
    .testTarget(
      name: "CommandLineTests",
      dependencies: [
        "mixup-inference", "Experiments", "Reporting", "Training", "Robustness", "Datasets",
        "NeuralNetwork", "Kernels", "Classification", "PropertyChecks", "PropertyTesting",
        "TestSupport",
      ],
      swiftSettings: unoptimised),
  ],
  // C23 can embed a file.
  cLanguageStandard: .c2x
)

// MARK: Benchmarks

// Only where they are asked for, so that nobody else loads the library that they need.
if Context.environment["MIXUP_INFERENCE_BENCHMARKS"] != nil {
  package.dependencies.append(
    .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []))
  package.targets += [
    .executableTarget(
      name: "Contestant",
      dependencies: [
        "Workloads", "MixupInference", "Datasets", "NeuralNetwork", "Kernels", "Classification",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Benchmarks/Contestant", swiftSettings: strict),
    .executableTarget(
      name: "Micro",
      dependencies: [
        "MixupInference", "Datasets", "NeuralNetwork", "Kernels", "Classification", "Statistics",
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "Benchmarks/Micro", swiftSettings: strict,
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
  ]
}

// MARK: Fuzzing

// Only where it is asked for: it has no main, and links with libFuzzer alone. See `ci/fuzz`.
if let purpose = Context.environment["MIXUP_INFERENCE_FUZZING"] {
  let profile = purpose == "coverage" ? ["-profile-generate", "-profile-coverage-mapping"] : []
  // Of several -sanitize the compiler takes the last. The kernels go without: no reader gives them a byte that it has
  // not checked, and unrolled loops take long to build with every access watched.
  for target in package.targets where target.type == .regular {
    let sanitizers = target.name.hasPrefix("Kernels") ? "" : "fuzzer,address"
    // What debug builds do not optimise takes the compiler longer than it saves the fuzzer, as do the kernels, which no
    // reader asks for more than the weights of a small network in another order.
    let isSlowlyBuilt = ["Experiments", "Reporting"].contains(target.name) || sanitizers.isEmpty
    let speed = isSlowlyBuilt ? ["-Onone"] : []
    target.swiftSettings =
      (target.swiftSettings ?? []) + [.unsafeFlags(["-sanitize=\(sanitizers)"] + speed + profile)]
  }
  let watched = ["-sanitize=fuzzer,address"] + profile
  package.targets += [
    .target(name: "CFuzzer", path: "Fuzz/CFuzzer"),
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "CFuzzer", "Experiments", "ProcessModel", "PropertyTesting", "Training", "Robustness",
        "Datasets", "ONNX", "NeuralNetwork", "Kernels", "Classification", "Statistics",
      ],
      path: "Fuzz", exclude: ["CFuzzer"],
      swiftSettings: strict + [.unsafeFlags(["-parse-as-library"] + watched)],
      linkerSettings: [.unsafeFlags(watched)]),
  ]
}
