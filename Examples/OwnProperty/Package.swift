// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "OwnProperty",
  dependencies: [.package(name: "mixup-inference", path: "../..")],
  targets: [
    .executableTarget(
      name: "OwnProperty",
      dependencies: [.product(name: "PropertyTesting", package: "mixup-inference")],
      path: "Sources", swiftSettings: [.swiftLanguageMode(.v6)])
  ]
)
