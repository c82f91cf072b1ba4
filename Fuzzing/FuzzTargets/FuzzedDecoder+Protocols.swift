// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import FastChat
import JSON
import MTP
import Messenger
import NIOCore
import Skaro

/// The requests of the protocols, and what servers send to our own clients.
extension FuzzedDecoder {
    static func mtp(_ bytes: [UInt8]) throws(BrokenPromise) {
        _ = try? MTPResponse(decoding: ByteBuffer(bytes: bytes))
        guard let request = try? MTPRequest(decoding: ByteBuffer(bytes: bytes)) else { return }
        _ = request.method
        _ = MTPVersion(request.version)
        if let cursor = request.meta?.since.flatMap({ MTPCursor($0) }) {
            try BrokenPromise.unless(cursor.text == request.meta?.since, "a cursor has one text")
        }
        let again = try? MTPRequest(decoding: ByteBuffer(bytes: request.encoded()))
        try BrokenPromise.unless(again == request, "what is written is read back the same")
    }

    static func skaro(_ bytes: [UInt8]) throws(BrokenPromise) {
        guard let request = try? SkaroRequest(decoding: bytes) else { return }
        let answer = try? CBORValue(decoding: SkaroResponse(to: request, refused: .unknownMethod).encoded())
        try BrokenPromise.unless(answer?["id"] == request.id, "an answer has the request's id")
        try BrokenPromise.unless(answer?["for"] == .text(request.type), "an answer has the request's type")
        guard let call = try? request.call() else { return }
        let again = try? SkaroRequest(decoding: call.encoded(id: request.id))
        try BrokenPromise.unless((try? again?.call()) == call, "what is written is read back the same")
    }

    static func messenger(_ bytes: [UInt8]) throws(BrokenPromise) {
        var whole = MessengerDecoder(maximumBytes: 256)
        var cut = whole
        let expected = whole.bytes(bytes) + whole.pause()
        var found: [MessengerDecoder.Output] = []
        for piece in Pieces(of: bytes) {
            found += cut.bytes(piece)
            try BrokenPromise.unless(cut.bufferedBytes <= cut.maximumBytes, "what is held is bounded")
        }
        found += cut.pause()
        try BrokenPromise.unless(found == expected, "where the bytes were cut changes nothing")
        try BrokenPromise.unless(!cut.isWaiting, "a pause ends everything")
        for case .request(.send(_, let recipient, let text)) in expected {
            let units = MessengerUnit.message(text, from: MessengerLogin(recipient.text))
            for unit in units {
                let encoded = unit.encoded()
                try BrokenPromise.unless(encoded.count <= MessengerUnit.maximumBytes, "a unit is bounded")
            }
        }
        _ = MessengerUnit(decoding: bytes)
    }

    static func fastChat(_ bytes: [UInt8]) throws(BrokenPromise) {
        var whole = FastChatSplitter(maximumBytes: 4096)
        var cut = whole
        let expected = whole.receive(bytes)
        var found: [FastChatSplitter.Piece] = []
        for piece in Pieces(of: bytes) {
            found += cut.receive(piece)
            try BrokenPromise.unless(cut.bufferedBytes <= cut.maximumBytes, "what is held is bounded")
        }
        try BrokenPromise.unless(found == expected, "where the bytes were cut changes nothing")
        for case .value(let value) in expected {
            _ = try? FastChatServerUnit(decoding: value)
            _ = try? FastChatAssignment(decoding: value)
            guard let request = try? FastChatRequest(decoding: value) else { continue }
            let again = try? FastChatRequest(decoding: request.encoded(time: ""))
            try BrokenPromise.unless(again == request, "what is written is read back the same")
        }
    }
}
