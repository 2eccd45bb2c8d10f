/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The option table of etl-profile: --help, man page and completions come from it. */
#include "tools/etl-profile.h"

#define AT(field) offsetof(struct etl_profile_opts, field)
static const struct opt table[] = {
    {'i', "input-format", OPT_CHOICE, AT(input), "FORM", "csv|tsv|jsonl", 0, 0, COMPLETE_NONE,
     "read FORM (default: by the file's name, else by its content)", NULL},
    {0, "delimiter", OPT_CHAR, AT(delimiter), "C", NULL, 0, 0, COMPLETE_NONE,
     "fields are separated by C (default: a tab in TSV, else found)",
     "Without it delimiter, quote and escape are found from the first 64 KiB: how alike the "
     "records "
     "of each split are, and how well their fields look like values. What was found is said with "
     "-v; when another split comes close a warning names it and the option that settles it."},
    {0, "quote", OPT_CHAR, AT(quote), "C", NULL, 0, 0, COMPLETE_NONE,
     "fields with the delimiter inside stand between C (default: found)", NULL},
    {0, "escape", OPT_CHAR, AT(escape), "C", NULL, 0, 0, COMPLETE_NONE,
     "C makes the next character data (default: found; else only doubled quotes)", NULL},
    {0, "no-header", OPT_FLAG, AT(no_header), NULL, NULL, 0, 0, COMPLETE_NONE,
     "the first record is data; columns become column_1, column_2", NULL},
    {0, "dataset", OPT_STRING, AT(dataset), "NAME", NULL, 0, 0, COMPLETE_NONE,
     "call the data NAME in the record",
     "Without it a file is called file: and its absolute path, and standard input has no name. "
     "Only data with a name is remembered in the store."},
    {0, "sample", OPT_PERCENT, AT(sample), "PCT", NULL, 0, 0, COMPLETE_NONE,
     "profile PCT of the records, chosen at random",
     "Each record is taken with this probability. All are read and counted; the figures of columns "
     "are those of the sample and are not scaled, beside them stand intervals for all records. See "
     "SAMPLES."},
    {0, "sample-by", OPT_CHOICE, AT(sample_by), "UNIT", "record|block", 0, 0, COMPLETE_NONE,
     "draw single records (default), or read only blocks",
     "With block only about PCT of the file is read: random blocks of it, from the beginning to "
     "the end. It must be a regular file, not compressed; a file too small to draw blocks from is "
     "read as a whole. See SAMPLES."},
    {0, "seed", OPT_INT, AT(seed), "N", NULL, 0, 9007199254740992.0, COMPLETE_NONE,
     "seed of the sample and the sketches (default 1996)",
     "The same data and seed give the same record."},
    {0, "fast", OPT_FLAG, AT(fast), NULL, NULL, 0, 0, COMPLETE_NONE,
     "only types, counts, moments and distinct values",
     "Quantiles, frequent values, outliers, formats, lengths, order and spellings of null are "
     "null."},
    {'j', "threads", OPT_INT, AT(threads), "N", NULL, 1, 64, COMPLETE_NONE,
     "work with N threads (default: all processors)",
     "All are those that this process may use by its affinity and its cgroup. The record does not "
     "depend on N. Small inputs are done by one thread."},
    {0, "window", OPT_STRING, AT(window), "N|DUR", NULL, 0, 0, COMPLETE_NONE,
     "a profile for each window of N records or of time",
     "A plain number counts records, a number with a unit is time (30s, 5m, 1h). See WINDOWS AND "
     "PARTITIONS."},
    {0, "slide", OPT_STRING, AT(slide), "N|DUR", NULL, 0, 0, COMPLETE_NONE,
     "windows begin at this distance (default: the window)",
     "The window must be a multiple of it, at most 1,024 times as long. Windows that overlap are "
     "merged from pieces as long as the slide."},
    {0, "time", OPT_STRING, AT(time), "FIELD", NULL, 0, 0, COMPLETE_NONE,
     "FIELD holds the time of a record (default: found)",
     "Without it the first column of the first record that holds a timestamp or a date; when "
     "there is none the time at which a record arrives."},
    {0, "lateness", OPT_DURATION, AT(lateness), "DUR", NULL, 0, 0, COMPLETE_NONE,
     "windows of time wait DUR for late records (default 0)",
     "A window goes out when a record has come that is later than its end by DUR."},
    {0, "partition-by", OPT_STRING, AT(partition_by), "FIELD", NULL, 0, 0, COMPLETE_NONE,
     "a profile for each value of FIELD", "See WINDOWS AND PARTITIONS."},
    {0, "max-partitions", OPT_INT, AT(max_partitions), "N", NULL, 1, 100000, COMPLETE_NONE,
     "further values of FIELD go together (default 100)",
     "In each window. Memory grows with N and the number of columns."},
    {0, "sketches", OPT_FLAG, AT(sketches), NULL, NULL, 0, 0, COMPLETE_NONE,
     "add what merging and comparing need: sketch records",
     "Behind each profile one record for each part of its state, some 100 kB a column. See "
     "SKETCHES."},
    {0, "merge", OPT_FLAG, AT(merge), NULL, NULL, 0, 0, COMPLETE_NONE,
     "read records with sketches, add the profile of them all",
     "FILE and standard input are records then, not data, and are forwarded. See MERGING."},
    {0, "compare", OPT_STRING, AT(compare), "BASE", NULL, 0, 0, COMPLETE_FILE,
     "add how the data differs from an earlier profile",
     "BASE is a file with records of etl-profile, or last: the last profile of the dataset in the "
     "store (a file of that name is ./last). Of several profiles in the file the one of the same "
     "dataset and partition is taken; a single one serves for all. See DRIFT."},
    {0, "min-effect", OPT_NUMBER, AT(min_effect), "D", NULL, 0.001, 10, COMPLETE_NONE,
     "shifts below D deviations are no drift (default 0.05)",
     "And what corresponds to them in the other figures. See DRIFT."},
    {0, "expect", OPT_STRING, AT(expect), "FILE", NULL, 0, 0, COMPLETE_FILE,
     "check every record against the Table Schema in FILE",
     "A Table Schema of Frictionless Data, version 1 or 2. Each rule that a column breaks is named "
     "on standard error with the first line, is an issue of the profile (expect_minimum, ...), and "
     "a reason of a verdict; the status is then 1. See EXPECTATIONS."},
    {0, "write-schema", OPT_STRING, AT(write_schema), "FILE", NULL, 0, 0, COMPLETE_FILE,
     "write a Table Schema of the data to FILE, for --expect",
     "A first draft: types, required where nothing is missing, unique where that is known exactly. "
     "Bounds and patterns are for those who know the data."},
    {0, "fail-on", OPT_LIST, AT(fail_on), "WHAT", NULL, 0, 0, COMPLETE_NONE,
     "status 1 and a verdict on drift, schema or quality=0.9",
     "WHAT is drift, schema, quality=NUMBER, or several with commas; may be given more than once. "
     "Each adds a verdict, which etl-plan and etl-run heed. See GATES."},
    {0, "records", OPT_STRING, AT(records), "FILE", NULL, 0, 0, COMPLETE_FILE,
     "write the records to FILE, not to standard output",
     "The file appears when all inputs are done; it cannot be one of them. With --format table "
     "people still get theirs."},
    {0, "tee", OPT_FLAG, AT(tee), NULL, NULL, 0, 0, COMPLETE_NONE,
     "pass the data on to standard output (needs --records)",
     "Every byte as it was read, compressed data compressed, several inputs behind one another as "
     "cat would; also what the profile has no use for. When the reader of the pipe goes away "
     "etl-profile ends as tee does, and writes no records."},
    {'f', "follow", OPT_FLAG, AT(follow), NULL, NULL, 0, 0, COMPLETE_NONE,
     "wait for what is added to FILE, until SIGINT or SIGTERM",
     "Like tail -F: FILE may come later, and when another file takes its name (rotation) the old "
     "one is read to its end, then the new one, whose header is skipped when it is the same; "
     "several "
     "that came meanwhile in their order, as long as they are in that folder and not packed. A "
     "file "
     "that is truncated (copytruncate) is read from its beginning, and what was not read before is "
     "lost; that is said and counted. The signal ends it with the profile of all that was there, "
     "status 0. With --window each window is written as it ends. Standard input is just read."},
    {0},
};
static const struct opt format = {
    0,
    "format",
    OPT_CHOICE,
    AT(common.format),
    "FORM",
    "auto|json|table|html",
    0,
    0,
    COMPLETE_NONE,
    "print JSON lines, or a table or a page for people",
    "With auto, the default, a terminal gets tables and a pipe or file gets JSON lines. html is "
    "one "
    "page for all inputs, complete in itself: it needs no network and no script."};
