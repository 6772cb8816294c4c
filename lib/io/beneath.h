/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_BENEATH_H
#define WS_IO_BENEATH_H

/*
 * Open a file for reading that lies beneath the folder root, whatever the
 * relative path says: neither ".." nor a symbolic link leads out.  Does not wait
 * for the other end of a pipe.
 *
 * Returns a descriptor or a negated errno; -EXDEV or -ELOOP is a way out.
 */
int ws__open_beneath(const char *root, const char *path);

/* For tests.  What it does where the kernel cannot do it in one call: every
 * symbolic link is refused, with -ELOOP or -ENOTDIR, one that stays inside
 * too. */
int ws__open_by_steps(const char *root, const char *path);

#endif
