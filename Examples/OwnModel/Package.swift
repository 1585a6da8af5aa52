// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "OwnModel",
  dependencies: [.package(name: "mixup-inference", path: "../..")],
  targets: [
    .executableTarget(
      name: "OwnModel",
      dependencies: [.product(name: "Robustness", package: "mixup-inference")],
      path: "Sources", swiftSettings: [.swiftLanguageMode(.v6)])
  ]
)
