// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

/// What the Python libraries `rsa` and `pycryptodome`, which the old FastChat clients use, made of known texts.
///
/// The private keys were drawn for these tests and belong to nobody.
struct FastChatVectors: Sendable, CustomTestStringConvertible {
    static let text = "Grüße an Δ 🚀"
    /// What a server signs for 127.0.0.1, port 8010.
    static let signedText = "127.0.0.18010"
    static let all = [old, current]

    var bits: Int
    var publicKey: String
    var privateKey: String
    /// `text`, and its secret.
    var message: String
    var key: String
    /// `signedText`.
    var signature: String
    /// `text` under a secret of 29 bytes.
    var messageOfShortSecret: String
    var shortSecret: String
    /// The bytes FF FE, which are no UTF-8.
    var messageOfNoText: String
    var keyOfNoText: String

    var testDescription: String { "\(bits) bits" }

    static let old = FastChatVectors(
        bits: 1024,
        publicKey: """
            -----BEGIN RSA PUBLIC KEY-----
            MIGJAoGBAJragjaOTQDn9nza0n/WXY5CGmbjp4hLh16hI01lwNHy1XB8jBnkR7Ot
            +Jl9sh1p2b2srxIBriZcU08+8FE23nDc3yrJbHv2qO3YGSCNuDWTcUdJMPFtR1Ck
            w54+UX6x71B25xKXiXT4IHnlmauvbHVI0L5H7XZU1C2aEw4jm4ePAgMBAAE=
            -----END RSA PUBLIC KEY-----
            """,
        privateKey: """
            -----BEGIN RSA PRIVATE KEY-----
            MIICYAIBAAKBgQCa2oI2jk0A5/Z82tJ/1l2OQhpm46eIS4deoSNNZcDR8tVwfIwZ
            5EezrfiZfbIdadm9rK8SAa4mXFNPPvBRNt5w3N8qyWx79qjt2Bkgjbg1k3FHSTDx
            bUdQpMOePlF+se9QducSl4l0+CB55Zmrr2x1SNC+R+12VNQtmhMOI5uHjwIDAQAB
            AoGAJzYbcNsZrpgON1Flqg9LA2HDs7gDzSRq89BT0x5n9AHMgD5Zb5j5ewsbfypv
            9ri99SSL9EBOq9IHGnLyRtqm1z2HxznuhUjvLugDuYEmer9wxhFdH1595OjPxqGG
            0Bao+k1f0TBNDBHJSdat1MOXVuDmjpelsyXcP50WWR379OkCRQDnVD7PkyIyw5sa
            GScxkg0kxS0bSQz35f9dRrZ4Bzl+U2yTskD9BR5JE5MnedvNfgxo7OcKQnCf2amN
            U7GRS3ObdXjTDQI9AKteU1tTioug4L9eYjesg53sBmXYxjFaz4VjfI5c+PakFuD+
            RCLlRDcVG1gqVq2g6z6zAO201G5zZm7OCwJEe6hcHyf+uvY3Ph8+BVCWeBZzA0fs
            h8PJ2znGpqjuAepkextphBetVdEB87M/XTzJM3mYE7Lqc3iuGx8nJ40W0n5cRS0C
            PA5SSrsWJzz2C/JSS/kFJNa80+gNDrsvMKqgHtey82eBXRweg8k6ydGkpO1gVHAc
            Q6ywvwIem6ZDZKsb8wJFAMuyOknkIUAL5kazd6N7yoNw5Id8Zc0ln/729yZd5bSv
            sFMXKEQSBfy7VdTPOMcmGMClzM3jCD4ox/CJ2O6elgRVuRiL
            -----END RSA PRIVATE KEY-----
            """,
        message: "uRcA+dDnZToqFceUBhb0saDULRGej9VecYQPRaWg6sUU7Ws0BvfKWPwLG1YfVNWd",
        key: """
            cX1kw5p4+cj880UtIQfFt2sjJScIT+TgyhyWjsYF3u4NRm8JDrH+v6FFxiRC1hdFiZi94SKty56LEEogPzpgPL2s1Bw1IKiTado1\
            TSridOC7xHgrYmZGkNMBEZgfkz2/Btz+O8209MgAl4YUxtD8EKHs+uYxd1bKScHEHmQZ15o=
            """,
        signature: """
            c94x+znvf5duHlelRWNAwsMmT2gZz3X4pXRZThFe8orLR/tvjlkBP8FepeavdbahpV+0DsC1Lr+I/jKjZWoo37IhZGnLfNR0Sjm0\
            baf9ehratklAbgAYhprhmP0tGrydhdn1hVqVh5l2FDkMesvVxdpuoCuFCuZEPda4CV0fiSE=
            """,
        messageOfShortSecret: "uRcA+dDnZToqFceUBhb0saUtzw3OMgEo2rP95PukxezBmwCfrEZTxTrOs1pD0v4J",
        shortSecret: """
            Fk9/StOYQsmWSP3P6PVr2a6AaGkf+pyA2PSFYiEw0tiFP6bnL0Y5aMrPc3ViRPi/92XaxIM915Hn45TKKXwN0Pq2WQ0P12q4+vfS\
            fA5xlz1q5TsiDz8pGkqqoU/NbE+Ke1jMoFXX6UstdVymX6CN4oO8zQysm1KjpVAGg6TPeHg=
            """,
        messageOfNoText: "uRcA+dDnZToqFceUBhb0sVy2yQqoj/ctYA+OlnPyjlY=",
        keyOfNoText: """
            dqU6Tt3HW50pRSUc3YhYw2ksKbVOSNM0darw20xBytpO0QQE+E/4nb1tvPPUcXXrjlIquhjk1e+SzZab0dODlSNPnG0Rf0A8yVxc\
            hPWwCi+YNxjQy9JEmuLvitwHNLvUS1xQq1IOEFJvsJncVCbibWmL5YeXA01jnx1e6VEvFX0=
            """
    )

