/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options of etl-profile that do not go together. */
#include <sys/stat.h>
#include <unistd.h>

#include "os/os.h"
#include "tools/etl-profile.h"

/* Options that say how data is read. */
static bool is_for_data(const struct etl_profile_opts *o)
{
    const struct {
        const char *option;
        bool given;
    } of_data[] = {{"input-format", o->input != NULL},
                   {"delimiter", o->delimiter != 0},
                   {"quote", o->quote != 0},
                   {"escape", o->escape != 0},
                   {"no-header", o->no_header},
                   {"sample", o->sample < 1},
                   {"fast", o->fast},
                   {"window", o->window != NULL},
                   {"partition-by", o->partition_by != NULL},
                   {"tee", o->tee},
                   {"follow", o->follow},
                   {"expect", o->expect != NULL}};
    for (size_t i = 0; i < ARRAY_LEN(of_data); i++)
        if (of_data[i].given) {
            cli_usage("--%s is for data, and --merge reads records", of_data[i].option);
            return true;
        }
    return false;
}

/* Is the descriptor of the file with this name? */
static bool is_open_as(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && S_ISREG(a.st_mode) &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* --records would replace the data. Records may be replaced by what is made of them. */
static bool replaces_data(const struct etl_profile_opts *o, char **files, size_t nfiles)
{
    if (o->records == NULL || o->merge)
        return false;
    bool is_input = o->expect != NULL && path_is_same(o->records, o->expect);
    for (size_t i = 0; i < nfiles && !is_input; i++)
        is_input = strcmp(files[i], "-") == 0 ? is_open_as(STDIN_FILENO, o->records)
                                              : path_is_same(o->records, files[i]);
    return is_input || (nfiles == 0 && is_open_as(STDIN_FILENO, o->records)) ||
           (o->tee && is_open_as(STDOUT_FILENO, o->records));
}

bool etl_profile_usage(const struct etl_profile_opts *o, char **files, size_t nfiles)
{
    struct quoted q;
    if (o->merge && is_for_data(o))
        return false;
    if (o->records != NULL && strcmp(o->records, "-") == 0) {
        cli_usage("--records names a file; without it records go to standard output");
        return false;
    }
    if (replaces_data(o, files, nfiles)) {
        cli_usage("--records '%s' would replace the data", quote_str(&q, o->records));
        return false;
    }
    if (o->dataset != NULL && nfiles > 1 && !o->merge)
        cli_usage("--dataset names one input, and %zu were given", nfiles);
    else if (!(o->sample > 0))
        cli_usage("--sample 0%% would profile nothing");
    else if (strcmp(o->sample_by, "block") == 0 &&
             (o->tee || o->follow || o->window || o->partition_by || o->expect))
        cli_usage("option '--sample-by': block goes with none of --tee, --follow, --window, "
                  "--partition-by and --expect");
    else if (o->write_schema != NULL && nfiles > 1)
        cli_usage("--write-schema describes one input, and %zu were given", nfiles);
    else if (o->write_schema != NULL && (o->window || o->partition_by || o->merge))
        cli_usage(
            "option '--write-schema': goes with none of --window, --partition-by and --merge");
    else if (o->tee && o->records == NULL)
        cli_usage("--tee needs --records FILE: standard output carries the data");
    else if (o->tee && o->common.format != NULL && strcmp(o->common.format, "html") == 0)
        cli_usage("--tee and --format html both want standard output");
    else if (o->follow && nfiles > 1)
        cli_usage("--follow follows one file, and %zu were given", nfiles);
    else
        return true;
    return false;
}
