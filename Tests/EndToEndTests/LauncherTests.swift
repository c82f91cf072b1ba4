// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

/// The launcher `manage` at the top of a checkout, with a toolchain and packages that are only played.
@Suite(.timeLimit(.minutes(10)))
struct LauncherTests {
    /// A checkout with the real launcher, and a `PATH` that holds what the test puts there.
    private struct Checkout {
        let program: Program
        private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        private static let tools = [
            "awk", "dirname", "find", "flock", "head", "mkdir", "mv", "readlink", "sed", "sh", "sort", "touch", "tr",
        ]

        init(_ program: Program) async throws {
            self.program = program
            let files = FileManager.default
            for folder in ["bin", "checkout/Scripts", "checkout/Sources"] {
                try files.createDirectory(atPath: program.path(folder), withIntermediateDirectories: true)
            }
            for name in ["manage", "Package.swift", "Scripts/install-packages", "Scripts/packages.txt"] {
                try await copy(Self.root.appending(path: name).path, to: "checkout/\(name)")
            }
            try program.write("", to: "checkout/Sources/main.swift")
            for tool in Self.tools {
                let place = try #require(["/usr/bin/", "/bin/"].first { files.isExecutableFile(atPath: $0 + tool) })
                try files.createSymbolicLink(
                    atPath: program.path("bin/\(tool)"), withDestinationPath: place + tool)
            }
            program["PATH"] = program.path("bin")
            try await play("id", "echo 1000")
            try await play(
                "dpkg-query", "for word; do case $word in -*) ;; *) echo \"installed $word\" ;; esac; done")
        }

        /// Puts a script in the place of a tool.
        func play(_ tool: String, _ script: String) async throws {
            try await copy("/dev/stdin", to: "bin/\(tool)", input: "#!/bin/sh\n\(script)\n")
        }

        /// Makes an executable file by another process: one that this process writes cannot be run as long as a child
        /// that is just being started has it open, too.
        private func copy(_ source: String, to name: String, input: String = "") async throws {
            let done = try await program.run(
                ["/usr/bin/install", "--mode", "755", source, program.path(name)], input: input)
            try #require(done.ending == .exited(0), "\(done.errors)")
        }

        /// A toolchain whose words each do what the test says.
        func playToolchain(version: String = "6.3", resolve: String = "exit 0", build: String) async throws {
            try await play(
                "swift",
                """
                case $1 in
                --version) echo "Swift version \(version) (swift-\(version)-RELEASE)" ;;
                package) \(resolve) ;;
                build) echo built >>"\(program.path("builds"))"; \(build) ;;
                esac
                """)
        }

        /// What stands in for building: a program that shows its arguments.
        var working: String {
            let release = program.path("checkout/.build/release")
            return """
                mkdir -p "\(release)"
                printf '#!/bin/sh\\nprintf "[%%s]" "$@"\\nexit 7\\n' >"\(release)/manage"
                /bin/chmod +x "\(release)/manage"
                """
        }

        var builds: Int { ((try? program.read("builds")) ?? "").split(separator: "\n").count }

        func manage(_ words: String...) async throws -> Program.Result {
            // The shell is named in full: PATH is what the launcher sees.
            try await program.run([program.path("checkout/manage")] + words)
        }
    }

    @Test func missingPackagesAreNamedWithoutRoot() async throws {
        try await Program.with { program in
            let checkout = try await Checkout(program)
            try await checkout.play("dpkg-query", "echo 'installed git'")

            let result = try await checkout.manage("runserver")

            #expect(result.ending == .exited(69))
            #expect(result.errorLines.count == 1)
            let command = try #require(result.errors.split(separator: "\n").last)
            #expect(command.hasPrefix("  sudo apt-get install "))
            let packages = command.split(separator: " ").dropFirst(3)
            #expect(packages.contains("libpq-dev") && !packages.contains("git") && !packages.contains("strace"))
            #expect(checkout.builds == 0)
        }
    }

    @Test func missingToolchainIsOneSentence() async throws {
        try await Program.with { program in
            let checkout = try await Checkout(program)

            let result = try await checkout.manage("runserver")

            #expect(result.ending == .exited(69))
            #expect(result.errorLines.count == 1)
            #expect(result.errors.contains("no Swift toolchain") && result.errors.contains("https://www.swift.org/"))
        }
    }

    @Test func oldToolchainIsOneSentence() async throws {
        try await Program.with { program in
            let checkout = try await Checkout(program)
            try await checkout.playToolchain(version: "5.10.1", build: checkout.working)

            let result = try await checkout.manage("runserver")

            #expect(result.ending == .exited(69))
            #expect(result.errorLines.count == 1 && result.errors.contains("5.10.1"))
            #expect(checkout.builds == 0)
        }
    }

    @Test func missingNetworkIsOneSentence() async throws {
        try await Program.with { program in
            let checkout = try await Checkout(program)
            try await checkout.playToolchain(resolve: "exit 1", build: checkout.working)

            let result = try await checkout.manage("runserver")

            #expect(result.ending == .exited(69))
            #expect(result.errorLines.count == 1 && result.errors.contains("network"))
            #expect(checkout.builds == 0)
        }
    }

    @Test func failedBuildIsOneSentenceAndIsTriedAgain() async throws {
        try await Program.with { program in
            let checkout = try await Checkout(program)
            try await checkout.playToolchain(build: "echo 'error: no such module' ; exit 1")

            for round in 1...2 {
                let result = try await checkout.manage("runserver")

                #expect(result.ending == .exited(1))
                #expect(result.output == "")
                #expect(result.errorLines.count == 1 && result.errors.contains("the build failed"))
                #expect(result.errors.contains("no such module"))
                #expect(checkout.builds == round)
            }
        }
    }

    @Test func programIsBuiltOnceAndAgainWhenASourceIsNewer() async throws {
        try await Program.with { program in
            let checkout = try await Checkout(program)
            try await checkout.playToolchain(build: checkout.working)

            let first = try await checkout.manage("user", "a b", "")
            let second = try await checkout.manage("--version")
            let touched = try await program.run(["/usr/bin/touch", "--date=+1hour", "checkout/Sources/main.swift"])
            let third = try await checkout.manage("--version")

            #expect(first.ending == .exited(7) && first.output == "[user][a b][]")
            #expect(second.output == "[--version]" && second.errors == "")
            #expect(touched.ending == .exited(0))
            #expect(third.output == "[--version]" && third.errors.contains("sources are newer"))
            #expect(checkout.builds == 2)
        }
    }

    @Test func firstBuildIsEnoughAlthoughItWritesTheVersionsOfPackages() async throws {
        try await Program.with { program in
            let checkout = try await Checkout(program)
            try await checkout.playToolchain(
                resolve: "echo resolved >\"\(program.path("checkout/Package.resolved"))\"",
                build: checkout.working)

            let first = try await checkout.manage("--version")
            let second = try await checkout.manage("--version")

            #expect(first.output == "[--version]" && second.output == "[--version]")
            #expect(second.errors == "")
            #expect(checkout.builds == 1)
        }
    }

    @Test func launcherCanBeALinkElsewhere() async throws {
        try await Program.with { program in
            let checkout = try await Checkout(program)
            try await checkout.playToolchain(build: checkout.working)
            try FileManager.default.createSymbolicLink(
                atPath: program.path("link"), withDestinationPath: program.path("checkout/manage"))

            let result = try await program.run([program.path("link"), "help"])

            #expect(result.output == "[help]")
        }
    }
}
