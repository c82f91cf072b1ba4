// swift-tools-version: 6.1
// Parley: a self-hosted chat server. The target graph below is the architecture: arrows point down only
// (Scripts/check-imports holds the code to it).

import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioWebSocket: Target.Dependency = .product(name: "NIOWebSocket", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")

let package = Package(
    name: "parley",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "manage", targets: ["manage"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The program
        .executableTarget(name: "manage", dependencies: ["ManageCommands"]),
        .target(
            name: "ManageCommands",
            dependencies: [
                "ParleyServer", "Operations", "TestClient", "Settings", "Telemetry", "Transport", "Chat", "Archive",
                "Storage", "Credentials", "Bounds", "ExactText", "MTP", "Skaro", "Messenger", "FastChat", "JSON", "Web",
                "AdminAPI",
                argumentParser,
                logging,
                serviceLifecycle, unixSignals,
                nioCore, nioPosix, nioSSL,
            ]),
        .target(
            name: "ParleyServer",
            dependencies: [
                "AdminAPI", "Web", "MTP", "Skaro", "Messenger", "FastChat", "Transport", "Operations", "Chat",
                "Archive", "Storage", "StorageSQLite", "StoragePostgres", "Settings", "Credentials", "Telemetry",
                "Bounds",
                coreMetrics, logging,
                serviceLifecycle, nioCore, nioPosix, nioSSL,
            ]),

        // Faces
        .target(
            name: "Web",
            dependencies: [
                "Operations", "Chat", "Settings", "Credentials", "JSON", "Bounds",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Mustache", package: "swift-mustache"), logging, nioCore, serviceLifecycle,
            ],
            resources: [.embedInCode("Templates"), .embedInCode("Chat"), .embedInCode("PanelPages")]),
        .target(
            name: "AdminAPI", dependencies: ["Web", "Operations", "Credentials", "Bounds", "JSON", logging]),
        .target(
            name: "TestClient",
            dependencies: [
                "MTP", "Skaro", "Messenger", "FastChat", "CBOR", "JSON", "Credentials", "Bounds", nioCore, nioPosix,
                nioHTTP1, nioWebSocket, nioSSL, nioTLS, deque,
            ]),

        // Wire protocols
        .target(
            name: "MTP",
            dependencies: [
                "ExactText", "Chat", "Storage", "Credentials", "Transport", "JSON", nioCore, logging,
            ]),
        .target(
            name: "Skaro",
            dependencies: [
                "ExactText", "Chat", "Storage", "Credentials", "Transport", "CBOR", nioCore, logging,
            ]),
        .target(
            name: "Messenger",
            dependencies: ["Chat", "Storage", "Credentials", "Transport", nioCore, logging, deque]),
        .target(
            name: "FastChat",
            dependencies: [
                "ExactText", "Bounds", "Chat", "Storage", "Credentials", "Transport", "JSON", nioCore, logging, deque,
            ]),
        .target(name: "CBOR", dependencies: ["ExactText"]),
        .target(name: "JSON"),
        .target(
            name: "Transport",
            dependencies: [
                "JSON", "Bounds",
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOExtras", package: "swift-nio-extras"),
                logging, serviceLifecycle, nioCore, nioPosix, nioHTTP1, nioWebSocket, nioSSL, deque,
            ]),

        // The domain
        .target(
            name: "Operations",
            dependencies: ["ExactText", "JSON", "Chat", "Storage", "Credentials", "Bounds", logging]),
        .target(
            name: "Archive", dependencies: ["Threads", "Storage", "Credentials", "JSON", "CZlib"]),
        .target(
            name: "Chat", dependencies: ["Storage", "Credentials", "JSON", "Bounds", coreMetrics, logging, deque]),
        .target(
            name: "StorageSQLite",
            dependencies: [
                "Storage", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),
        .target(
            name: "StoragePostgres", dependencies: ["Threads", "Storage", "Bounds", "CPostgres", logging]),
        .target(name: "Storage", dependencies: ["Threads", "Bounds"]),

        // Foundations
        .target(name: "Threads"),
        .target(name: "ExactText"),
        .target(name: "Bounds"),
        .target(
            name: "Credentials", dependencies: ["Threads", "Bounds", "CSodium", crypto, cryptoExtras]),
        .target(
            name: "Settings",
            dependencies: ["ExactText", "Bounds", .product(name: "Configuration", package: "swift-configuration")]),
        .target(
            name: "Telemetry", dependencies: ["Threads", "ExactText", coreMetrics, logging]),
        .target(
            name: "ChatTesting",
            dependencies: [
                "ParleyServer", "TestClient", "Chat", "Storage", "StorageSQLite", "StoragePostgres", "Settings",
                "Credentials", "MTP", "Skaro", "Messenger", "FastChat", "Transport", "TestSupport", logging, nioCore,
                nioPosix,
            ],
            path: "Tests/ChatTesting"),
        .target(name: "HostileText", path: "Tests/HostileText"),
        .target(
            name: "TestSupport",
            dependencies: [serviceLifecycle, logging, nioCore, nioPosix, nioHTTP1, nioWebSocket, nioSSL],
            path: "Tests/TestSupport"),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),

        // Benchmarks, measured on a release build; docs/performance.md has the figures
        .target(
            name: "BenchmarkHarness",
            dependencies: [
                "TestClient", "MTP", "JSON", "Storage", "StoragePostgres", logging, nioCore, nioPosix,
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            path: "Benchmarks/BenchmarkHarness"),
        .executableTarget(
            name: "SendMessage",
            dependencies: [
                "BenchmarkHarness", "TestClient", "MTP", "JSON", nioCore, nioPosix, nioHTTP1, nioWebSocket,
            ],
            path: "Benchmarks/SendMessage"),
        .executableTarget(
            name: "IdleConnections",
            dependencies: ["BenchmarkHarness", "TestClient", "MTP", "JSON", nioCore, nioPosix],
            path: "Benchmarks/IdleConnections"),

        .executableTarget(
            name: "FanOut",
            dependencies: ["BenchmarkHarness", "TestClient", "MTP", "JSON", nioCore, nioPosix],
            path: "Benchmarks/FanOut"),
        .executableTarget(
            name: "PresenceStorm",
            dependencies: ["BenchmarkHarness", "TestClient", "MTP", "Skaro", nioCore],
            path: "Benchmarks/PresenceStorm"),
        .executableTarget(
            name: "CatchUp",
            dependencies: ["BenchmarkHarness", "TestClient", "MTP", "JSON", nioCore],
            path: "Benchmarks/CatchUp"),

        // What the fuzzer calls (Scripts/fuzz), and the tests replay
        .target(
            name: "FuzzTargets",
            dependencies: [
                "CBOR", "JSON", "Settings", "MTP", "Skaro", "Messenger", "FastChat", "Transport", "Operations", nioCore,
                nioEmbedded,
            ], path: "Fuzzing/FuzzTargets"),

        // Tests, one target per target; EndToEndTests runs the built program
        .target(
            name: "CFaultyVFS", path: "Tests/CFaultyVFS", linkerSettings: [.linkedLibrary("sqlite3")]),
        .testTarget(name: "BoundsTests", dependencies: ["TestSupport", "Bounds"]),
        .testTarget(
            name: "CredentialsTests", dependencies: ["TestSupport", "Credentials", "Bounds"]),
        .testTarget(
            name: "SettingsTests",
            dependencies: [
                .product(name: "Configuration", package: "swift-configuration"), "TestSupport", "HostileText",
                "Settings", "Bounds",
            ],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "TelemetryTests", dependencies: ["TestSupport", "Telemetry", coreMetrics, logging]),
        .testTarget(
            name: "ExactTextTests", dependencies: ["ExactText", "HostileText"]),
        .testTarget(
            name: "CBORTests", dependencies: ["TestSupport", "CBOR", "HostileText"]),
        .testTarget(
            name: "SkaroTests",
            dependencies: [
                "TestSupport",
                "HostileText", "Skaro", "CBOR", "ChatTesting", "TestClient", "Chat", "Storage", "Credentials",
                "Transport", "Bounds",
                nioCore, logging, "JSON",
            ]),
        .testTarget(
            name: "MessengerTests",
            dependencies: [
                "TestSupport",
                "HostileText", "Messenger", "ChatTesting", "TestClient", "Chat", "Storage", "Credentials", "Transport",
                "Bounds",
                nioCore, logging, serviceLifecycle, "JSON",
            ]),
        .testTarget(
            name: "FastChatTests",
            dependencies: [
                "TestSupport",
                "HostileText", "FastChat", "Credentials", "JSON", "ChatTesting", "TestClient", "Chat", "Storage",
                "Transport",
                "Bounds",
                nioCore, logging, serviceLifecycle,
            ]),
        .testTarget(
            name: "FuzzCorpusTests", dependencies: ["FuzzTargets"], exclude: ["Corpus"]),
        .testTarget(
            name: "JSONTests", dependencies: ["TestSupport", "JSON", "HostileText"]),
        .testTarget(
            name: "StorageTests",
            dependencies: [
                "Threads",
                "TestSupport",
                "ChatTesting", "Credentials", "Storage", "StorageSQLite", "StoragePostgres", "CPostgres", "CFaultyVFS",
                logging,
            ]),
        .testTarget(
            name: "ArchiveTests",
            dependencies: ["TestSupport", "ChatTesting", "Archive", "Storage", "Credentials", "CZlib"]),
        .testTarget(
            name: "ChatTests",
            dependencies: ["TestSupport", "ChatTesting", "Chat", "Storage", "Credentials", "JSON", "Bounds", logging]),
        .testTarget(
            name: "TransportTests",
            dependencies: [
                "TestSupport", "HostileText",
                "Transport", "JSON", "Bounds", nioCore, nioPosix, nioHTTP1, nioWebSocket, nioSSL, nioEmbedded, logging,
                serviceLifecycle,
                .product(name: "NIOTestUtils", package: "swift-nio"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
            ]),
        .testTarget(
            name: "MTPTests",
            dependencies: [
                "TestSupport",
                "HostileText", "MTP", "JSON", "ChatTesting", "TestClient", "Chat", "Storage", "Credentials",
                "Transport", "Bounds",
                nioCore,
                logging,
            ],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "TestClientTests",
            dependencies: [
                "TestSupport", "JSON", "MTP", "TestClient", nioCore, nioPosix, nioHTTP1, nioWebSocket, nioSSL,
            ]),
        .testTarget(
            name: "WebTests",
            dependencies: [
                "TestSupport", "ChatTesting", "Chat", "Operations", "Settings", "Credentials", "Storage", "Bounds",
                "HostileText",
                "Web", "TestClient", "Transport", "JSON", nioCore, nioPosix, logging, serviceLifecycle,
                .product(name: "HummingbirdCore", package: "hummingbird"),
            ]),
        .testTarget(
            name: "AdminAPITests",
            dependencies: [
                "JSON", "TestSupport", "AdminAPI", "Operations", "Web", "ChatTesting", "Chat", "Storage",
                "StorageSQLite", "Credentials", logging,
            ]),
        .testTarget(
            name: "OperationsTests",
            dependencies: [
                "JSON", "TestSupport",
                "HostileText", "Operations", "ChatTesting", "Chat", "Storage", "StorageSQLite", "Credentials", logging,
            ]),
        .testTarget(
            name: "ManageCommandsTests",
            dependencies: [
                "TestSupport", "Archive",
                "ManageCommands", "ChatTesting", "ParleyServer", "AdminAPI", "Operations", "Transport", "Chat",
                "Storage",
                "StorageSQLite",
                "Settings",
                "Credentials", "Web", "JSON", "MTP", "Telemetry", logging, serviceLifecycle, nioCore, nioPosix,
                nioHTTP1,
                nioWebSocket, argumentParser,
            ], resources: [.copy("Fixtures")]),
        // Whole clusters in one thread: a program, since each seed has a process of its own
        .target(
            name: "CSimulation", path: "Tests/CSimulation", cSettings: [.define("_GNU_SOURCE")],
            linkerSettings: [.linkedLibrary("sodium")]),
        .executableTarget(
            name: "Simulation",
            dependencies: [
                "CSimulation", "Chat", "Storage", "StorageSQLite", "Credentials", "JSON", "CBOR", "Transport", "MTP",
                "Skaro", "Messenger", "FastChat", nioCore, nioHTTP1, logging,
                .product(name: "GRDB", package: "GRDB.swift"),
            ], path: "Tests/Simulation"),
        // Runs the program `Simulation`, and must not depend on it: what that puts in the place of the system's clock,
        // threads and memory would be linked into all tests.
        .testTarget(name: "SimulationTests"),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "TestSupport",
                "HostileText", "CBOR", "Transport", "ChatTesting", "TestClient", "JSON", "manage", nioCore, nioPosix,
                "Credentials", "FastChat", "MTP",
                "Messenger", "Skaro",
            ]),
    ],
    swiftLanguageModes: [.v6]
)

// One language for all targets but those in C.
for target in package.targets where target.type != .system && !["CFaultyVFS", "CSimulation"].contains(target.name) {
    target.swiftSettings = swiftSettings
}

// For Scripts/fuzz: the decoders with libFuzzer's instruments, and the program that runs it.
if Context.environment["PARLEY_FUZZ"] != nil {
    let instrumented = [
        "ExactText", "CBOR", "JSON", "Settings", "MTP", "Skaro", "Messenger", "FastChat", "Transport", "Operations",
        "FuzzTargets", "Fuzz",
    ]
    package.targets.append(
        .executableTarget(
            name: "Fuzz", dependencies: ["FuzzTargets"], path: "Fuzzing/Fuzz", swiftSettings: swiftSettings,
            linkerSettings: [.linkedLibrary("stdc++")]))
    for target in package.targets where instrumented.contains(target.name) {
        target.swiftSettings = swiftSettings + [.unsafeFlags(["-sanitize=fuzzer", "-parse-as-library", "-O"])]
    }
}

// While one works on a part: PARLEY_TESTS=ChatTests,StorageTests swift build --build-tests
// builds these test targets alone, and no benchmark.
if let wanted = Context.environment["PARLEY_TESTS"] {
    let names = Set(wanted.split(separator: ",").map(String.init))
    package.targets.removeAll { target in
        target.type == .test && !names.contains(target.name) || target.path?.hasPrefix("Benchmarks/") == true
            || target.name.hasSuffix("Simulation") && !names.contains("SimulationTests")
    }
}
