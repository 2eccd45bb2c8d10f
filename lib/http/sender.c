/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sender. See sender.h. One mutex guards all that both threads see; the thread holds it while
 * it looks at the queue, never during a request. */
#include "http/sender.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "os/os.h"

#define TIMEOUT_S 5.0 /* as the clients of OpenLineage have it */
#define CONNECT_S 2.0
#define QUEUE_BYTES ((size_t)16 << 20)
#define TRIES 3
#define PAUSE_S 0.1 /* before the second try; doubles */
#define FAILURES 3  /* bodies in a row, then nothing more is tried */
#define PATIENCES 5 /* at the end, while bodies still arrive */
#define STUCK_S 0.5 /* for the thread to notice that it is to end */

/* What is used of libcurl, with the types of its header. */
#define CALLS(X)                                                                   \
    X(CURLcode, curl_global_init, (long))                                          \
    X(CURL *, curl_easy_init, (void))                                              \
    X(CURLcode, curl_easy_perform, (CURL *))                                       \
    X(void, curl_easy_cleanup, (CURL *))                                           \
    X(const char *, curl_easy_strerror, (CURLcode))                                \
    X(struct curl_slist *, curl_slist_append, (struct curl_slist *, const char *)) \
    X(void, curl_slist_free_all, (struct curl_slist *))
struct curl_calls {
#define MEMBER(type, name, args) type(*f_##name) args;
    CALLS(MEMBER)
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
};

struct body {
    struct body *next;
    size_t len;
    char text[];
};
struct http_sender {
    char *url, *bearer;
    double timeout_s;
    size_t queue_bytes;
    pthread_t thread;
    bool started;
    pthread_mutex_t mu;
    pthread_cond_t wake, gone; /* something to do; the thread has ended */
    /* under mu */
    struct body *first, *last;
    size_t waiting;
    bool closing; /* no more bodies come */
    bool give_up; /* what is under way is to end as well */
    bool ended;   /* the thread is through with us */
    int fd;       /* of the connection, or -1 */
    struct http_report report;
    /* of the thread */
    struct curl_calls calls;
    CURL *curl;
    struct curl_slist *headers;
    uint32_t failures;
};

static void note_failure(struct http_sender *s, const char *why)
{
    pthread_mutex_lock(&s->mu);
    if (!s->report.why[0])
        snprintf(s->report.why, sizeof(s->report.why), "%s", why);
    pthread_mutex_unlock(&s->mu);
}

static bool gives_up(struct http_sender *s)
{
    pthread_mutex_lock(&s->mu);
    bool up = s->give_up;
    pthread_mutex_unlock(&s->mu);
    return up;
}

/* -- libcurl -- */

static bool find(void *library, const char *name, void *out, size_t size)
{
    void *found = dlsym(library, name);
    if (found)
        memcpy(out, &found, size);
    return found != NULL;
}

