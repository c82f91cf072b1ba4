// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import MTP
import Testing

@Suite struct MTPStatusTests {
    /// Printed by Python 3.11:
    /// `import http; print([(s.value, s.phrase) for s in http.HTTPStatus])`.
    private static let python: [(code: Int, phrase: String)] = [
        (100, "Continue"),
        (101, "Switching Protocols"),
        (102, "Processing"),
        (103, "Early Hints"),
        (200, "OK"),
        (201, "Created"),
        (202, "Accepted"),
        (203, "Non-Authoritative Information"),
        (204, "No Content"),
        (205, "Reset Content"),
        (206, "Partial Content"),
        (207, "Multi-Status"),
        (208, "Already Reported"),
        (226, "IM Used"),
        (300, "Multiple Choices"),
        (301, "Moved Permanently"),
        (302, "Found"),
        (303, "See Other"),
        (304, "Not Modified"),
        (305, "Use Proxy"),
        (307, "Temporary Redirect"),
        (308, "Permanent Redirect"),
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (402, "Payment Required"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (406, "Not Acceptable"),
        (407, "Proxy Authentication Required"),
        (408, "Request Timeout"),
        (409, "Conflict"),
        (410, "Gone"),
        (411, "Length Required"),
        (412, "Precondition Failed"),
        (413, "Request Entity Too Large"),
        (414, "Request-URI Too Long"),
        (415, "Unsupported Media Type"),
        (416, "Requested Range Not Satisfiable"),
        (417, "Expectation Failed"),
        (418, "I'm a Teapot"),
        (421, "Misdirected Request"),
        (422, "Unprocessable Entity"),
        (423, "Locked"),
        (424, "Failed Dependency"),
        (425, "Too Early"),
        (426, "Upgrade Required"),
        (428, "Precondition Required"),
        (429, "Too Many Requests"),
        (431, "Request Header Fields Too Large"),
        (451, "Unavailable For Legal Reasons"),
        (500, "Internal Server Error"),
        (501, "Not Implemented"),
        (502, "Bad Gateway"),
        (503, "Service Unavailable"),
        (504, "Gateway Timeout"),
        (505, "HTTP Version Not Supported"),
        (506, "Variant Also Negotiates"),
        (507, "Insufficient Storage"),
        (508, "Loop Detected"),
        (510, "Not Extended"),
        (511, "Network Authentication Required"),
    ]

    @Test func everyStatusOfHTTPIsThere() throws {
        for row in Self.python {
            let status = try #require(MTPStatus(rawValue: row.code))

            #expect(status.phrase == (row.code == 505 ? "Version Not Supported" : row.phrase))
        }
    }

    @Test(arguments: [
        (499, "Client Closed Request"),
        (505, "Version Not Supported"),
        (520, "Unknown Error"), (526, "Invalid SSL Certificate"),
    ])
    func theProtocolsOwnStatusesAreThere(code: Int, phrase: String) throws {
        let status = try #require(MTPStatus(rawValue: code))

        #expect(status.phrase == phrase)
    }

    @Test func everyStatusIsComplete() {
        #expect(MTPStatus.allCases.count == Self.python.count + 3)
        #expect(Set(MTPStatus.allCases.map(\.phrase)).count == MTPStatus.allCases.count)
        for status in MTPStatus.allCases {
            #expect(status.code == status.rawValue)
            #expect(!status.phrase.isEmpty && !status.description.isEmpty)
            #expect(status.isSuccess == (status.code / 100 == 2))
        }
    }

    @Test func noOtherNumberIsAStatus() {
        #expect(MTPStatus(rawValue: 299) == nil)
        #expect(MTPStatus(rawValue: -1) == nil)
    }
}
