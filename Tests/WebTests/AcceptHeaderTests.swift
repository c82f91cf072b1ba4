// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Web

struct AcceptHeaderTests {
    @Test(
        arguments: [
            "", "*/*", "text/html", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/json;q=0.5, text/html", "application/json;q=0", "application/json;q=0, */*;q=0.1",
            "application/json, text/html", "image/png", "application/jsonp", ";;,,;q=1", "application/json;q=nan",
            "application/json;q=2", "text/*;q=0.9, application/*;q=0.8",
        ])
    func htmlUnlessJSONIsPreferred(value: String) {
        #expect(AcceptHeader(value).form == .html)
    }

    @Test(
        arguments: [
            "application/json", "APPLICATION/JSON", "application/json, text/plain, */*", "application/*",
            "text/html;q=0.4, application/json;q=0.5", "text/html;q=0, */*", "application/json ; q=0.001",
            "*/*;q=0.1, application/json;charset=utf-8;q=0.2",
        ])
    func jsonWhenItIsPreferred(value: String) {
        #expect(AcceptHeader(value).form == .json)
    }
}