static bool load(struct http_sender *s)
{
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
    void *library = NULL;
    for (size_t i = 0; !library && i < ARRAY_LEN(names); i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    bool ok = library != NULL;
    if (!ok)
        note_failure(s, "cannot load libcurl.so.4: apt-get install libcurl4");
#define FIND(type, name, args) \
    ok = ok && find(library, #name, &s->calls.f_##name, sizeof(s->calls.f_##name));
    CALLS(FIND)
    ok = ok && find(library, "curl_easy_setopt", &s->calls.setopt, sizeof(s->calls.setopt)) &&
         find(library, "curl_easy_getinfo", &s->calls.getinfo, sizeof(s->calls.getinfo));
    return ok && s->calls.f_curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK &&
           (s->curl = s->calls.f_curl_easy_init()) != NULL;
}

static size_t drop_answer(char *p, size_t size, size_t n, void *ctx)
{
    (void)p, (void)ctx;
    return size * n;
}

/* Its end of the connection, for who cannot wait for the answer. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct http_sender *s = ctx;
    (void)purpose;
    int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    pthread_mutex_lock(&s->mu);
    s->fd = fd;
    pthread_mutex_unlock(&s->mu);
    return fd;
}

static int close_socket(void *ctx, curl_socket_t fd)
{
    struct http_sender *s = ctx;
    pthread_mutex_lock(&s->mu);
    if (s->fd == fd)
        s->fd = -1;
    int failed = close(fd);
    pthread_mutex_unlock(&s->mu);
    return failed;
}

/* Called about once a second while nothing moves. */
static int watch(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return gives_up(ctx);
}

static bool set_up(struct http_sender *s)
{
    struct curl_calls *c = &s->calls;
    if (!load(s)) {
        note_failure(s, "libcurl cannot be used");
        return false;
    }
    s->headers = c->f_curl_slist_append(s->headers, "Content-Type: application/json");
    s->headers = c->f_curl_slist_append(s->headers, "Expect:"); /* no round trip before the body */
    if (s->bearer) {
        char *line = xasprintf("Authorization: Bearer %s", s->bearer);
        s->headers = c->f_curl_slist_append(s->headers, line);
        free(line);
    }
    return c->setopt(s->curl, CURLOPT_URL, s->url) == CURLE_OK &&
           c->setopt(s->curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           c->setopt(s->curl, CURLOPT_HTTPHEADER, s->headers) == CURLE_OK &&
           c->setopt(s->curl, CURLOPT_USERAGENT, "foreline") == CURLE_OK &&
           c->setopt(s->curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           c->setopt(s->curl, CURLOPT_TIMEOUT_MS, (long)(s->timeout_s * 1000)) == CURLE_OK &&
           c->setopt(s->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(CONNECT_S * 1000)) == CURLE_OK &&
           c->setopt(s->curl, CURLOPT_WRITEFUNCTION, drop_answer) == CURLE_OK &&
           c->setopt(s->curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           c->setopt(s->curl, CURLOPT_XFERINFOFUNCTION, watch) == CURLE_OK &&
           c->setopt(s->curl, CURLOPT_XFERINFODATA, (void *)s) == CURLE_OK &&
           c->setopt(s->curl, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           c->setopt(s->curl, CURLOPT_OPENSOCKETDATA, (void *)s) == CURLE_OK &&
           c->setopt(s->curl, CURLOPT_CLOSESOCKETFUNCTION, close_socket) == CURLE_OK &&
           c->setopt(s->curl, CURLOPT_CLOSESOCKETDATA, (void *)s) == CURLE_OK;
}

/* -- the thread -- */

static void pause_s(struct http_sender *s, double seconds)
{
    for (double until = clock_wall() + seconds; clock_wall() < until && !gives_up(s);) {
        struct timespec ts = {0, 20000000};
        nanosleep(&ts, NULL);
    }
}

static bool send_once(struct http_sender *s, const struct body *b, bool *again)
{
    struct curl_calls *c = &s->calls;
    long status = 0;
    c->setopt(s->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)b->len);
    c->setopt(s->curl, CURLOPT_POSTFIELDS, b->text);
    CURLcode code = c->f_curl_easy_perform(s->curl);
    *again = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING ||
             code == CURLE_PARTIAL_FILE;
    if (code != CURLE_OK) {
        note_failure(s, gives_up(s) ? "the run ended before the answer came"
                                    : c->f_curl_easy_strerror(code));
        return false;
    }
    c->getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300)
        return true;
    char why[64];
    snprintf(why, sizeof(why), "it answered with status %ld", status);
    note_failure(s, why);
    *again = status == 429 || status >= 500;
    return false;
}

static bool send_body(struct http_sender *s, const struct body *b)
{
    double wait = PAUSE_S;
    for (int tries = 1;; tries++, wait *= 2) {
        bool again;
        if (send_once(s, b, &again))
            return true;
        /* Where the one before could not be sent, hope is small. */
        if (!again || tries == TRIES || s->failures > 0 || gives_up(s))
            return false;
        pause_s(s, wait);
    }
}

/* The next one, or NULL when there will be none. */
static struct body *take(struct http_sender *s)
{
    pthread_mutex_lock(&s->mu);
    while (!s->first && !s->closing && !s->give_up)
        pthread_cond_wait(&s->wake, &s->mu);
    struct body *b = s->give_up ? NULL : s->first;
    if (b) {
        s->first = b->next;
        s->last = b->next ? s->last : NULL;
        s->waiting -= b->len;
    }
    pthread_mutex_unlock(&s->mu);
    return b;
}

static void count(struct http_sender *s, bool sent)
{
    pthread_mutex_lock(&s->mu);
    if (sent)
        s->report.sent++;
    else
        s->report.unsent++;
    pthread_mutex_unlock(&s->mu);
}

static void *work(void *arg)
{
    struct http_sender *s = arg;
    bool ready = false, hopeless = false;
    for (struct body *b; (b = take(s)) != NULL; free(b)) {
        if (!ready && !hopeless)
            hopeless = !(ready = set_up(s));
        bool sent = ready && !hopeless && send_body(s, b);
        s->failures = sent ? 0 : s->failures + 1;
        hopeless = hopeless || s->failures >= FAILURES;
        count(s, sent);
    }
    if (s->curl)
        s->calls.f_curl_easy_cleanup(s->curl);
    if (s->headers)
        s->calls.f_curl_slist_free_all(s->headers);
    pthread_mutex_lock(&s->mu);
    s->ended = true;
    pthread_cond_signal(&s->gone);
    pthread_mutex_unlock(&s->mu);
    return NULL;
}

static bool start(struct http_sender *s)
{
    sigset_t all, old; /* signals are for the others; SIGPIPE of a broken connection for nobody */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    s->started = pthread_create(&s->thread, NULL, work, s) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return s->started;
}

/* -- the other side -- */

struct http_sender *http_sender_new(const struct http_options *o, struct err *err)
{
    const char *rest = strncmp(o->url, "http://", 7) == 0    ? o->url + 7
                       : strncmp(o->url, "https://", 8) == 0 ? o->url + 8
                                                             : "";
    if (!*rest || *rest == '/') {
        err_set(err, ERR_USAGE, "not an address that begins with http:// or https://");
        return NULL;
    }
    struct http_sender *s = xcalloc(1, sizeof(*s));
    pthread_condattr_t monotonic;
    s->fd = -1;
    s->url = xstrdup(o->url);
    s->bearer = o->bearer && *o->bearer ? xstrdup(o->bearer) : NULL;
    s->timeout_s = o->timeout_s > 0 ? o->timeout_s : TIMEOUT_S;
    s->queue_bytes = o->queue_bytes ? o->queue_bytes : QUEUE_BYTES;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->mu, NULL);
    pthread_cond_init(&s->wake, NULL);
    pthread_cond_init(&s->gone, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return s;
}

void http_sender_post(struct http_sender *s, struct slice text)
{
    if (!s->started && !start(s)) {
        note_failure(s, "cannot start a thread");
        count(s, false);
        return;
    }
    struct body *b = xmalloc(sizeof(*b) + text.len);
    *b = (struct body){.len = text.len};
    memcpy(b->text, text.p, text.len);
    pthread_mutex_lock(&s->mu);
    bool fits = s->waiting + b->len <= s->queue_bytes;
    if (fits) {
        if (s->last)
            s->last->next = b;
        else
            s->first = b;
        s->last = b;
        s->waiting += b->len;
        pthread_cond_signal(&s->wake);
    } else {
        s->report.unsent++;
    }
    pthread_mutex_unlock(&s->mu);
    if (!fits) {
        note_failure(s, "too many were waiting");
        free(b);
    }
}

/* Until the thread has ended; with mu held. */
static bool wait_end(struct http_sender *s, double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (int64_t)(seconds * 1e9);
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    while (!s->ended && pthread_cond_timedwait(&s->gone, &s->mu, &until) != ETIMEDOUT)
        ;
    return s->ended;
}

void http_sender_end(struct http_sender *s, double patience_s, struct http_report *out)
{
    bool joined = true;
    if (s->started) {
        pthread_mutex_lock(&s->mu);
        s->closing = true;
        pthread_cond_signal(&s->wake);
        double last = clock_wall() + PATIENCES * patience_s;
        uint64_t sent;
        do
            sent = s->report.sent;
        while (!wait_end(s, patience_s) && s->report.sent > sent && clock_wall() < last);
        if (!s->ended) {
            s->give_up = true;
            if (s->fd >= 0)
                shutdown(s->fd, SHUT_RDWR);
            pthread_cond_signal(&s->wake);
            joined = wait_end(s, STUCK_S);
        }
        pthread_mutex_unlock(&s->mu);
    }
    pthread_mutex_lock(&s->mu);
    for (struct body *b = s->first, *next; b; b = next) {
        next = b->next;
        s->report.unsent++;
        free(b);
    }
    s->first = s->last = NULL;
    if (!joined)
        s->report.unsent++; /* the one it is at */
    if (out)
        *out = s->report;
    if (out && out->unsent && !out->why[0])
        snprintf(out->why, sizeof(out->why), "the run ended before they could be sent");
    pthread_mutex_unlock(&s->mu);
    if (!joined) {
        pthread_detach(s->thread);
        return;
    }
    if (s->started)
        pthread_join(s->thread, NULL);
    pthread_mutex_destroy(&s->mu);
    pthread_cond_destroy(&s->wake);
    pthread_cond_destroy(&s->gone);
    free(s->url);
    free(s->bearer);
    free(s);
}
