/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A reader as the source of a stage's batches: files of a read stage, output of a command. */
#ifndef FORELINE_ENGINE_OP_READ_H
#define FORELINE_ENGINE_OP_READ_H

#include "engine/op.h"

struct op_intake {
    struct oper *op;
    struct reader *reader;
    struct reader_opts opts; /* the reader may point into it */
    struct reader_stats stats;
    int *from; /* of each column of the stage: the reader's, or -1 */
    bool same; /* … and the two are the same */
    uint64_t *null_valid;
    struct text *null_text;
    int64_t *null_values;
    const char *hidden, *shown;   /* messages say the latter for the former */
    struct op_intake_lane *lanes; /* that were opened */
};
/* Opens, and binds what comes after when the schema was not known before. */
bool op_intake_open_fd(struct op_intake *s, struct oper *op, int fd, const struct reader_opts *opts,
                       struct err *err);
/* A reader that somebody else has opened with op_intake_bad as its sink, `s` as its context (NULL:
 * see err). It is closed by op_intake_close. */
bool op_intake_adopt(struct op_intake *s, struct oper *op, struct reader *reader, struct err *err);
bad_record_fn op_intake_bad;
/* The next batch of the stage, which the caller unrefs; NULL at the end. */
bool op_intake_next(struct op_intake *s, struct batch **out, struct err *err);
/* Emits the next batch of the stage; *more false at the end. */
bool op_intake_step(struct op_intake *s, struct lane *lane, bool *more, struct err *err);
void op_intake_close(struct op_intake *s);

#endif