    static let current = FastChatVectors(
        bits: 2048,
        publicKey: """
            -----BEGIN RSA PUBLIC KEY-----
            MIIBCgKCAQEAiFHk5mkZbmMLA6+1yoIAuV71ASkTQgFU9tTsTta6AudVgDsqofQk
            K+v8AWcp1uH1KG2TyFuEr9C5NbL0Kndf/csJncLDHKTt4ykeDKOFGUghQGsPEnBO
            9ZRSp4jQSZzImu4SPDQOKDDTysavqhLVBKvxz9irdkhfspTyEArKscu6R36wG09E
            R5Y43GXOTwY37iF/4O/6CEbfzeGrbI3ND0gj1VLt2aUTqPKJrZjfw2g0TlfG0dPe
            cGYaiA3/6uCqUlyrV7m5Xj7vftQNhSwnkHqoX+Bohto/PmpMKfAbTf2yM/YQOnnn
            cHwiai16dbRQUOlw9jSaOoCTc9m+8MF5fQIDAQAB
            -----END RSA PUBLIC KEY-----
            """,
        privateKey: """
            -----BEGIN RSA PRIVATE KEY-----
            MIIEqQIBAAKCAQEAiFHk5mkZbmMLA6+1yoIAuV71ASkTQgFU9tTsTta6AudVgDsq
            ofQkK+v8AWcp1uH1KG2TyFuEr9C5NbL0Kndf/csJncLDHKTt4ykeDKOFGUghQGsP
            EnBO9ZRSp4jQSZzImu4SPDQOKDDTysavqhLVBKvxz9irdkhfspTyEArKscu6R36w
            G09ER5Y43GXOTwY37iF/4O/6CEbfzeGrbI3ND0gj1VLt2aUTqPKJrZjfw2g0TlfG
            0dPecGYaiA3/6uCqUlyrV7m5Xj7vftQNhSwnkHqoX+Bohto/PmpMKfAbTf2yM/YQ
            OnnncHwiai16dbRQUOlw9jSaOoCTc9m+8MF5fQIDAQABAoIBAEsm6sxjsJN8orvb
            iJsl5IRNZ0DGhkljNpYFeGlWU6H6KtbQx4YVdEOKi5myaAyA8YjiMBDK83GB3jlO
            ePFYcmEWKC0DDFGkU0lih6BsHZp8e2hqHRsLM1yL8q1N7ZZHiwhuqzrpb8yUbo5h
            zsIyM6GpsVvmlVBWQaYW7/cqfoiJJ40JYQ94N9D0CVhSyxFTezVC+ufZZJmMvrKS
            y6ar03TsaYH8z5wwSRPnlHCdg6Kl9EbitrW8r20j3A7ggl45+jaC32ALw/sa/tWB
            azk1mlSZ742l6ls7tvdtR8Wah1QJ18uZ+cC+lU4mgFiKFJr8Aizltqiq+/6dNWCc
            4NscOjkCgYkAm342/WsLLf47j3aJ88Nq7TFQscBQCZX4JSg/c9qva5xwvOFHHGWP
            dSsg0ooUbFJjxwE7+ASOn253GZp44Gb4FW4mf2qYYEA/Hf2QkmIZkOiv01Z6NCVC
            PGgcFNbnucuTD13O3D6y5b1ECFu5kE206ps58SbOyDOhPcz/3e3hXkry0gfWCHpA
            awJ5AOBvDumpCeNJNBr94xyZvIbkH8V3j6lPRJssbhXi0LvQJhKEnufwRB5O2aB0
            f9IEJOWbgIHWrgmivMnbG6ZqQfjOJF4nL9xfK22RTGa8A4CB2MYQpdW1HHFD1MdL
            LluZYqo0TxAD8RDduCXeYRbyYiGsuKXQMW+HtwKBiQCSOcR+1u6Bhyb9yCz9RxXE
            D29iaYcbLKRaVRou2kXDfi/rADO+eafKOQ+5zs5b+7MHT5rUp3x0ZA6uzjzEUzET
            /i1H/7diNKjmjDEr6ANA6gGHTjjH1w4N/p4B3wO2DsKyXbaOGoxkTnOvJItCMEFl
            qyp3JNarIRqOIr2wN+eLpBHsACCAgm8XAngv1lw2X8p0wLizfCQ5h2dQ1TUUcPyV
            GQlFjf3U+miFb8N9tPjt9R9/2ky2z74i9LEso62Lf0fPU/mriOFm4kU3lDDaRL4F
            2d821n6Tc0XH0WV0Kj4+xADQ/6VN6W9zJMmL/+RORJjQgIHsyG6nZniWNuuQpES1
            QhcCgYgwYy56MHMB2vycPdJvZhzmvmVygXwr1Gr2nunuw80vQH+4nTcn0nJy3k9i
            oDNAPefx2u9c8ZUT3CGWcfDnjx/W2Umbn7GgcInqpLqOQoVN6FETDyJsF4vXS6DE
            zX6D2UZpJA7+eGR3miDWueuE7cHnILRx+xfPWLyJqJbrMgkR1/ALtbTbunSY
            -----END RSA PRIVATE KEY-----
            """,
        message: "4MDw26tSkqqc4W78W+Y262JhAtg9jXTEVs38roZa3ILlQS5iUS6IQDvb59D5TgT6",
        key: """
            W98WhNcDXVDIqNhte3KwiYenWE77q7GFvPghRefEr+gVO018H2EwlxQ5gpOFopQ3qeu1IwVMdRkAejCHVC0Q2bUXDbgq4IAIr5CP\
            HP5oCgPIOyikY2262nkb5ik6C3EOMQo0CPKbSSDzl22e70zrk28oYaaZPhwIvGCxLBqKRNwEXbI61wfpkDnE6pF2WrF4gU/3jkix\
            TeVUZCq6RnBQzDdBLaDfKBn4mDyVL+LmLl0Gzw8Gh/Lt1SnZevEgcMOH0tJZrKW7/OxBEjcWVrwYXIn9twsw7qA3B+nL/ppiQiWU\
            A9QX2hXcpln2FlQPlKznxI7rIRpzAK9YXrsya4epvA==
            """,
        signature: """
            X2KsJHcfMtL44botgv9St2KYQM3p/QQVlJk2PSZBfguep7LhdEcSW7oHDs60Yf7ffnMVAPVNCbJy8EWlvJw8LMtxuDwGkVmBgeni\
            2U5wE+pVBWnlgkuAFiZfbjSl+eLz6I2NFcRPzrQkNGpmCOA+FRwlda4hS3BItVG5dNtI2tbvs1qNhuRNcSip4I1xJaTChm4+JXVi\
            oHKeeFki6sEWirOtWzeyKrMWUKntIbu4dqtIdEjY0VvmRFYU55StegLgZM+ONvLBBv+y42G6w9gjDuW/j0o076pw3H8vEl7atTfE\
            GpCa7v6FEMdbdi2V2zhsiFMJnflCly4jujZpfCpUUw==
            """,
        messageOfShortSecret: "4MDw26tSkqqc4W78W+Y26xVQUMSdJdLo0Poce3yEF9NMLtuSCHKbXdWfs1oLcIDN",
        shortSecret: """
            gebk2715kbjxF8ThVx4itDTUixDrMvWn+dZj52dFshukVhB3pxpEgKHdRuRvLuXEz/ip4zFiIjoR8vMoteMnEy4kU8fUf9mjTEyQ\
            7dQjTy+e5BrwuGXkTCJ89K2BKEviGmzR/xT6gVmKTwLBU8sXhwurXIoNxu5GeXGZqDfnurUl2WQIk9eLKkDW8CUwbdzxclcJrJDZ\
            kDliy5bXr/CspYdz/Kzyto/yHGm9Gu5bvjM/cU1vyu3cQ7A52yL/ncHCU0Rt+5PCJFJO00PUHTr4O/8psAAYLPBNoNKqOQOMp2zz\
            XGwJ+Rd5y2RR+GOFtryQIQ4Sf15GDhTYtfU69/ZtxQ==
            """,
        messageOfNoText: "4MDw26tSkqqc4W78W+Y26/Ybiag9wTAyZ2Pex11/n0A=",
        keyOfNoText: """
            IS+kiDli2IWOpdy0SoIxR/kSIvs0yM9FViYE4t3svf4xd9oqEN8Gldf1L9pm45f8E9xEt5ELvyiyVytFLPN/VIrq97YqD3YrRxeb\
            oGTsPaBbnUdpz9xD5YCIzETYxWmvux5sDf0vyqj0A4nHW7RgdjkxYqjeXT4l8VINbcLQqdmcr9YUXj69loGuNGaL97dOXi4sQzK3\
            9eDWJFROQzciryRgI93dbT6BNrakfxOo6002Pi34qn2HyYBPVAAtHHFUNBt7mEHj8i02FQeBnXNHdGdTMyIJ9lIVgPCk9wBrOCA/\
            kRnVFnxdnKd9MDRRlWIwyATTygD3E6LHH2MAHWSf6g==
            """
    )
}
