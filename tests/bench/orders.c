/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The generated input of the benches of pipelines: `orders BYTES [csv|jsonl]` writes orders, at
 * least that many bytes of CSV, or the same records as JSON lines; `orders customers` the 100,000
 * customers that they name. No value needs quotes, so that awk reads the same. The same bytes on
 * every machine. */
#include <stdio.h>

#include "base/num.h"
#include "base/rng.h"

#define CUSTOMERS 100000u
#define PRODUCTS 500u
#define COUNTRIES 40u
#define LINE_MAX 512

static const char *const states[] = {"paid", "open", "void", "sent"};

struct order {
    unsigned long long id, month, day, hour, minute, customer, product, region, quantity, whole,
        cents, note;
    const char *state;
};

static void order_draw(struct rng *r, unsigned long long id, struct order *o)
{
    o->id = id;
    o->month = 1 + rng_below(r, 12);
    o->day = 1 + rng_below(r, 28);
    o->hour = rng_below(r, 24);
    o->minute = rng_below(r, 60);
    o->customer = rng_below(r, CUSTOMERS);
    o->product = rng_below(r, PRODUCTS);
    o->region = rng_below(r, COUNTRIES);
    o->state = states[rng_below(r, ARRAY_LEN(states))];
    o->quantity = 1 + rng_below(r, 9);
    o->whole = rng_below(r, 1000);
    o->cents = rng_below(r, 100);
    o->note = rng_below(r, 1u << 24);
}

static size_t csv_line(char out[LINE_MAX], const struct order *o)
{
    return (size_t)snprintf(
        out, LINE_MAX,
        "%llu,2026-%02llu-%02lluT%02llu:%02llu:00Z,%llu,p%03llu,r%llu,%s,%llu,%llu.%02llu,n%llx\n",
        o->id, o->month, o->day, o->hour, o->minute, o->customer, o->product, o->region, o->state,
        o->quantity, o->whole, o->cents, o->note);
}

static size_t json_line(char out[LINE_MAX], const struct order *o)
{
    return (size_t)snprintf(
        out, LINE_MAX,
        "{\"id\":%llu,\"ts\":\"2026-%02llu-%02lluT%02llu:%02llu:00Z\",\"customer_id\":%llu,"
        "\"product\":\"p%03llu\",\"region\":\"r%llu\",\"status\":\"%s\",\"quantity\":%llu,"
        "\"amount\":%llu.%02llu,\"note\":\"n%llx\"}\n",
        o->id, o->month, o->day, o->hour, o->minute, o->customer, o->product, o->region, o->state,
        o->quantity, o->whole, o->cents, o->note);
}

static void orders(uint64_t bytes, bool json)
{
    struct rng r;
    struct order o;
    char csv[LINE_MAX], line[LINE_MAX];
    uint64_t written = 0; /* of CSV, whichever is asked for */
    rng_seed(&r, 1);
    if (!json)
        puts("id,ts,customer_id,product,region,status,quantity,amount,note");
    for (unsigned long long id = 0; written < bytes; id++) {
        order_draw(&r, id, &o);
        size_t n = csv_line(csv, &o);
        written += n;
        if (json)
            fwrite(line, 1, json_line(line, &o), stdout);
        else
            fwrite(csv, 1, n, stdout);
    }
}

static void customers(void)
{
    struct rng r;
    rng_seed(&r, 2);
    puts("customer_id,name,country,tier,email");
    for (unsigned i = 0; i < CUSTOMERS; i++) {
        unsigned long long name = rng_below(&r, 1000000), country = rng_below(&r, COUNTRIES);
        printf("%u,%llu,c%02llu,t%u,u%u@example.com\n", i, name, country, i % 5, i);
    }
}

int main(int argc, char **argv)
{
    uint64_t bytes = 0;
    bool json = argc == 3 && strcmp(argv[2], "jsonl") == 0;
    if (argc == 2 && strcmp(argv[1], "customers") == 0) {
        customers();
    } else if ((argc == 2 || json || (argc == 3 && strcmp(argv[2], "csv") == 0)) &&
               num_parse_size(argv[1], &bytes)) {
        orders(bytes, json);
    } else {
        fprintf(stderr, "usage: orders BYTES [csv|jsonl]\n       orders customers\n");
        return 2;
    }
    return fflush(stdout) != 0 || ferror(stdout);
}
