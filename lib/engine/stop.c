/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signals. See stop.h. The handler only notes the number and wakes a thread by a pipe: that thread
 * may do what a handler may not. */
#include "engine/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/os.h"

#define PATIENCE_MS 5000 /* twice the grace that commands get, and a second */

volatile sig_atomic_t stop_signal;
static int wake[2] = {-1, -1};

static void on_signal(int sig)
{
    int kept = errno;
    /* Each write to a pipe that nobody reads sends one: nobody is impatient. */
    if (sig == SIGPIPE && stop_signal)
        return;
    if (!stop_signal)
        stop_signal = sig;
    ssize_t n = write(wake[1], "", 1);
    (void)n; /* a full pipe has woken it already */
    errno = kept;
}

int stop_die(void)
{
    int sig = stop_signal;
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, sig);
    signal(sig, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    raise(sig);
    return 128 + sig;
}

static void *watch(void *arg)
{
    (void)arg;
    char byte;
    while (read(wake[0], &byte, 1) < 0 && errno == EINTR)
        ;
    proc_signal_all(SIGTERM);
    struct pollfd again = {wake[0], POLLIN, 0};
    while (poll(&again, 1, PATIENCE_MS) < 0 && errno == EINTR)
        ;
    proc_signal_all(SIGKILL);
    atomic_unlink_all();
    signal(stop_signal, SIG_DFL);
    kill(getpid(), stop_signal);
    return NULL;
}

bool stop_watch(struct err *err)
{
    if (pipe(wake) != 0)
        return err_errno(err, ERR_ENV, "cannot make a pipe");
    fcntl(wake[0], F_SETFD, FD_CLOEXEC);
    fcntl(wake[1], F_SETFD, FD_CLOEXEC);
    fcntl(wake[1], F_SETFL, O_NONBLOCK);
    /* The thread takes no signal itself: system calls of the run are to be interrupted. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_t thread;
    int why = pthread_create(&thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (why) {
        errno = why;
        return err_errno(err, ERR_ENV, "cannot start a thread");
    }
    pthread_detach(thread);
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit is a failed write like any other */
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        struct sigaction now, sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        sigemptyset(&sa.sa_mask);
        /* What the parent ignores (nohup) stays ignored. */
        if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler == SIG_IGN)
            continue;
        sigaction(signals[i], &sa, NULL);
    }
    return true;
}
