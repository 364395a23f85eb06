/* Bridging functions `seal` and `unseal`: what goes between the proxy near the client and the one
 * near the server is encrypted and authenticated.  seal encrypts the way forward and decrypts the
 * way back; unseal the other way round.  What is given on was verified; anything else ends the
 * connection and says why.
 *
 * SETTINGS (both)
 *
 *	keys ...      where the shared keys are: see keyring.h
 *	cipher        "aes-256-gcm" (default) or "chacha20-poly1305": of what this end encrypts;
 *	              either is decrypted
 *	patience      seconds that a connection waits for a key that is not there (5)
 *	skew          seconds that the clocks of the two ends may differ (60)
 *	renew         records after which other keys are derived (2^24); datagrams too
 *
 * FORMAT, version 1.  Numbers have network order.
 *
 * Each way of a TCP connection is a header and then records:
 *
 *	header: "epSL"  version 1  cipher 1  zeros 2  key 4  time 8  salt 32  tag 16  = 68 bytes
 *	record: type 1  zero 1  length 2  ciphertext of `length` bytes  tag 16
 *
 * cipher is 1 (AES-256-GCM) or 2 (ChaCha20-Poly1305), key the number of the shared key, time the
 * sender's clock in milliseconds since 1970.  The header's tag is that of an empty plaintext, the
 * 52 bytes before it being associated data; a record's associated data are its first 4 bytes.  A
 * record has at most 16384 bytes of plaintext and is
 *
 *	1 data	2 the last record, with the last data or none	3 new keys: key 4  salt 32
 *
 * Behind the last record nothing follows; a way that ends without one was cut.  Behind `new keys`
 * all is under keys of the shared key and the salt that it names, and records count from 0 again;
 * the new shared key may be the old one.
 *
 * Keys.  For each way and each time that there are new keys,
 *
 *	44 bytes = HKDF-SHA256 (RFC 5869) of the shared key, salt: the salt,
 *	info: "epic seal 1" 0  cipher 1  way 1 (0 forward, 1 back)  protocol 1 (6, 17)
 *	      epoch 4 (0: the header's, then 1, 2, ...)  binding 32  facts 32
 *
 * of which 32 are the key and 12 the mask of the nonce: the nonce of record i is the mask with the
 * 64-bit number i added modulo 2 (XOR) to its last 8 bytes.  The header is number 0 of epoch 0, so
 * that its first record is 1; those of other epochs begin with 0.  binding is the salt of the
 * forward header for both ways: an answer belongs to one question.  facts is the SHA-256 of
 * application, from and to, the names of the policy, each behind its length (4 bytes): both ends
 * know these whatever became of addresses on the way.
 *
 * So nothing sent one way is taken for the other, nothing of one flow for another's, nothing of
 * one connection's answer for another's.  A recording of a way forward is found by the time in its
 * header, which must be within `skew`, not before the function began, and by the salts that were
 * taken since: each is good once.  That memory is one process's: with several unsealing processes
 *for one flow, give each its own keys.  Header and first records need no round trip.
 *
 * A datagram stands alone:
 *
 *	version 1  cipher 1  zeros 2  key 4  time 8  salt 16  number 8  ciphertext  tag 16
 *
 * with the first 40 bytes as associated data; 56 bytes more than its plaintext.  Its keys are
 * derived as above with epoch 0, binding zeros and the 8 bytes of time and 16 of salt as the salt.
 * The sender takes a new random salt and the time for each association, after 30 s (a quarter of
 * the skew if that is less), and with each new key; numbers count from 0.  The receiver checks the
 * time and remembers the salt when it meets it first, and takes each number of it once, if it is
 * not more than 1023 behind the highest. */
#ifndef EPIC_SOCKS_FUNCTIONS_SEAL_H
#define EPIC_SOCKS_FUNCTIONS_SEAL_H

#include "runtime/socks/functions/rows.h" /* function_seal, function_unseal */

#endif
