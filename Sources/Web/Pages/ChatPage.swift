// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

/// The chat in the browser: one page, its style and its scripts, which speak MTP with this server.
enum ChatPage {
    /// What the page may do: run our scripts, and talk to this server.
    ///
    /// Pictures come in messages, as data; a script or a style that a sender wrote into one is never run.
    private static let contentSecurityPolicy = """
        default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data: blob:; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'
        """

    private static let files: [(path: RouterPath, type: String, bytes: [UInt8])] = [
        ("/chat", "text/html; charset=utf-8", PackageResources.chat_html),
        ("/chat/chat.css", "text/css; charset=utf-8", PackageResources.chat_css),
        ("/chat/chat.js", "text/javascript; charset=utf-8", PackageResources.chat_js),
        ("/chat/connection.js", "text/javascript; charset=utf-8", PackageResources.connection_js),
        ("/chat/conversations.js", "text/javascript; charset=utf-8", PackageResources.conversations_js),
        ("/chat/messages.js", "text/javascript; charset=utf-8", PackageResources.messages_js),
        ("/chat/page.js", "text/javascript; charset=utf-8", PackageResources.page_js),
        ("/chat/pictures.js", "text/javascript; charset=utf-8", PackageResources.pictures_js),
        ("/chat/texts.js", "text/javascript; charset=utf-8", PackageResources.texts_js),
    ]

    /// Serves the page and what it loads.
    static func add(to router: Router<BasicRequestContext>, _ refusal: Notice) {
        for file in self.files {
            let response = Response(
                .ok, type: file.type, ByteBuffer(bytes: file.bytes), contentSecurityPolicy: self.contentSecurityPolicy)
            router.addPage(file.path, refusal) { _ in response }
        }
    }
}
