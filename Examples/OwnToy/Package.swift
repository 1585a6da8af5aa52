// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "OwnToy",
  dependencies: [.package(name: "mixup-inference", path: "../..")],
  targets: [
    .executableTarget(
      name: "OwnToy",
      dependencies: [.product(name: "MixupInference", package: "mixup-inference")],
      path: "Sources", swiftSettings: [.swiftLanguageMode(.v6)])
  ]
)