#undef AT

static const char *const synopsis[] = {
    "[-i csv|tsv|jsonl] [--delimiter C] [--quote C] [--escape C] [--no-header] [--dataset NAME] "
    "[--sample PCT] [--sample-by record|block] [--seed N] "
    "[--fast] [-j N] [--window N|DUR] [--slide N|DUR] [--time FIELD] [--lateness DUR] "
    "[--partition-by FIELD] [--max-partitions N] [--compare BASE] [--min-effect D] "
    "[--expect FILE] [--fail-on WHAT] [--sketches] [--follow] [--tee] [--records FILE] [FILE...]",
    "--merge [--dataset NAME] [--sketches] [--compare BASE] [--fail-on WHAT] [--records FILE] "
    "[FILE...]",
    NULL};

static const char description[] =
    "Reads each FILE (or standard input) once, in bounded memory, and writes its data "
    "characteristic profile: one record of kind profile on one line, in the order of the files. "
    "On a terminal a table is printed instead. CSV, TSV and JSON lines are understood, also "
    "compressed with gzip or zstd, in UTF-8 or in UTF-16 with a byte order mark; bytes that are "
    "not "
    "UTF-8 are kept and counted.\n\n"
    "In CSV a quote that is never closed would take the rest of the file. Where the lines behind "
    "it stand well as records of their own it is read as data instead, and said (rule quote).\n\n"
    "Every value is counted as what it is; a column's type is the narrowest that holds all its "
    "values (integer, float, boolean, date, timestamp, string, json). A number with leading zeros "
    "is a code and stays a string. In CSV an empty field without quotes is null, in JSON lines "
    "null and a missing field; members of a nested object are columns of their own (a.b), an array "
    "is its text.\n\n"
    "Records that are malformed are counted, named with their first line on standard error and in "
    "the record's issues, and do not change the exit status unless nothing could be profiled (then "
    "it is 3). Of a file whose compression is broken what came before is profiled. A file that "
    "cannot be read gives status 4; the others are still done. An empty file "
    "gives a profile of 0 records. A record is at most 16 MiB long, and a table at most 500,000 "
    "columns wide.\n\n"
    "When a store exists the profile is remembered there, so that the next one can say how likely "
    "the schema is to change.";

