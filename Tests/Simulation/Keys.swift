// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import FastChat

/// The RSA keys of every run.
///
/// Drawing some would use more or less memory each time, and with it move everything that comes after. They protect
/// nothing.
struct Keys: Sendable {
    /// Of all readers.
    let reader: RSAPrivateKey
    let balancer: RSAPrivateKey
    /// What the balancer gives to clients.
    let sign: String

    init() throws {
        reader = try RSAPrivateKey(pem: Self.readerPEM)
        balancer = try RSAPrivateKey(pem: Self.balancerPEM)
        sign = try balancer.signature(
            of: FastChatAssignment.signedText(host: FastChatDevice.address.host, port: FastChatDevice.address.port))
    }

    private static let readerPEM = """
        -----BEGIN RSA PRIVATE KEY-----
        MIICXQIBAAKBgQC6Xk4ymcnbqZZJCYZvZt7sCJWhI2Nc8bWmCe9E+t3+NZ265Sqx
        Fl2nu+7PYnN1237UbcfZ5Vi+HzL9KBg2AWnyFDvUTZJ3wXS7fx1ZOyzKEbiwPt0C
        M7+8uknkrbii0kFyU8mQVmyiT+QK5q4kAUQW5e+TtAugS/uoArQGp1i4CwIDAQAB
        AoGBAIGbnhRQoXIzMUHf7u9Agl1x5uVmX+6+Zg5vsEevk3z7upLEVvlKzZ0d9Imj
        NRrMqBqBsk/V0O5/cg1eud+tAgjXOYwMj6pFluP2b8UDPerAehyuUMTDH9RMlvNC
        nWd2xfKTX6tLe3jErNX+rtuPMk8vpYle/SZsj60FmpCjZ0aZAkEA+F4duxT/SOYX
        5AmZ0CHJdrL37Kw8NkXADsNPvZ6T0aM0wZLJqShwvNF2w4QWUqc9wS49f0/JcHII
        +lFdFBb8XwJBAMAYcn1TzjvD0QWdINCHaRDcAKzWsIuomVg3BQqzFYipd3fQNVQJ
        woz4IXRw8Uy736ddpgHrrnORnFoYpzdgY9UCQQCgIZ4tlpYZXDCfGAmRhZcs7qqm
        b03K+CGh4w8whGNt0DodbBSU+bvmIW7fE/SIicdpG/UOdlS8KOnc6kSGxWMlAkA8
        5wNVbL6UAC9C4mBG/Md4yueD5MUwYhHMABWfIMwQ+fmgiOh/bmC6JOkma7B1LZNp
        Eq3RKhGzHlU901cgnXTJAkAI5MARknDwhmei+XJM61GrKmGrJ6qYcFWwpihgJt17
        3NLW58FFI2WoC8tQ0knzvBbLE5P2l7Nn5f3Keh3dXI5O
        -----END RSA PRIVATE KEY-----
        """

    private static let balancerPEM = """
        -----BEGIN RSA PRIVATE KEY-----
        MIICXQIBAAKBgQDU4kjt8ypgyhuNXZe2ueo9yZUNo2Jkxdu2dGzleybC/ZuLtHnM
        NRX1AIFaXpn8rC5O++QNBu+1myGkjeUnnUYxbQr0yHH/srKIDXT3eoTg7iylBTJy
        HTq8szD6FYAbp6v2KUM6vPgd84nmpxzMk/cmKByk50HZjfqkJHLc8d74UQIDAQAB
        AoGBANHokjq2c4nen05EA+1z4kmsc+FvwfxVsDB3Gk0oom7QPEiD2zkE+zKKngFq
        mHGxoTPWYeaKeWBbp8+m7laiWGtlKmxSyoKE+lkSHfTezhPke7yekX7TXbTFF1Fx
        bJafX1VMDDsOTwkgpM5hDLTXUVetlqUfA1jRFWD1x1zRrjMxAkEA86ISQusCYDAE
        yxYZOtp3UtOF/9ONJr9aLwqco+K3VfY17jxuxk7j+9kmiYN07ica9okYnYbSzQd9
        aR1+0JHXlQJBAN+wo38L/mXd1Jmivt7AEU8xS5JMfMc+AgFm9MXBF+CHQmPdO0wN
        V10UM41Wo1dVW7Fd+hqUBoa0x8K6eeqSfs0CQB++Xzi+3BliSE2ZvIHRkziEfPIf
        Q0XoKrz0WgJ0eMTHhrFayGgoQUZAPegu655YFAhJRp7HwVGbhziZ8jsEtZ0CQBao
        /zcMkP3ixfm2Wd2Y2WgLV1t/shhA+NUJh/xMfk25hgk1zR78LwB33m0P/MYJGJvU
        KFTu7+ZPg/j/CQCxTHUCQQCRHMSBdK6J7j/4JpeeWr7Pf68hOlfbg+2PGVX2Rt+E
        TDE0E8kyq/zHafSixjy8IutNsx6oYOBIii71cLzm6EGc
        -----END RSA PRIVATE KEY-----
        """
}
