// swift-tools-version: 6.2
import PackageDescription

// Cloister's modules, lowest layer first. A module may use only modules of a layer below its own
// (and of its own layer where `sameLayer` says so); the manifest refuses to load otherwise.
//
//   base        values and rules, no I/O            CloisterCore, CCloisterLinux
//   contracts   protocols between the layers        CloisterIsolation, CloisterServiceKit, CloisterWire
//   drivers     one outside thing each              CloisterOCI, CloisterMicroVM (on what CloisterOCI knows of the
//                                               host), CloisterStore, CloisterRuntimes, CloisterTemplates
//   services    AWS-compatible APIs; the data plane CloisterLambda, CloisterLogs, CloisterIAM, CloisterDataPlane,
//                                                   CloisterTenants, CloisterSimulator, CloisterPlanner
//   front       composition and command line        CloisterServer, CloisterCommands
//   programs    entry points                        cloister, cloister-agent

enum Layer: Int {
    case base, contracts, drivers, services, front, programs
}

struct Module {
    let name: String
    let layer: Layer
    var uses: [String] = []
    var libraries: [Target.Dependency] = []
    /// A folder whose files are compiled in, as bytes.
    var embedded: String?
    /// A folder of the tests that is copied beside them.
    var testResources: String?
    /// Modules that only the tests use, of any layer.
    var testUses: [String] = []
}

extension Target.Dependency {
    static let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
    static let basicContainers = Target.Dependency.product(name: "BasicContainers", package: "swift-collections")
    static let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
    static let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
    static let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
    static let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
    static let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
    static let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
    static let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
    static let pkcs11 = Target.Dependency.target(name: "CCloisterPKCS11")
    static let zlib = Target.Dependency.target(name: "CZlib")
    static let yams = Target.Dependency.product(name: "Yams", package: "Yams")
}