static const struct tool_section sections[] = {
    {"Quality score",
     "data_quality_score is the product of three shares, each between 0 and 1:\n\n"
     "completeness = non-null values / (records * columns)\n\n"
     "consistency = values of the kind of most values of their column / non-null values. Integer, "
     "float and codes with leading zeros are one kind; boolean, date, timestamp, string and json "
     "are one each.\n\n"
     "accuracy = 1 - malformed records / records. Malformed is a record with too few or too many "
     "fields, a quote that is never closed, bytes that are not UTF-8, NUL bytes, or that is not "
     "JSON. What is wrong with the file as a whole (broken compression, a change while it was "
     "read, "
     "mixed line ends) counts as one malformed record.\n\n"
     "So the score is the share of cells that are there and of their column's kind, times the "
     "share of well-formed records. It is monotone: a value that turns null or into another kind "
     "than most of its column, and a record that is damaged or lost, never raise it.\n\n"
     "What is reported and not judged: a text that often stands for null (NA, n/a, -) is a value "
     "until you say otherwise, so completeness does not change, though in a column of numbers it "
     "is of another kind and lowers consistency; a value that breaks its column's format is still "
     "of its kind; a record that comes twice counts twice, so a file repeated as a whole has the "
     "same score."},
    {"Estimates",
     "distinct is exact up to 4,096 values (fewer in tables of more than 2,048 columns), then "
     "comes "
     "from a HyperLogLog sketch; distinct_error "
     "is its standard error (0: exact). It counts spellings: 1.5 and 1.50 are two.\n\n"
     "quantiles are exact up to 4,096 numbers of a column (fewer in tables of more than 64 "
     "columns), then come from a KLL sketch. Type 7 of Hyndman and Fan, as in R and NumPy.\n\n"
     "quantile_error is how far their rank may be off, as a share of the values (0: exact); 99 of "
     "100 seeds stay within it.\n\n"
     "top lists up to 10 frequent values. Their count may be too high by error, never too low.\n\n"
     "outliers counts numbers beyond Tukey's fences, 1.5 times the distance of the quartiles "
     "outside of them; null when the quartiles are equal. Up to 255 on each side are counted "
     "exactly, more are estimated from the quantile sketch. outliers_error says how far the count "
     "may be off, fences that rest on estimated quartiles included (0: exact).\n\n"
     "skewness and kurtosis are adjusted for bias as DuckDB and pandas do; kurtosis is excess.\n\n"
     "formats names what at least 95 % of the values look like: uuid, email, url, ip, phone (+ and "
     "digits, or the usual groups of digits; never digits alone), country_alpha2 and "
     "country_alpha3 "
     "(ISO 3166-1, upper case), leading_zeros.\n\n"
     "null_spellings counts texts that often stand for null: NA, N/A, n/a, na, #N/A, #NA, <NA>, "
     "NULL, null, Null, None, none, NONE, nil, NaN, nan, NAN, \\N, -, --, ?, a full stop, a quoted "
     "empty text, and blanks alone (written as one). They are reported and stay values.\n\n"
     "monotone is the order in which the values come, exactly: numbers by value, others by their "
     "bytes. first_lines, length_bytes, minima and maxima are exact, too.\n\n"
     "elements says of JSON arrays how many there are (arrays) and how many elements they have: "
     "min, mean, max and total, all exact.\n\n"
     "uniqueness is distinct over the values that are not null, with its standard error. unique is "
     "true when all differ: by an exact count, or because the order is strict; false when a value "
     "was surely seen twice, or when distinct stays four errors below the values; null when that "
     "leaves it open. key_candidate: no nulls, and unique not false. constant: one value only.\n\n"
     "schema_evolution_probability is how likely the next arrival has other columns or types, from "
     "what was seen of the dataset, the older the less, and from how datasets are in general: most "
     "hardly ever change, after a change further ones are likely, releases come in a rhythm. Null "
     "when the dataset was not seen before, and for windows and partitions. On histories made up "
     "of such datasets its Brier score is 0.03, where the base rate alone has 0.11.\n\n"
     "records_per_second comes from the first timestamp column: records over the time they span; "
     "null without one."},
    {"Samples",
     "A column's intervals hold the figure of all records, sampled or not, in 95 of 100 samples: "
     "mean, null_rate (nulls over records) and median. Measured over 1,000 samples of the same "
     "file, each figure's does so in 93.4 to 96.6 % of them, 94.9 % in the mean of all figures. "
     "Not so the mean of very skewed numbers in a small sample: of lognormal ones with sigma 1.5 "
     "it does so in 93 % where the sample has 50 to 200 values; and where a few huge values make "
     "up the mean and the sample may have none of them, no interval can tell.\n\n"
     "The mean's interval is Student's t with the skewness taken out by a cubic transform, so "
     "that it reaches farther to the side of the long tail, widened for skewness and long tails "
     "by the second term of the Edgeworth expansion (both Hall 1992); the rate's is Wilson's; "
     "the median's is that of the order statistics. All have the finite population correction.\n\n"
     "With --sample-by block the file is divided into strata of equal length, at least 32 (8 "
     "where there are thousands of columns), and of each two blocks are read, so the intervals "
     "hold whatever the order of the file is: sorted, or with like records together. "
     "volume.records is an estimate then, with records_interval; volume.bytes is the size of the "
     "file, and lines, windows and rates are null. The variance is that between the two blocks "
     "of a stratum, of ratio estimates (Cochran 1977, 6.11), with degrees of freedom after "
     "Satterthwaite; the rate's interval is Wilson's with the effective number of records, the "
     "median's is Woodruff's. Of numbers that grow along the file a few strata decide the "
     "variance: there the mean's interval holds in 93 to 95 %."},
    {"Windows and partitions",
     "With --window and --partition-by an input gives several records. Their field window says "
     "which records (first_record, last_record, counted from 1) and from when to when, their field "
     "partition which value; volume.bytes counts the header with the first record. Each file has "
     "windows of its own, and only profiles of whole files are remembered in the store.\n\n"
     "Windows of N records begin every N records, or every --slide. The last one is shorter when "
     "records are left that no window held.\n\n"
     "Windows of time begin at multiples of the window (or the slide) since 1970 in UTC: those of "
     "1h at full hours. A date counts as its midnight. A window without records is left out. A "
     "window goes out as soon as a record has come that is later than its end by --lateness, and "
     "at the end of the input. A record that comes after its windows have gone out is not lost: "
     "it is counted in the window of the latest record, with an issue of the rule late, and a "
     "record without a time likewise (rule no_time; in front of all times: in the first window). "
     "records_per_second is taken over the time between the first and the last record of a "
     "window.\n\n"
     "Partitions are told by text: 1 and 1.0 are two. partition is FIELD=VALUE as in the paths of "
     "Hive; FIELD alone where it is null or missing, with the records that could not be read at "
     "all; and * for the values behind the first --max-partitions, which are profiled together "
     "(rule max_partitions). The records come in order of first appearance, those of a window "
     "together. Values that appear late have smaller sketches, and so larger errors."},
    {"Issues",
     "quality.issues names column, rule, count and first line. Rules of records are those of the "
     "readers (ragged_row, unterminated_quote, invalid_utf8, nul_byte, not_json, not_an_object, "
     "unknown_field, oversize, ...). Rules of columns: null, mixed_types (values of another kind "
     "than most), null_spelling (a text that often stands for null, named in value), late, "
     "no_time, "
     "max_partitions (see WINDOWS AND PARTITIONS), and not_uuid, "
     "not_email and so on (values that break the column's format).\n\n"
     "Rules of the file: broken_compression (what came before is profiled; value has the byte at "
     "which it is broken, first_line the line that is missing), changed_while_read (its size or "
     "time "
     "of change at the end is not that of the beginning; with --follow: it was truncated, count "
     "times), mixed_line_ends (CRLF and LF; count is of the fewer, quoted fields aside)."},
    {"Sketches",
     "--sketches writes behind each profile what it was made of: one record of kind sketch on a "
     "line, its image in base64. hll (distinct values), kll (quantiles of numbers) and "
     "frequent_items are sketches of Apache DataSketches: its libraries in C++, Java, Go and "
     "Python (hll_sketch, kll_doubles_sketch, frequent_strings_sketch) read them, and those "
     "that it writes can stand in their place (quantile_error is to be doubled then). Values are "
     "their texts as they stand in the data, "
     "so a union of both counts a value once; but DataSketches passes over the empty text, which "
     "is a value here. Frequent values are known by their first 256 bytes; Python cannot show "
     "those that are not UTF-8. column and profile hold the rest and are read by etl-profile "
     "alone. With --fast there are no kll and frequent_items.\n\n"
     "Nothing leaves the memory bound but the records themselves: some 100 kB a column."},
    {"Merging",
     "--merge reads records, forwards them, and adds one profile of all profiles among them, as "
     "if their data had been one input; with --sketches its sketches, too. Files can be profiled "
     "on the day and on the machine they come, and months be merged from days. Every profile of "
     "the input counts, so give each once; with --records the file has the merged one alone, "
     "which can be merged again.\n\n"
     "Exactly as in one pass: counts, types, nulls, minima, maxima, lengths, spellings, formats, "
     "quality, and distinct, which comes from registers that do not know in how many parts the "
     "data came. Moments agree within 1e-12. Quantiles, outliers and frequent values are exact as "
     "long as they are in one pass, then within their errors, which the record states (parts with "
     "smaller sketches, such as partitions that appear late, make those of the whole as small). "
     "Two "
     "profiles give the same bytes in both orders; of three or more, what is not exact may "
     "differ within these bounds. monotone is unknown unless one part disproves it.\n\n"
     "All parts need the same columns in the same order; else, and when sketches are missing, the "
     "status is 3 and the message names them. Lines are compared as if all were of one file: the "
     "first line of a type or an issue is the smallest of those that are known. The dataset is "
     "that of all parts, else --dataset or null. The window goes from the first beginning to the "
     "last end; record numbers are kept when the parts count on from each other, else they begin "
     "at 1. Parts of several partitions give one profile for each. Of samples of different rates "
     "rate is what came out, and seed null; with a part from --fast the result is like it."},
    {"Drift",
     "--compare adds a record of kind drift: for every column of both the change of the null rate "
     "and of the mean, the Kolmogorov-Smirnov distance (ks, of numbers), the population stability "
     "index (psi, of numbers by the deciles of BASE, else by the most frequent values) and a "
     "change of type; and the columns that are new or gone. The store keeps the sketches that this "
     "takes (some 10 kB a column, of the last profile of each dataset). A BASE without sketches "
     "gives only schema, nulls and means; psi and ks are null then.\n\n"
     "A column has drifted by a figure when chance does not explain it and its size matters. "
     "Chance: data that has not changed gives a drifted column in one run of a hundred at most, "
     "over all columns and figures together (Holm's procedure at 1 %). Records count as drawn "
     "independently; the errors of the sketches are allowed for. Size: a mean by D standard "
     "deviations of --min-effect, ks by 0.4 D, psi by D squared (what a shift by D makes of a "
     "normal distribution), a null rate by D / 10, and by as much the share of values that the "
     "narrower of two types does not hold. With the default a null rate that moves by 1 % and a "
     "mean that moves by 0.1 standard deviations are found in windows of a million records in "
     "more than 99 of 100 cases.\n\n"
     "Dates and timestamps move on by nature: of them nulls and types are compared. Of integer "
     "keys (nearly all different, filling a tenth of their range) the figures are given and do "
     "not count."},
    {"Expectations",
     "--expect FILE checks fields (their types, formats and constraints), missingValues, "
     "primaryKey, uniqueKeys and fieldsMatch of a Table Schema (datapackage.org). Every record is "
     "checked, also with --sample.\n\n"
     "Types: string (formats email, uri, uuid, binary), number and integer (decimalChar, "
     "groupChar, bareNumber), boolean (trueValues, falseValues), date, time and datetime (default, "
     "any, patterns such as %d/%m/%Y), year, yearmonth, duration, object, array, any. Without a "
     "type "
     "a field is any. Constraints: required, unique, minLength, maxLength, minimum, maximum, "
     "exclusiveMinimum, exclusiveMaximum, pattern, enum; categories count as enum. What cannot be "
     "checked (geopoint, geojson, list, jsonSchema, other directives of time) is refused with "
     "status 3, not passed over; foreignKeys are named in a warning.\n\n"
     "Values are compared by what they mean: 1.50 is 1.5, and a minimum of a date is a date. A "
     "pattern must match the whole value and is read as jq's test reads it. any of dates and times "
     "is ISO 8601. missingValues are null in the profile too, when they are the same for all "
     "fields and the empty string is among them.\n\n"
     "Columns are found by name, with --no-header by their order. fieldsMatch exact asks for the "
     "order as well; in JSON lines order means nothing. unique and keys remember fingerprints of "
     "128 bits, up to 46 bytes a record for each; two different values are taken for one with a "
     "probability of 1e-20 among a billion records. Null is not compared. Columns without a rule "
     "cost nothing."},
    {"Gates",
     "--fail-on quality=0.9 says no when data_quality_score is below 0.9.\n\n"
     "--fail-on schema says no when a column is new or gone or has values that its type in BASE "
     "does not hold. A narrower type is no change.\n\n"
     "--fail-on drift says no when a column has drifted.\n\n"
     "schema and drift are held against BASE, without --compare against the last profile in the "
     "store. When nothing is known of the dataset yet they are ok and say so, so that a first run "
     "passes; when there is a store that cannot be read they are no, with status 4. A no ends with "
     "status 1 after all records are written; etl-plan and etl-run that "
     "meet it do nothing. A profile that was refused is not remembered in the store: the next one "
     "is held against the same baseline. To accept a change run once without --fail-on."},
    {NULL, NULL},
};

