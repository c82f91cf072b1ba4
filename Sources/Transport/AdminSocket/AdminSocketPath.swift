// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Work on the file of an admin socket.
struct AdminSocketPath: Sendable {
    /// The longest path that fits a `sockaddr_un` with its final zero.
    static let maximumBytes = 107

    let path: String

    init(_ path: String) throws(AdminSocketError) {
        guard path.utf8.count <= Self.maximumBytes, !path.utf8.contains(0), !path.isEmpty else {
            throw AdminSocketError(
                .pathTooLong,
                """
                The path of the admin socket, '\(path)', has \(path.utf8.count) bytes; the system allows 1 to \
                \(Self.maximumBytes). Set [ADMIN] SOCKET to a shorter path, such as /run/parley/admin.sock.
                """
            )
        }
        self.path = path
    }

    /// What identifies a file, whatever happens to its name.
    struct Identity: Equatable, Sendable {
        var device: UInt64
        var inode: UInt64
    }

    /// Makes the folder (mode 0700, as are the parents that are missing) and a bound socket in it (mode 0600).
    ///
    /// The mode is set before anything can connect, because nothing listens yet.
    func bind(removingStaleSocket mayRemove: Bool) throws(AdminSocketError) -> (descriptor: Int32, identity: Identity) {
        try self.makeFolder()
        try self.clearPath(mayRemove: mayRemove)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw self.failure("create", errno) }
        do throws(AdminSocketError) {
            guard self.withAddress({ Glibc.bind(descriptor, $0, $1) }) == 0 else { throw self.failure("bind", errno) }
            guard chmod(self.path, 0o600) == 0, let identity = self.identity() else {
                throw self.failure("protect", errno)
            }
            return (descriptor, identity)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    /// Whether this user may trust what is at the path: checked before anything is sent there.
    ///
    /// The socket must belong to this user or to root, and so must its folder, in which no other user may write. Root
    /// trusts the owner of the folder.
    ///
    /// - Returns: Who owns the socket; `nil` when there is none.
    /// - Throws: `AdminSocketError` with code `notAllowed`.
    func trustedOwner(for userID: UInt32) throws(AdminSocketError) -> UInt32? {
        var socket = stat()
        var folder = stat()
        guard stat(self.path, &socket) == 0 else { return nil }
        let end = self.path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let name = end.map { $0 == self.path.startIndex ? "/" : String(self.path[..<$0]) } ?? "."
        guard stat(name, &folder) == 0 else { return nil }
        let trusted: Set<UInt32> = userID == 0 ? [0, folder.st_uid] : [0, userID]
        guard trusted.contains(socket.st_uid), trusted.contains(folder.st_uid) else {
            throw AdminSocketError(
                .notAllowed,
                """
                The admin socket '\(self.path)' or its folder belongs to another user, who could read what is sent. \
                Run the command as the server's user or as root.
                """
            )
        }
        // Where the folder is sticky others can add files, but not take this one away.
        guard folder.st_mode & 0o022 == 0 || folder.st_mode & 0o1000 != 0 else {
            throw AdminSocketError(
                .notAllowed,
                """
                Other users may write in the folder of the admin socket '\(self.path)', and could put their own in its \
                place. Run 'chmod go-w' on the folder.
                """
            )
        }
        return socket.st_uid
    }

    /// Removes the socket if it is still the one with this identity.
    func remove(_ identity: Identity) {
        if self.identity() == identity { unlink(self.path) }
    }

    private func identity() -> Identity? {
        var status = stat()
        guard lstat(self.path, &status) == 0 else { return nil }
        return Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    private func makeFolder() throws(AdminSocketError) {
        guard let slash = self.path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return }
        var folder = ""
        for part in self.path[..<slash].split(separator: "/", omittingEmptySubsequences: false) {
            folder += folder.isEmpty && part.isEmpty ? "/" : (folder.isEmpty || folder == "/" ? "" : "/") + part
            if mkdir(folder, 0o700) != 0, errno != EEXIST, access(folder, F_OK) != 0 {
                throw self.failure("make the folder '\(folder)' of", errno)
            }
        }
    }

    private func clearPath(mayRemove: Bool) throws(AdminSocketError) {
        var status = stat()
        guard lstat(self.path, &status) == 0 else {
            if errno == ENOENT { return }
            throw self.failure("look at", errno)
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw AdminSocketError(
                .pathTaken,
                "'\(self.path)' is no socket. Move it away or set [ADMIN] SOCKET to another path."
            )
        }
        if self.somebodyListens() {
            throw AdminSocketError(
                .pathTaken,
                "Another server listens on '\(self.path)'. Stop it, or set [ADMIN] SOCKET to another path."
            )
        }
        guard mayRemove else {
            throw AdminSocketError(
                .pathTaken,
                "The socket '\(self.path)' was left behind. If no other server is starting here, remove it."
            )
        }
        if unlink(self.path) != 0, errno != ENOENT { throw self.failure("remove the old", errno) }
    }

    private func somebodyListens() -> Bool {
        let descriptor = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return true }
        defer { Glibc.close(descriptor) }
        let result = self.withAddress { connect(descriptor, $0, $1) }
        // EAGAIN is a full queue of a server that lives.
        return result == 0 || (errno != ECONNREFUSED && errno != ENOENT)
    }

    private func withAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { target in
            target.copyBytes(from: self.path.utf8.prefix(Self.maximumBytes))
        }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private func failure(_ action: String, _ number: Int32) -> AdminSocketError {
        AdminSocketError(
            number == EACCES || number == EPERM ? .notAllowed : .failed,
            """
            Cannot \(action) the admin socket '\(self.path)': \(String(cString: strerror(number))). \
            Check the folder's rights or set [ADMIN] SOCKET to another path.
            """
        )
    }
}
