// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// News of the log as a text for a bus: `FROM TO ACCOUNTS FLOWS`.
///
/// Such as `17 20 0 3,8`; `*` stands for flows that did not fit.
extension LogNews {
    /// A text is never longer.
    package static let maximumTextBytes = 4096

    /// What the events of a batch, in order and not empty, tell.
    init?(_ events: [LogEvent]) {
        guard let first = events.first, let last = events.last else { return nil }
        var flows: Set<FlowID> = []
        var hasAccountEvents = false
        for event in events {
            if let flow = event.flow { flows.insert(flow) } else { hasAccountEvents = true }
        }
        self.init(
            from: Position(first.position.rawValue - 1), to: last.position, hasAccountEvents: hasAccountEvents,
            flows: flows)
    }

    package var text: String {
        let head = "\(from.rawValue) \(to.rawValue) \(hasAccountEvents ? 1 : 0) "
        // The shortest entry has two bytes: no need to write out what cannot fit.
        guard let flows, flows.count <= Self.maximumTextBytes / 2 else { return head + "*" }
        let list = flows.sorted().map { String($0.rawValue) }.joined(separator: ",")
        return head.utf8.count + list.utf8.count <= Self.maximumTextBytes ? head + list : head + "*"
    }

    /// `nil` for a text of another form.
    package init?(text: String) {
        guard text.utf8.count <= Self.maximumTextBytes else { return nil }
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 4, let from = Int64(parts[0]), let to = Int64(parts[1]), 0 <= from, from < to,
            parts[2] == "0" || parts[2] == "1"
        else { return nil }
        self.init(
            from: Position(from), to: Position(to), hasAccountEvents: parts[2] == "1",
            flows: parts[3] == "*" ? nil : [])
        guard flows != nil else { return }
        for part in parts[3].split(separator: ",") {
            guard let flow = Int64(part) else { return nil }
            flows?.insert(FlowID(flow))
        }
    }
}
