// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Operations
import Settings
import Storage

/// Settings as administrators see and change them.
extension SettingsReloader {
    /// Every setting that has an effect, with what the server goes by.
    func settings() -> [ListSettings.Setting] {
        // A file that is broken now says nothing of what comes.
        let read = (try? source.load())?.values() ?? []
        let coming = Dictionary(uniqueKeysWithValues: read.map { ($0.key, $0) })
        return inForce.values().filter { $0.key.use == .active }.map { setting in
            let key = setting.key
            let next = coming[key] ?? setting
            return ListSettings.Setting(
                section: key.section, name: key.name, value: setting.text,
                coming: next.text == setting.text ? nil : next.text ?? "unset", source: "\(next.source)",
                standard: key.defaultText, summary: key.summary, needsRestart: key.needsRestart,
                isChangeable: !key.mayHoldSecret && !next.source.goesBeforeTheFile)
        }
    }

    /// Changes a value in the settings file and reads it again; when the settings are refused the file is as it was.
    func change(
        _ path: String, to text: String?, record: @Sendable () async throws(OperationError) -> Void
    ) async throws(OperationError) -> ChangeSetting.Report {
        let key = try checkedKey(path, text)
        try await record()
        do {
            // No suspension from here to where the settings are read: no other task changes the file in between.
            let old = try source.file.read()
            let copy = old == nil ? nil : try source.file.backUp(suffix: Self.suffix(WallClock.now()))
            if let text { _ = try source.file.set(key, to: text) } else { _ = try source.file.unset(key) }
            if let copy, try source.file.read() == old {
                unlink(copy)
                return ChangeSetting.Report(change: nil, kept: nil)
            }
            let report = await reload()
            guard report.isApplied else {
                if let old { try source.file.write(old) } else { unlink(source.file.path) }
                if let copy { unlink(copy) }
                throw OperationError(
                    .invalid,
                    "The settings would be refused, so the file is as it was. " + report.reasons.joined(separator: " "))
            }
            return ChangeSetting.Report(change: report.changes.first { $0.key == key.path }, kept: copy)
        } catch let error as OperationError {
            throw error
        } catch let error as SettingsError {
            throw OperationError(.failed, error.findings[0].message, nextStep: error.findings[0].remedy)
        } catch {
            throw OperationError(.invalid, "\(key.path) cannot be set to this value in a settings file.")
        }
    }

    private func checkedKey(_ path: String, _ text: String?) throws(OperationError) -> SettingKey {
        guard let key = SettingKey.named(path), key.use == .active else {
            throw OperationError(
                .notFound, "There is no setting '\(path.prefix(100))'.",
                nextStep: "List them with 'manage config show'.")
        }
        if key.mayHoldSecret {
            throw OperationError(
                .refused, "The value of \(key.path) may be secret and is changed on the machine only.",
                nextStep: "Use 'manage config set \(key.path) --value-stdin' there.")
        }
        if let text {
            do throws(SettingValueError) {
                _ = try key.value(of: text, folder: source.file.folder)
            } catch {
                throw OperationError(.invalid, "\(text.quotedForDisplay()) \(error.problem).", nextStep: error.remedy)
            }
        }
        if let source = (try? source.load())?.values().first(where: { $0.key == key })?.source, source.goesBeforeTheFile
        {
            throw OperationError(
                .refused, "\(key.path) comes from the \(source), which goes before the file.",
                nextStep: "Change it there.")
        }
        return key
    }

    /// `20260131-235959`, in UTC.
    private static func suffix(_ time: Timestamp) -> String {
        let date = UTCDate(milliseconds: time.milliseconds)
        return "\(date.day)-\(date.time)".replacing("-", with: "", maxReplacements: 2).replacing(":", with: "")
    }
}

extension ResolvedSetting.Source {
    /// Whether what the file says has no effect.
    fileprivate var goesBeforeTheFile: Bool {
        switch self {
        case .commandLine, .environment: true
        case .file, .standard: false
        }
    }
}
