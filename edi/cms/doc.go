// Package cms reads and writes the Cryptographic Message Syntax as a stream:
// SignedData, EnvelopedData, AuthEnvelopedData and CompressedData, in BER with
// definite or indefinite lengths. Memory does not grow with the content.
//
// Every choice (algorithm, key transport, how a certificate is named) is made
// per call; there are no package settings. Content that was decrypted or
// decompressed is not to be trusted before the reader has said io.EOF: only
// then padding, tag and structure were found whole.
//
// Decryption fails with [ErrDecrypt] whatever the reason, after the same work:
// a peer that sees the answer or its time learns nothing about key or padding.
//
// Written from RFC 5652 (CMS), 5083 and 5084 (AES-GCM), 3274 (compression),
// 3370, 5754 and 4056 (RSA, RSASSA-PSS), 5753 (ECDSA in CMS), 3560 (RSAES-OAEP),
// 6211 (algorithm protection) and X.690 (BER).
package cms
