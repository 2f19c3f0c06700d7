/* shm_guard - databases whose -shm may be cut short while in use, without ending the process */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "shm_guard.h"

#include "base.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A mapped piece of a -shm. The signal handler walks the list, so windows are never freed, only
 * used again. */
struct window {
    struct window *next; /* never changes once it is in the list */
    _Atomic uintptr_t start; /* 0: not in use */
    atomic_size_t size;
    atomic_bool is_cut;
    const void *file; /* whose; the mutex guards it */
};

/* SQLite's own file stands behind it, in the same memory. */
struct guarded_file {
    sqlite3_file base;
    unsigned faults; /* when it was opened */
    sqlite3_int64 size; /* so long it must be at least */
    alignas(sqlite3_int64) char real[]; /* SQLite aligns to 8 */
};

static struct window *_Atomic windows;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint faults;
static size_t page_size;
static struct sigaction before;
static sqlite3_vfs *real_vfs, guard_vfs;

static bool mark_cut(uintptr_t address)
{
    bool found = false;

    for (struct window *w = atomic_load(&windows); w != NULL; w = w->next) {
        uintptr_t start = atomic_load(&w->start);

        if (start != 0 && address >= start && address - start < atomic_load(&w->size)) {
            atomic_store(&w->is_cut, true);
            found = true;
        }
    }
    if (found)
        atomic_fetch_add(&faults, 1);
    return found;
}

/* Runs inside SQLite, between any two of its instructions; mmap is a system call and nothing more.
 * The count goes up before the page is there: who has read the page can see that it is none. */
static void on_bus_error(int sig, siginfo_t *info, void *context)
{
    char *address = info->si_addr;
    int kept = errno;

    (void)context;
    if (info->si_code <= 0 || !mark_cut((uintptr_t)address) ||
        mmap(address - (uintptr_t)address % page_size, page_size, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
        /* Not ours: the instruction is tried again, and fails in the old way. */
        sigaction(sig, &before, NULL);
        if (info->si_code <= 0)
            raise(sig);
    }
    errno = kept;
}

/* Another connection of this process may have left a page of zeros there. */
static bool is_cut(uintptr_t start)
{
    for (struct window *w = atomic_load(&windows); w != NULL; w = w->next)
        if (atomic_load(&w->start) == start && atomic_load(&w->is_cut))
            return true;
    return false;
}

static struct window *free_window(void)
{
    struct window *w = atomic_load(&windows);

    while (w != NULL && atomic_load(&w->start) != 0)
        w = w->next;
    if (w == NULL) {
        w = xcalloc(1, sizeof(*w));
        w->next = atomic_load(&windows);
        atomic_store(&windows, w);
    }
    return w;
}

static bool add_window(const void *file, uintptr_t start, size_t size)
{
    struct window *w;
    bool good;

    pthread_mutex_lock(&mutex);
    good = !is_cut(start);
    if (good) {
        w = free_window();
        w->file = file;
        atomic_store(&w->is_cut, false);
        atomic_store(&w->size, size);
        atomic_store(&w->start, start);
    }
    pthread_mutex_unlock(&mutex);
    return good;
}

static void remove_windows(const void *file)
{
    pthread_mutex_lock(&mutex);
    for (struct window *w = atomic_load(&windows); w != NULL; w = w->next) {
        if (w->file == file) {
            atomic_store(&w->start, 0);
            w->file = NULL;
        }
    }
    pthread_mutex_unlock(&mutex);
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return (sqlite3_file *)((struct guarded_file *)file)->real;
}

static bool is_lost(sqlite3_file *file)
{
    return ((struct guarded_file *)file)->faults != atomic_load(&faults);
}

/* A write would leave a hole where somebody has cut off what was there. */
static bool find_cut(sqlite3_file *file)
{
    sqlite3_int64 size;

    if (real_of(file)->pMethods->xFileSize(real_of(file), &size) == SQLITE_OK &&
        size < ((struct guarded_file *)file)->size)
        shm_guard_lose();
    return is_lost(file);
}

static int guard_close(sqlite3_file *file)
{
    remove_windows(file);
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int guard_read(sqlite3_file *file, void *to, int size, sqlite3_int64 at)
{
    return is_lost(file) ? SQLITE_IOERR_READ
                         : real_of(file)->pMethods->xRead(real_of(file), to, size, at);
}

static int guard_write(sqlite3_file *file, const void *from, int size, sqlite3_int64 at)
{
    struct guarded_file *guarded = (struct guarded_file *)file;
    int rc = find_cut(file) ? SQLITE_IOERR_WRITE
                            : real_of(file)->pMethods->xWrite(real_of(file), from, size, at);

    if (rc == SQLITE_OK && guarded->size < at + size)
        guarded->size = at + size;
    return rc;
}

static int guard_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (is_lost(file))
        return SQLITE_IOERR_TRUNCATE;
    ((struct guarded_file *)file)->size = 0;
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int guard_sync(sqlite3_file *file, int flags)
{
    return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int guard_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int guard_lock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xLock(real_of(file), lock);
}

static int guard_unlock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), lock);
}

