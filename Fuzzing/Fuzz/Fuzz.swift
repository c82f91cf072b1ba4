// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FuzzTargets
import Glibc

/// Runs libFuzzer on the decoder that `PARLEY_FUZZ_DECODER` names; the arguments are libFuzzer's.
@main
enum Fuzz {
    fileprivate static let decoder: FuzzedDecoder = {
        guard let name = getenv("PARLEY_FUZZ_DECODER"), let decoder = FuzzedDecoder(rawValue: String(cString: name))
        else {
            let names = FuzzedDecoder.allCases.map(\.rawValue).joined(separator: ", ")
            fatalError("PARLEY_FUZZ_DECODER must be one of: \(names)")
        }
        return decoder
    }()

    static func main() {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        exit(runFuzzer(&count, &arguments, testOneInput))
    }
}

/// Of libFuzzer: its main function without the name.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// What libFuzzer calls with each input.
private func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do throws(BrokenPromise) {
        try Fuzz.decoder.run(Array(UnsafeBufferPointer(start: start, count: count)))
    } catch {
        fatalError("\(Fuzz.decoder.rawValue): not true that \(error)")
    }
    return 0
}
