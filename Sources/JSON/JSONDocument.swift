// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CJansson

/// The tree of one parsed text.
///
/// Values and texts taken out of it keep it alive.
///
/// `@unchecked`: nothing changes the tree after `init`, and libjansson's reading functions may run on any thread.
final class JSONDocument: @unchecked Sendable {
    let root: UnsafeMutablePointer<json_t>

    init(parsing bytes: UnsafeRawBufferPointer, limits: JSONLimits) throws(JSONError) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { throw JSONError(.empty, at: 0) }
        try limits.check(bytes)
        let flags = Int(JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES)
        var failure = json_error_t()
        guard let root = json_loadb(base.assumingMemoryBound(to: CChar.self), bytes.count, flags, &failure) else {
            throw JSONError(failure)
        }
        self.root = root
    }

    deinit {
        json_decref(root)
    }
}

extension JSONError {
    fileprivate init(_ failure: json_error_t) {
        // The library keeps its code in the last byte of the text, and the text may quote the input: not for us.
        let raw = withUnsafeBytes(of: failure.text) { $0[Int(JSON_ERROR_TEXT_LENGTH) - 1] }
        let code: Code =
            switch json_error_code(rawValue: UInt32(raw)) {
            case json_error_premature_end_of_input: .truncated
            case json_error_end_of_input_expected: .trailing
            case json_error_invalid_utf8: .invalidUTF8
            case json_error_duplicate_key: .duplicateMember
            case json_error_null_byte_in_key: .nullInName
            case json_error_numeric_overflow: .numberTooLarge
            case json_error_stack_overflow: .tooDeep
            case json_error_out_of_memory: .outOfMemory
            default: .syntax
            }
        self.init(code, at: max(0, Int(failure.position)))
    }
}
