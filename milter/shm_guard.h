/* shm_guard - databases whose -shm may be cut short while in use, without ending the process */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SHM_GUARD_H
#define TAMIS_SHM_GUARD_H

/* SQLite maps the index of a WAL, PATH-shm, into memory, and whoever touches a page of it that is
 * no longer in the file gets SIGBUS. The name is that of a VFS for sqlite3_open_v2 (see the page
 * "The OS Backend" of SQLite) under which the page becomes one of zeros instead, and every
 * connection of this process that was open then is lost: it can neither read nor write any more,
 * until it is closed (SQLITE_IOERR). So nothing is written that was made up from such a page; what
 * was committed before is kept, and a connection that is opened afterwards makes the index anew
 * from the WAL. Databases themselves are never mapped.
 *
 * Connections are lost, too, when a write finds a database or WAL shorter than it was left: it
 * would stand behind a hole.
 *
 * Call it in the thread that will use the connection: SIGBUS must not be blocked there. What else
 * causes SIGBUS does what it did before. Any thread; never blocks. */
const char *shm_guard_vfs(void);

/* All connections that are open now are lost. Any thread. */
void shm_guard_lose(void);

/* How often that was: a connection is lost when it has changed since it was opened. Any thread. */
unsigned shm_guard_faults(void);

#endif