let modules: [Module] = [
    Module(name: "CloisterCore", layer: .base, libraries: [.basicContainers, .collections]),
    Module(name: "CloisterIsolation", layer: .contracts, uses: ["CloisterCore"]),
    Module(name: "CloisterServiceKit", layer: .contracts, uses: ["CloisterCore"]),
    Module(name: "CloisterWire", layer: .contracts, uses: ["CloisterCore"], libraries: [.nioCore, .crypto]),
    Module(name: "CloisterOCI", layer: .drivers, uses: ["CloisterCore", "CloisterIsolation", "CCloisterLinux"]),
    Module(
        name: "CloisterMicroVM", layer: .drivers,
        uses: ["CloisterCore", "CloisterIsolation", "CloisterOCI", "CCloisterLinux"]),
    Module(
        name: "CloisterStore", layer: .drivers, uses: ["CloisterCore", "CloisterServiceKit"],
        libraries: [.grdb, .crypto, .zlib]),
    Module(
        name: "CloisterRuntimes", layer: .drivers, uses: ["CloisterCore", "CloisterServiceKit", "CCloisterLinux"],
        libraries: [.crypto], embedded: "Resources", testResources: "Resources"),
    Module(name: "CloisterTemplates", layer: .drivers, uses: ["CloisterCore"], libraries: [.yams, .crypto]),
    Module(
        name: "CloisterLambda", layer: .services, uses: ["CloisterCore", "CloisterServiceKit"],
        libraries: [.crypto, .logging], testUses: ["CloisterStore"]),
    Module(
        name: "CloisterLogs", layer: .services, uses: ["CloisterCore", "CloisterServiceKit"],
        libraries: [.grdb, .logging, .crypto]),
    Module(
        name: "CloisterIAM", layer: .services, uses: ["CloisterCore", "CloisterServiceKit"],
        libraries: [.logging, .crypto], testUses: ["CloisterStore"]),
    Module(
        name: "CloisterKMS", layer: .services, uses: ["CloisterCore", "CloisterServiceKit"],
        libraries: [.logging, .crypto, .cryptoExtras, .pkcs11], testUses: ["CloisterStore"]),
    Module(
        name: "CloisterSecrets", layer: .services, uses: ["CloisterCore", "CloisterServiceKit"],
        libraries: [.logging, .crypto], testUses: ["CloisterKMS", "CloisterStore"]),
    Module(
        name: "CloisterDynamoDB", layer: .services, uses: ["CloisterCore", "CloisterServiceKit"],
        libraries: [.grdb, .logging, .crypto]),
    Module(
        name: "CloisterTenants", layer: .services, uses: ["CloisterCore", "CloisterServiceKit"],
        libraries: [.logging], testUses: ["CloisterStore"]),
    Module(
        name: "CloisterDataPlane", layer: .services,
        uses: ["CloisterCore", "CloisterIsolation", "CloisterServiceKit", "CloisterWire"],
        libraries: [.nioCore, .nioPosix, .logging, .crypto]),
    Module(name: "CloisterSimulator", layer: .services, uses: ["CloisterCore"], libraries: [.collections]),
    Module(
        name: "CloisterPlanner", layer: .services, uses: ["CloisterCore"], libraries: [.collections],
        testResources: "Resources"),
    Module(
        name: "CloisterServer", layer: .front,
        uses: [
            "CloisterCore", "CloisterIsolation", "CloisterServiceKit", "CloisterWire", "CloisterOCI", "CloisterMicroVM",
            "CloisterStore", "CloisterRuntimes", "CloisterLambda", "CloisterLogs", "CloisterIAM", "CloisterKMS",
            "CloisterSecrets", "CloisterDynamoDB", "CloisterDataPlane", "CloisterTenants", "CCloisterLinux",
        ],
        libraries: [.nioCore, .nioPosix, .logging, .crypto]),
    Module(
        name: "CloisterCommands", layer: .front,
        uses: [
            "CloisterCore", "CloisterIsolation", "CloisterServiceKit", "CloisterWire", "CloisterOCI", "CloisterMicroVM",
            "CloisterRuntimes", "CloisterTemplates", "CloisterLambda", "CloisterLogs", "CloisterDynamoDB", "CloisterIAM",
            "CloisterKMS", "CloisterSecrets", "CloisterPlanner", "CloisterServer",
        ],
        libraries: [.argumentParser, .nioCore, .nioPosix, .logging]),
]

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Traps, with the two names, when a module uses one that is not below it.
func checkDirections(_ modules: [Module]) {
    let sameLayer: Set<String> = ["CloisterCommands -> CloisterServer", "CloisterMicroVM -> CloisterOCI"]
    let layers = Dictionary(uniqueKeysWithValues: modules.map { ($0.name, $0.layer) })
    for module in modules {
        for used in module.uses where used != "CCloisterLinux" {
            guard let layer = layers[used] else { fatalError("\(module.name) uses \(used), which is no module") }
            let allowed = layer.rawValue < module.layer.rawValue || sameLayer.contains("\(module.name) -> \(used)")
            precondition(allowed, "\(module.name) must not use \(used): dependencies run one way")
        }
    }
}

checkDirections(modules)

let package = Package(
    name: "cloister",
    products: [
        .executable(name: "cloister", targets: ["cloister"]),
        .executable(name: "cloister-agent", targets: ["cloister-agent"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: modules.map { module in
        .target(
            name: module.name,
            dependencies: module.uses.map { .target(name: $0) } + module.libraries,
            resources: module.embedded.map { [.embedInCode($0)] } ?? [],
            swiftSettings: strict)
    } + modules.map { module in
        .testTarget(
            name: module.name + "Tests",
            dependencies: ([module.name] + module.uses + module.testUses).map { .target(name: $0) } + module.libraries,
            resources: module.testResources.map { [.copy($0)] } ?? [],
            swiftSettings: strict)
    } + [
        .target(name: "CCloisterLinux"),
        .target(name: "CCloisterPKCS11"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .executableTarget(name: "cloister", dependencies: ["CloisterCommands"], swiftSettings: strict),
        .executableTarget(name: "cloister-simulate", dependencies: ["CloisterSimulator"], swiftSettings: strict),
        // The first process of every sandbox: Embedded Swift, linked statically, so that it runs in any image and
        // starts in half a millisecond.
        .executableTarget(
            name: "cloister-agent",
            dependencies: ["CCloisterLinux"],
            swiftSettings: [
                .treatAllWarnings(as: .error),
                .enableExperimentalFeature("Embedded"),
                .unsafeFlags(["-wmo", "-Osize"]),
            ],
            linkerSettings: [
                .unsafeFlags([
                    "-Xclang-linker", "-static", "-Xclang-linker", "-Wno-unused-command-line-argument",
                    "-Xlinker", "-s", "-Xlinker", "--gc-sections",
                ])
            ]),
    ],
    swiftLanguageModes: [.v6]
)
