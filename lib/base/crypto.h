/* SPDX-License-Identifier: MIT */

#ifndef WS_BASE_CRYPTO_H
#define WS_BASE_CRYPTO_H

/* Before the first use of OpenSSL.  Workers, and threads that linger, may live
 * when main returns: nothing is to be torn down under them then.  A program that
 * has used OpenSSL before has decided for itself. */
void ws__crypto_begin(void);

#endif
