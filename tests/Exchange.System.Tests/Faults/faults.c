/* Faults that a machine has seldom and a test needs at once, for one process (LD_PRELOAD):
 *   EXCHANGE_TEST_CLOCK   a file with the seconds by which the wall clock is wrong; monotonic time stays right
 *   EXCHANGE_TEST_FSYNC   a file; while it exists, every fsync and fdatasync is an I/O error
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long offset(void)
{
    const char *file = getenv("EXCHANGE_TEST_CLOCK");
    char text[32];
    int from = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (from < 0) return 0;
    ssize_t length = read(from, text, sizeof text - 1);
    close(from);
    text[length > 0 ? length : 0] = 0;
    return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t clock, struct timespec *to)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int saved = errno, result = real(clock, to);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) to->tv_sec += offset();
    errno = saved;
    return result;
}

int gettimeofday(struct timeval *to, void *zone)
{
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    to->tv_sec = now.tv_sec;
    to->tv_usec = now.tv_nsec / 1000;
    return 0;
}

static int fails(void)
{
    const char *file = getenv("EXCHANGE_TEST_FSYNC");
    int saved = errno, there = file && access(file, F_OK) == 0;
    errno = there ? EIO : saved;
    return there;
}

int fsync(int file)
{
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    return fails() ? -1 : real(file);
}

int fdatasync(int file)
{
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    return fails() ? -1 : real(file);
}