static const struct tool_example examples[] = {
    {"What is in these files?", "etl-profile --format table flights.csv airports.csv"},
    {"The same as a page for a browser",
     "etl-profile --format html flights.csv airports.csv >profile.html"},
    {"Which columns could be a key?",
     "etl-profile airports.csv | jq -r '.columns[] | select(.key_candidate) | .name'"},
    {"Where does a column hold what stands for null?",
     "etl-profile airports.csv | jq -c '.quality.issues[] | select(.rule == \"null_spelling\")'"},
    {"How do the airports of each state look?", "etl-profile --partition-by state airports.csv | "
                                                "jq -r '[.partition, .volume.records] | @tsv'"},
    {"Profile one in ten records of a stream, under a name",
     "cat flights.csv | etl-profile -i csv --sample 10% --dataset flights"},
    {"Keep the profile of each day with its sketches, and merge them when the month is over",
     "etl-profile --sketches flights.csv >day-01; etl-profile --merge day-* | tail -n 1"},
    {"Has the data changed since yesterday?",
     "etl-profile --sketches flights.csv >b; etl-profile --compare b flights.csv"},
    {"Write down what the data looks like, for --expect to hold later data to it",
     "etl-profile --write-schema airports.schema.json airports.csv"},
    {"In CI: where the data is too bad the job ends here, and nothing behind it runs",
     "etl-profile --fail-on quality=0.9 flights.csv | etl-predict -p delays.json"},
    {NULL, NULL},
};

const struct tool etl_profile_tool = {
    .name = "etl-profile",
    .summary = "profile data in one pass",
    .format = &format,
    .synopsis = synopsis,
    .description = description,
    .opts = table,
    .commands = NULL,
    .sections = sections,
    .examples = examples,
    .see_also = "etl-predict(1), jq(1), etl-records(5), foreline(7)",
    .operand = COMPLETE_FILE,
};
