/// What `Encrypt` answers for a symmetric key, taken apart. Everything before the sealed part is authenticated with it.
///
///     1 byte   format (1)
///     16       key id (the UUID's bytes)
///     4        version of the key material, big-endian
///     16       salt that the message's own key is derived with
///     12       nonce
///     n        AES-256-GCM ciphertext
///     16       tag
struct CiphertextBlob: Equatable {
    static let format: UInt8 = 1
    static let saltBytes = 16
    static let nonceBytes = 12
    static let tagBytes = 16
    static let overheadBytes = 1 + 16 + 4 + saltBytes + nonceBytes + tagBytes

    var keyID: KeyID
    var version: UInt32
    var salt: [UInt8]
    var nonce: [UInt8]
    var ciphertext: [UInt8]
    var tag: [UInt8]

    /// Format, key and version.
    var header: [UInt8] {
        [CiphertextBlob.format] + keyID.bytes
            + [UInt8(version >> 24), UInt8(version >> 16 & 0xff), UInt8(version >> 8 & 0xff), UInt8(version & 0xff)]
    }

    var bytes: [UInt8] { header + salt + nonce + ciphertext + tag }

    init(keyID: KeyID, version: UInt32, salt: [UInt8], nonce: [UInt8], ciphertext: [UInt8], tag: [UInt8]) {
        self.keyID = keyID
        self.version = version
        self.salt = salt
        self.nonce = nonce
        self.ciphertext = ciphertext
        self.tag = tag
    }

    /// Nil for bytes that can't be one of ours.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= CiphertextBlob.overheadBytes, bytes[0] == CiphertextBlob.format else { return nil }
        keyID = KeyID(bytes: Array(bytes[1..<17]))
        version = bytes[17..<21].reduce(0) { $0 << 8 | UInt32($1) }
        salt = Array(bytes[21..<37])
        nonce = Array(bytes[37..<49])
        ciphertext = Array(bytes[49..<(bytes.count - CiphertextBlob.tagBytes)])
        tag = Array(bytes.suffix(CiphertextBlob.tagBytes))
    }
}