static int guard_check_reserved_lock(sqlite3_file *file, int *is_locked)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), is_locked);
}

static int guard_file_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int guard_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int guard_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int guard_shm_map(sqlite3_file *file, int region, int size, int extend,
                         void volatile **start)
{
    int rc = is_lost(file) ? SQLITE_IOERR_SHMMAP
                           : real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend,
                                                              start);

    if (rc != SQLITE_OK && rc != SQLITE_READONLY)
        return rc;
    return *start == NULL || add_window(file, (uintptr_t)*start, (size_t)size)
               ? rc : SQLITE_IOERR_SHMMAP;
}

/* Locks can always be given back. Whoever takes the first one begins to write. */
static int guard_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    bool writes = offset == 0 && (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    bool lost = (flags & SQLITE_SHM_LOCK) != 0 && (writes ? find_cut(file) : is_lost(file));

    return lost ? SQLITE_IOERR_SHMLOCK
                : real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void guard_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int guard_shm_unmap(sqlite3_file *file, int and_delete)
{
    remove_windows(file);
    return real_of(file)->pMethods->xShmUnmap(real_of(file), and_delete && !is_lost(file));
}

/* Version 2 has no xFetch, so that no database is mapped, however SQLite was built. */
static const sqlite3_io_methods guard_methods = {
    2,
    guard_close,
    guard_read,
    guard_write,
    guard_truncate,
    guard_sync,
    guard_file_size,
    guard_lock,
    guard_unlock,
    guard_check_reserved_lock,
    guard_file_control,
    guard_sector_size,
    guard_characteristics,
    guard_shm_map,
    guard_shm_lock,
    guard_shm_barrier,
    guard_shm_unmap,
    NULL,
    NULL,
};

static int guard_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                      int *out_flags)
{
    struct guarded_file *guarded = (struct guarded_file *)file;
    int rc;

    (void)vfs;
    guarded->faults = atomic_load(&faults);
    rc = real_vfs->xOpen(real_vfs, name, real_of(file), flags, out_flags);
    file->pMethods = real_of(file)->pMethods != NULL ? &guard_methods : NULL;
    guarded->size = 0;
    if (rc == SQLITE_OK)
        real_of(file)->pMethods->xFileSize(real_of(file), &guarded->size);
    return rc;
}

/* All else is SQLite's own. */
static void set_up(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};

    page_size = (size_t)sysconf(_SC_PAGESIZE);
    real_vfs = sqlite3_vfs_find(NULL);
    if (real_vfs == NULL)
        die("SQLite has no VFS");
    guard_vfs = *real_vfs;
    guard_vfs.pNext = NULL;
    guard_vfs.zName = "tamis";
    guard_vfs.szOsFile = (int)sizeof(struct guarded_file) + real_vfs->szOsFile;
    guard_vfs.xOpen = guard_open;
    if (sqlite3_vfs_register(&guard_vfs, 0) != SQLITE_OK ||
        sigaction(SIGBUS, &action, &before) != 0)
        die("cannot guard the log: %s", strerror(errno));
}

const char *shm_guard_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    sigset_t bus;

    pthread_once(&once, set_up);
    sigemptyset(&bus);
    sigaddset(&bus, SIGBUS);
    pthread_sigmask(SIG_UNBLOCK, &bus, NULL);
    return guard_vfs.zName;
}

void shm_guard_lose(void)
{
    atomic_fetch_add(&faults, 1);
}

unsigned shm_guard_faults(void)
{
    return atomic_load(&faults);
}
