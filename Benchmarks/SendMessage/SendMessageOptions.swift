// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness

/// The options of this benchmark, checked.
struct SendMessageOptions: Sendable {
    /// What is measured, in this order.
    let cases: [BenchmarkCase]
    let rounds: Int
    let seconds: Int
    let warmUp: Int
    let text: String
    let folder: String
    let server: String
    let databases: String

    init(words: some Sequence<String>) throws(BenchmarkFailure) {
        let options = try BenchmarkOptions(
            words: words,
            defaults: [
                "measures": "send_message,ping_pong,all_messages,history", "shapes": "1x1,16x1,64x1,64x8,900x1",
                "push": "off,on", "history": "1000000", "rooms": "5000", "rounds": "3", "seconds": "3", "warm-up": "1",
                "text-bytes": "100", "folder": "/var/tmp", "server": "", "databases": "all",
            ])
        rounds = try options.number("rounds", in: 1...1000)
        seconds = try options.number("seconds", in: 1...3600)
        warmUp = try options.number("warm-up", in: 0...3600)
        text =
            String(repeating: "parley ", count: 1 << 13).prefix(try options.number("text-bytes", in: 1...50_000))
            .description
        folder = options.text("folder")
        server = options.text("server")
        databases = try options.word("databases", of: ["all", "sqlite", "postgres"])
        let shapes = try Shape.list(options.text("shapes"))
        let pushes = try options.words("push", of: ["off", "on"])
        let history = try options.number("history", in: 1...1_000_000_000)
        let rooms = try options.number("rooms", in: 1...1_000_000)
        var cases: [BenchmarkCase] = []
        for measure in try options.words("measures", of: ["send_message", "ping_pong", "all_messages", "history"]) {
            switch measure {
            case "send_message":
                for shape in shapes {
                    for push in pushes {
                        cases.append(BenchmarkCase(request: .sendMessage, shape: shape, push: push == "on"))
                    }
                }
            case "ping_pong": cases.append(BenchmarkCase(request: .pingPong, shape: Shape(64, 8)))
            case "all_messages": cases.append(BenchmarkCase(request: .page, shape: Shape(4, 1)))
            default:
                cases.append(
                    BenchmarkCase(request: .sendMessage, shape: Shape(64, 8), history: history, rooms: rooms))
            }
        }
        self.cases = cases
    }
}
