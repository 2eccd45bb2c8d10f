/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sends small bodies to one HTTP address from a thread of its own, in order, over one connection.
 * Made for telling others of a run: it never holds up, and never fails, who sends.
 *
 * The queue has a bound; what does not fit is dropped and counted. A request has short time-outs;
 * after a connection that breaks and the statuses 429 and 5xx it is tried again a little later,
 * twice; after three bodies in a row that could not be sent nothing more is tried. libcurl is
 * loaded by the thread, when the first body comes: who sends nothing pays nothing.
 */
#ifndef FORELINE_HTTP_SENDER_H
#define FORELINE_HTTP_SENDER_H

#include "base/base.h"

struct http_sender;
struct http_options {
    const char *url;    /* http:// or https:// */
    const char *bearer; /* a token for the header Authorization; or NULL */
    double timeout_s;   /* of one request; 0: 5 */
    size_t queue_bytes; /* that may wait; 0: 16 MiB */
};
struct http_report {
    uint64_t sent, unsent; /* unsent: refused, failed or dropped */
    char why[256];         /* the first failure; "" */
};
/* NULL with ERR_USAGE for what is no such address; err repeats no name or password out of it. */
struct http_sender *http_sender_new(const struct http_options *o, struct err *err);
/* Takes a copy; returns at once. From one thread at a time. */
void http_sender_post(struct http_sender *s, struct slice body);
/* Gives what waits patience_s, and five times that in all while some of it is sent, then ends the
 * thread and frees. A thread that is stuck in
 * a call of the system is left behind with what it uses. `out` may be NULL. */
void http_sender_end(struct http_sender *s, double patience_s, struct http_report *out);

#endif
