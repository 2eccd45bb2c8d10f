/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which profile a record belongs to: windows of records or of time, and within them partitions.
 *
 * A window is made of panes as long as the slide (Li & al. 2005, "No pane, no gain: efficient
 * evaluation of sliding-window aggregates over data streams"): each record goes into one pane, and
 * a window is its panes merged. Tumbling windows have one pane. Sliding windows keep a queue of two
 * stacks (Tangwongsan & al. 2017, "Low-latency sliding-window aggregation in worst-case constant
 * time", section 2): the older panes hold all panes up to the end of their stack, the younger ones
 * are merged into one aggregate, so that a window takes about four merges, however many panes it
 * has. A record that comes for a pane which was merged goes into a second pane of the same place,
 * merged with each window until that place is the aggregate's or gone.
 *
 * Windows of N records begin every `slide` records; each goes out with its last record. At the end
 * of the input one more, shorter, holds the records that were in no window yet (and, sliding, those
 * before them that belong to it).
 *
 * Windows of time are [k * slide, k * slide + window) since 1970; each that holds a record goes
 * out, in order, once a record later than its end by the lateness has come (or route_idle says that
 * so late it is), and at the end of the input. Empty ones are left out. A record whose windows have
 * all gone out is counted in the window of the latest record seen, and told (rule late); so is one
 * without a time (rule no_time), in the first window when none has come yet.
 *
 * Partitions: one profile for each text that the column has in the window, one for null, and, past
 * max_partitions, one for all further texts together; they go out by first appearance. A record
 * that could not be read has no value: it is counted with null. Sketches are the smaller the later
 * a partition appeared (in sliding windows, as panes are merged: all alike), see
 * column_sizes_init.
 *
 * What goes out depends on the records and their order alone, not on batches (windows by arrival
 * aside). Internal to profile/: run.c drives it; the parts are route.c (batches to profiles),
 * window.c (panes and their end), partition.c (texts to profiles). */
#ifndef FORELINE_ROUTE_H
#define FORELINE_ROUTE_H

#include "base/map.h"
#include "profile/state.h"

#define ROUTE_NO_TIME INT64_MIN

enum route_kind { ROUTE_ALL, ROUTE_VALUE, ROUTE_NULL, ROUTE_REST };

/* One profile: a partition of a pane. */
struct route_pane;
struct route_part {
    struct profile *p;
    struct route_pane *pane;
    enum route_kind kind;
    struct slice value;         /* ROUTE_VALUE: in the map of the pane */
    uint64_t born, first, last; /* records, counted from 1; first 0: none */
    int64_t time_min, time_max; /* of records that are not late; min > max: none */
    uint64_t bytes;             /* of the data, each record with what stood before it */
    uint64_t over, over_line;   /* ROUTE_REST: records, and the line of the first */
    uint32_t rows, mask;        /* of the batch in hand; its bits in route.masks */
};

struct route_pane {
    int64_t index; /* it begins at index * slide */
    bool placed;   /* false: no time has come yet */
    bool merged;   /* into the younger aggregate: takes no records any more */
    struct route_part **parts;
    size_t n, cap;
    struct map by_value;         /* v.num: index in parts */
    size_t null_part, rest_part; /* index + 1, or 0 */
};

/* What is known of a finished profile beside itself. */
struct route_piece {
    bool is_part, by_arrival;
    const char *partition; /* or NULL */
    int64_t from, to;      /* of a window of time, else ROUTE_NO_TIME */
    uint64_t first, last;  /* records; 0: none */
    uint64_t bytes;
    double span_s; /* between its first and last time; NAN: not by time */
};
typedef bool route_give_fn(void *ctx, struct profile *p, const struct route_piece *piece,
                           struct err *err);

/* A fault whose record has not come yet. */
struct route_bad {
    struct bad_record bad;
    uint32_t row;
};

struct route {
    struct schema schema; /* the reader's */
    bool json;
    struct profile_opts o;
    struct profile_parts parts;
    bool divided, timed;
    int by;   /* column, or -1 */
    int time; /* column; -1: arrival */
    bool time_known;
    route_give_fn *give;
    void *ctx;
    struct rng rng;
    uint64_t records;          /* seen */
    uint64_t end;              /* offset behind the last of them */
    struct route_pane **panes; /* ascending; one that is not placed stands alone */
    size_t npanes, panes_cap;
    struct route_pane **older;  /* ascending; each holds all from its own to the last */
    size_t nolder, older_at;    /* those before older_at are gone */
    struct route_pane *younger; /* all of `panes` that are marked merged; NULL: none */
    int64_t latest;             /* time seen, or ROUTE_NO_TIME */
    int64_t watermark;          /* what is before it is over */
    int64_t next;               /* no window before this one goes out any more */
    uint64_t covered;           /* records that were in a window that went out */
    bool given, owed;           /* something went out; faults without a record still have to */
    bool latin1;                /* the input has such bytes */
    uint64_t header_latin1;     /* line, until the first record takes it */
    int64_t now;                /* arrival of the batch in hand */
    int64_t *times;             /* of its rows: BATCH_ROWS */
    uint64_t (*masks)[BATCH_WORDS];
    struct route_part **touched; /* with rows in hand */
    size_t ntouched, touched_cap;
    uint64_t sample[BATCH_WORDS];
    struct arena mem; /* of `bads` */
    struct route_bad *bads;
    size_t nbads;
    struct route_part *recent; /* where the last record went; NULL when that has gone out */
};

/* `give` gets what is finished. Takes no ownership; ERR_USAGE when a column does not exist (in an
 * input that has any). */
bool route_init(struct route *r, const struct schema *s, bool json, const struct profile_opts *o,
                const struct profile_parts *parts, route_give_fn *give, void *ctx, struct err *err);
void route_release(struct route *r);
/* A bad_record_fn with the route as context. */
void route_bad(void *route, const struct bad_record *bad);
/* False when `give` said so, or ERR_DATA. */
bool route_add(struct route *r, struct batch *b, const struct reader_stats *stats, struct err *err);
/* No input at the moment: windows of time that are over by the clock go out. A record that comes
 * for one of them later is late. */
bool route_idle(struct route *r, int64_t now_us, struct err *err);
/* The end of the input: what is left goes out, or the profile of no records. */
bool route_end(struct route *r, const struct reader_stats *stats, struct err *err);

/* -- between the parts -- */
/* The times of the rows of `b`; finds the column first. */
bool window_times(struct route *r, const struct batch *b, struct err *err);
/* The pane of a record (counted from 1), whose time is t (may be ROUTE_NO_TIME); *late when it is
 * not its own. Never NULL. */
struct route_pane *window_pane(struct route *r, uint64_t record, int64_t t, bool *late);
/* The earliest pane that there is, or NULL; the earliest window that will go out and has records,
 * when that pane is placed; and the time that a window ends. */
const struct route_pane *window_pane_first(const struct route *r);
int64_t window_first(const struct route *r);
int64_t window_over(const struct route *r, int64_t k);
/* Would a record with this time, or the count of records, end a window? */
bool window_is_over(const struct route *r, int64_t t);
/* Gives out what is over; the batch in hand has been delivered. */
bool window_close(struct route *r, struct err *err);
bool window_end(struct route *r, struct err *err);
void window_release(struct route *r);
/* The part itself, or, where its pane was merged and takes no records any more, its like in a
 * second pane. */
struct route_part *window_part(struct route *r, struct route_part *part);

/* The part of `value` (NULL: null), made when new (or that of the rest). */
struct route_part *partition_of(struct route *r, struct route_pane *pane, const struct text *value,
                                uint64_t record);
/* The part of the same value in the pane `to`, made when new. */
struct route_part *partition_like(struct route *r, struct route_pane *to,
                                  const struct route_part *part);
/* All of the pane into `to`, which may be empty. */
bool partition_merge(struct route *r, struct route_pane *to, const struct route_pane *from,
                     struct err *err);
/* Gives out its parts, by first appearance; from and to when it is a window of time. */
bool partition_give(struct route *r, struct route_pane *pane, int64_t from, int64_t to,
                    struct err *err);
struct route_pane *partition_pane_new(int64_t index, bool placed);
void partition_pane_free(struct route *r, struct route_pane *pane);

#endif
