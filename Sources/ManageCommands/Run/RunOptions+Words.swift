// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
package import Transport

extension RunOptions {
    /// Values of `--ws`.
    package enum WebSocketWord: String, ExpressibleByArgument, CaseIterable, Sendable {
        /// They are served.
        case auto
        /// An upgrade is refused.
        case none
        // COMPAT: uvicorn's implementations.
        case websockets, wsproto
        case websocketsSansIO = "websockets-sansio"
    }

    /// Values of `--http`.
    package enum HTTPWord: String, ExpressibleByArgument, CaseIterable, Sendable {
        case auto, h11, httptools
    }

    /// Values of `--loop`.
    package enum LoopWord: String, ExpressibleByArgument, CaseIterable, Sendable {
        case auto, none, asyncio, uvloop
    }

    /// Values of `--lifespan`.
    package enum LifespanWord: String, ExpressibleByArgument, CaseIterable, Sendable {
        case auto, on, off
    }

    /// Values of `--interface`.
    package enum InterfaceWord: String, ExpressibleByArgument, CaseIterable, Sendable {
        case auto, asgi3, asgi2, wsgi
    }

    /// A version of TLS as `--ssl-version` names it.
    package struct TLSVersionWord: ExpressibleByArgument, Equatable, Sendable {
        /// The oldest version that is spoken.
        package var version: TLSOptions.MinimumVersion

        /// Reads `1.2`, `TLSv1.2`, `TLSv1_2`, or a constant of Python's `ssl` module.
        package init?(argument: String) {
            let word = argument.lowercased().replacing("_", with: ".")
            switch word {
            case "2", "17", "tls", "auto": version = .tls12
            case "3", "1", "tlsv1": version = .tls10
            case "4": version = .tls11
            case "5": version = .tls12
            default:
                let number = word.hasPrefix("tlsv") ? String(word.dropFirst(4)) : word
                guard let named = TLSOptions.MinimumVersion(rawValue: number) else { return nil }
                version = named
            }
        }

        /// For completions.
        package static var allValueStrings: [String] { TLSOptions.MinimumVersion.allCases.map(\.rawValue) }
    }
}

extension RunOptions {
    /// A sentence for each option that is accepted and changes nothing.
    package var notes: [String] {
        var notes: [String] = []
        func tell(_ option: String, _ value: String?, _ reason: String) {
            if let value, value != "auto" { notes.append("\(option) \(value) has no effect: \(reason).") }
        }
        if webSockets != .none {
            tell("--ws", webSockets.rawValue, "there is one implementation of WebSocket")
        }
        tell("--http", http?.rawValue, "there is one implementation of HTTP")
        tell("--loop", loop?.rawValue, "there is one kind of event loop")
        tell("--lifespan", lifespan?.rawValue, "there is no ASGI application")
        tell("--interface", interface?.rawValue, "there is no ASGI application")
        return notes
    }
}
