/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by the files of this folder that make a struct pipeline; nobody else includes it. */
#ifndef FORELINE_PIPELINE_PARSE_H
#define FORELINE_PIPELINE_PARSE_H

#include "pipeline/pipeline.h"

/* "FILE:LINE: stage 'x': " before a message of kind ERR_DATA; returns false. */
bool stage_error(const struct pipeline *p, const struct stage *s, struct err *err, const char *fmt,
                 ...) PRINTF_LIKE(4, 5);
void pipeline_warn(struct pipeline *p, const struct stage *s, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Absolute form of a path of the file; URLs and "-" as they are. */
const char *pipeline_path(struct pipeline *p, const char *path);
/* kafka://…, postgres://…: not a path. */
bool path_is_url(const char *path);
void text_list_add(struct arena *a, struct text_list *l, const char *item);

/* One stage's own fields from its JSON object; its inputs stay names. */
struct stage_names {
    struct text_list inputs, after;
    bool input_given;
};
bool stage_parse(struct pipeline *p, struct stage *s, const struct json *v,
                 struct stage_names *names, struct err *err);
/* Inputs and edges by name to indices, implied edges, cycles, two writers of a path. */
bool pipeline_connect(struct pipeline *p, const struct stage_names *names, struct err *err);
/* All of the definition but the file: name, schedule, stages. `text` (or NULL) tells lines. */
bool pipeline_parse(struct pipeline *p, const struct json *definition, struct slice text,
                    struct err *err);
/* What of each stage's output is read by others; sets `live` and the reads' wanted columns. */
void pipeline_live(struct pipeline *p);

#endif
