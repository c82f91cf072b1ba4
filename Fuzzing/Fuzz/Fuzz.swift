// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FuzzTargets
import Glibc

/// The decoder that `PARLEY_FUZZ_DECODER` names.
private let decoder: FuzzedDecoder = {
    guard let name = getenv("PARLEY_FUZZ_DECODER"), let decoder = FuzzedDecoder(rawValue: String(cString: name)) else {
        let names = FuzzedDecoder.allCases.map(\.rawValue).joined(separator: ", ")
        fatalError("PARLEY_FUZZ_DECODER must be one of: \(names)")
    }
    return decoder
}()

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do throws(BrokenPromise) {
        try decoder.run(Array(UnsafeBufferPointer(start: start, count: count)))
    } catch {
        fatalError("\(decoder.rawValue): not true that \(error)")
    }
    return 0
}
