// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import ManageCommands

struct TerminalTests {
    /// A pseudo-terminal: the test types and reads at one end, the command sits at the other.
    private final class PseudoTerminal: Sendable {
        struct Failure: Error { var errorNumber: Int32 }

        private let keyboard: Int32
        private let line: Int32

        init() throws {
            // The request numbers of linux/asm-generic/ioctls.h, which the C importer does not see.
            let unlockRequest: UInt = 0x4004_5431
            let numberRequest: UInt = 0x8004_5430
            var unlocked: Int32 = 0
            var number: Int32 = 0
            keyboard = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
            guard keyboard >= 0, ioctl(keyboard, unlockRequest, &unlocked) == 0,
                ioctl(keyboard, numberRequest, &number) == 0
            else { throw Failure(errorNumber: errno) }
            line = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
            guard line >= 0 else { throw Failure(errorNumber: errno) }
        }

        deinit {
            close(line)
            close(keyboard)
        }

        var terminal: Terminal { Terminal(input: line, output: line) }

        func type(_ text: String) { _ = write(keyboard, text, text.utf8.count) }

        /// Reads what the screen shows until it shows a text.
        func screen(until mark: String) -> String {
            var shown: [UInt8] = []
            var byte: UInt8 = 0
            while !String(decoding: shown, as: UTF8.self).hasSuffix(mark), read(keyboard, &byte, 1) == 1 {
                shown.append(byte)
            }
            return String(decoding: shown, as: UTF8.self)
        }

        /// Everything that is shown until now: what is written to the line comes out at the other end in order.
        func screenUntilNow() -> String {
            _ = write(line, "<end>", 5)
            return screen(until: "<end>")
        }

        /// Runs what waits for somebody to type, on a thread of its own: the test blocks while it reads the screen, so
        /// the other side must not need a thread of the pool that runs tests.
        func waiting<Value: Sendable>(_ body: @escaping @Sendable (Terminal) throws -> Value) throws -> Answer<Value> {
            let (results, continuation) = AsyncStream<Result<Value, any Error>>.makeStream()
            let work = Work {
                continuation.yield(Result { try body(self.terminal) })
                continuation.finish()
            }
            var thread = pthread_t()
            let status = pthread_create(
                &thread, nil,
                { argument in
                    argument.map { Unmanaged<Work>.fromOpaque($0).takeRetainedValue().run() }
                    return nil
                },
                Unmanaged.passRetained(work).toOpaque()
            )
            guard status == 0 else { throw Failure(errorNumber: status) }
            pthread_detach(thread)
            return Answer(results: results)
        }

        private final class Work: Sendable {
            let run: @Sendable () -> Void

            init(run: @escaping @Sendable () -> Void) {
                self.run = run
            }
        }
    }

    /// What a command will have got once somebody has typed it.
    private struct Answer<Value: Sendable>: Sendable {
        struct Missing: Error {}

        let results: AsyncStream<Result<Value, any Error>>

        func get() async throws -> Value {
            for await result in results { return try result.get() }
            throw Missing()
        }
    }

    @Test func passwordIsReadWithoutShowingIt() async throws {
        let screen = try PseudoTerminal()
        let typed = try screen.waiting { try $0.password(prompt: "Password for alice") }

        let prompt = screen.screen(until: ": ")
        screen.type("wrong\u{15}hunter2äx\u{7F}\u{7F}!\r")

        #expect(prompt == "Password for alice: ")
        #expect(try await typed.get() == "hunter2!")
        #expect(screen.screenUntilNow() == "\r\n<end>")
    }

    @Test func echoIsBackAfterwards() async throws {
        let screen = try PseudoTerminal()
        let typed = try screen.waiting { try $0.password(prompt: "P") }
        _ = screen.screen(until: "P: ")
        screen.type("x\r")
        _ = try await typed.get()

        screen.type("visible")

        #expect(screen.screen(until: "visible").hasSuffix("visible"))
    }

    @Test(arguments: ["\u{3}", "abc\u{3}", "\u{4}"]) func interruptedPasswordEndsWith130(_ keys: String) async throws {
        let screen = try PseudoTerminal()
        let typed = try screen.waiting { try $0.password(prompt: "P") }
        _ = screen.screen(until: "P: ")

        screen.type(keys)

        let error = await #expect(throws: CommandError.self) { try await typed.get() }
        #expect(error?.status == .interrupted)
    }

    @Test func newPasswordIsAskedForTwice() async throws {
        for (second, isSame) in [("one", true), ("two", false)] {
            let screen = try PseudoTerminal()
            let typed = try screen.waiting { try $0.newPassword(prompt: "P") }
            _ = screen.screen(until: "P: ")
            screen.type("one\r")
            _ = screen.screen(until: "P, once more: ")
            screen.type("\(second)\r")

            if isSame {
                #expect(try await typed.get() == "one")
            } else {
                await #expect(throws: CommandError.self) { try await typed.get() }
            }
        }
    }

    @Test(arguments: [("y", true), ("YES", true), (" yes ", true), ("n", false), ("", false), ("yep", false)])
    func onlyAYesIsAYes(answer: String, isYes: Bool) async throws {
        let screen = try PseudoTerminal()
        #expect(screen.terminal.isInteractive)
        let asked = try screen.waiting { try $0.confirm("Delete \u{1B}[2J?") }

        let question = screen.screen(until: "[y/N] ")
        screen.type(answer + "\n")

        #expect(question == "Delete \\u{1b}[2J? [y/N] ")
        #expect(try await asked.get() == isYes)
    }

    @Test(arguments: [("root\n", "root"), ("  two words \n", "two words")])
    func aLineIsAskedFor(typed: String, answer: String) async throws {
        let screen = try PseudoTerminal()
        let asked = try screen.waiting { try $0.ask("Name") }

        let prompt = screen.screen(until: ": ")
        screen.type(typed)

        #expect(prompt == "Name: ")
        #expect(try await asked.get() == answer)
    }

    @Test func anEmptyAnswerEndsWith130() async throws {
        let screen = try PseudoTerminal()
        let asked = try screen.waiting { try $0.ask("Name") }
        _ = screen.screen(until: ": ")

        screen.type(" \n")

        let error = await #expect(throws: CommandError.self) { try await asked.get() }
        #expect(error?.status == .interrupted)
    }

    @Test func superuserIsAskedForTheName() async throws {
        let run = try CommandRun()
        #expect(try await run("db", "create").status == .done)
        try run.write("a word\n", to: "password")
        let screen = try PseudoTerminal()
        screen.type("root\n")

        let words = ["superuser-create", "--password-file", run.path("password")]
        let made = try await run.run(words, terminal: screen.terminal)
        let unasked = try await run.run(words)

        #expect(screen.screenUntilNow().contains("Username of the administrator: "))
        #expect(made.output == "Created the administrator 'root' with the login 'root'.\n")
        #expect(unasked.status == .usage)
        #expect(unasked.errors.contains("--username"))
    }

    @Test func pipeIsNobodyToAsk() async throws {
        let result = try await CommandRun()("config", "restore", input: "y\n")

        #expect(result.status == .notFound)
        let run = try CommandRun()
        try run.write("", to: "config.ini")
        let refused = try await run("config", "restore", input: "y\n")
        #expect(refused.status == .usage)
        #expect(refused.errors.contains("--yes"))
        #expect(run.names() == ["config.ini"])
    }
}
