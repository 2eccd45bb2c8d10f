/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The meanings that contracts.md gives to pipelines, each as a small table in and out. */
#include "tests/unit/engine_case.h"

#define JOIN(type) \
    "{\"id\":\"j\",\"op\":\"join\",\"inputs\":[\"a\",\"b\"],\"on\":[\"k\"],\"type\":\"" type "\"}"
#define TOTAL(measures) "{\"id\":\"g\",\"op\":\"aggregate\",\"by\":[],\"measures\":{" measures "}}"
#define BY_K(measures) \
    "{\"id\":\"g\",\"op\":\"aggregate\",\"by\":[\"k\"],\"measures\":{" measures "}}"

/* -- between expressions -- */

START_TEST(null_keys_never_join)
{
    const char *left = "k,l\n1,x\n,y\n", *right = "k,r\n,n\n1,m\n";
    expect2(left, right, JOIN("inner"), "k,l,r\n1,x,m\n");
    expect2(left, right, JOIN("left"), "k,l,r\n1,x,m\n,y,\n");
    expect2(left, right, JOIN("semi"), "k,l\n1,x\n");
    expect2(left, right, JOIN("anti"), "k,l\n,y\n");
}
END_TEST

START_TEST(nulls_form_one_group)
{
    expect("k,x\na,1\n,2\na,3\n,4\n\"\",5\n", BY_K("\"s\":\"sum(.x)\""), "k,s\na,4\n,6\n\"\",5\n");
}
END_TEST

START_TEST(measures_skip_nulls_and_count_counts_records)
{
    expect("x,y\n1,1\n,1\n4,1\n",
           TOTAL("\"n\":\"count\",\"s\":\"sum(.x)\",\"lo\":\"min(.x)\",\"hi\":\"max(.x)\","
                 "\"m\":\"mean(.x)\",\"d\":\"distinct(.x)\",\"q\":\"quantile(.x; 0.5)\","
                 "\"f\":\"first(.x)\",\"l\":\"last(.x)\""),
           "n,s,lo,hi,m,d,q,f,l\n3,5,1,4,2.5,2,2.5,1,4\n");
    expect("k,x\n1,\n1,7\n1,\n", BY_K("\"f\":\"first(.x)\",\"l\":\"last(.x)\""), "k,f,l\n1,7,7\n");
}
END_TEST

START_TEST(sum_min_max_and_mean_of_nothing_are_null)
{
    expect("k,x\n1,\n2,5\n",
           BY_K("\"s\":\"sum(.x)\",\"lo\":\"min(.x)\",\"hi\":\"max(.x)\",\"m\":\"mean(.x)\","
                "\"n\":\"count\",\"d\":\"distinct(.x)\""),
           "k,s,lo,hi,m,n,d\n1,,,,,1,0\n2,5,5,5,5,1,1\n");
    expect("x\n1\n",
           "{\"id\":\"f\",\"op\":\"filter\",\"where\":\"false\"}," TOTAL(
               "\"s\":\"sum(.x)\",\"n\":\"count\""),
           "s,n\n,0\n");
}
END_TEST

START_TEST(no_groups_come_of_no_records)
{
    expect("k,x\n", BY_K("\"n\":\"count\""), "k,n\n");
}
END_TEST

START_TEST(stddev_is_of_a_sample)
{
    expect("x\n2\n4\n", TOTAL("\"s\":\"stddev(.x)\""), "s\n1.4142135623730951\n");
    expect("x\n2\n", TOTAL("\"s\":\"stddev(.x)\""), "s\n\n");
}
END_TEST

START_TEST(quantile_is_linear_type_7)
{
    expect("x\n4\n1\n3\n2\n",
           TOTAL("\"a\":\"quantile(.x; 0)\",\"b\":\"quantile(.x; 0.25)\",\"c\":\"quantile(.x; 0.5)"
                 "\",\"d\":\"quantile(.x; 1)\""),
           "a,b,c,d\n1,1.75,2.5,4\n");
    expect("k,x\n1,10\n2,5\n1,20\n2,7\n3,1\n", BY_K("\"q\":\"quantile(.x; 0.5)\""),
           "k,q\n1,15\n2,6\n3,1\n");
}
END_TEST

START_TEST(set_sees_only_the_input_record)
{
    expect("a,b\n1,2\n",
           "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"a\":\".b\",\"b\":\".a\",\"c\":\".a + .b\"}}",
           "a,b,c\n2,1,3\n");
}
END_TEST

START_TEST(set_replaces_in_place_and_appends)
{
    expect("a,b,c\n1,2,3\n",
           "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"z\":\".a\",\"b\":\".a + 10\"}}",
           "a,b,c,z\n1,11,3,1\n");
}
END_TEST

/* -- order and bytes -- */

START_TEST(join_is_in_left_then_right_input_order)
{
    expect2("k,l\n2,a\n1,b\n2,c\n", "k,r\n2,x\n1,y\n2,z\n", JOIN("inner"),
            "k,l,r\n2,a,x\n2,a,z\n1,b,y\n2,c,x\n2,c,z\n");
}
END_TEST

START_TEST(semi_and_anti_give_each_left_record_once)
{
    expect2("k,l\n2,a\n1,b\n3,c\n", "k,r\n2,x\n2,y\n1,z\n", JOIN("semi"), "k,l\n2,a\n1,b\n");
    expect2("k,l\n2,a\n1,b\n3,c\n", "k,r\n2,x\n2,y\n1,z\n", JOIN("anti"), "k,l\n3,c\n");
}
END_TEST

START_TEST(aggregate_and_distinct_are_by_first_appearance)
{
    expect("k,x\nz,1\na,2\nz,3\nm,4\n", BY_K("\"n\":\"count\""), "k,n\nz,2\na,1\nm,1\n");
    expect("k,x\nz,1\na,2\nz,3\nz,1\n", "{\"id\":\"d\",\"op\":\"distinct\",\"by\":[\"k\"]}",
           "k,x\nz,1\na,2\n");
    expect("k,x\nz,1\na,2\nz,3\nz,1\n", "{\"id\":\"d\",\"op\":\"distinct\"}",
           "k,x\nz,1\na,2\nz,3\n");
}
END_TEST

START_TEST(union_is_in_input_order_by_name)
{
    expect2("a,b\n1,x\n", "b,a\ny,2\n", "{\"id\":\"u\",\"op\":\"union\",\"inputs\":[\"b\",\"a\"]}",
            "b,a\ny,2\nx,1\n");
}
END_TEST

START_TEST(union_widens_and_keeps_what_was_read)
{
    expect2("a\n9007199254740993\n1\n", "a\n1.50\n",
            "{\"id\":\"u\",\"op\":\"union\",\"inputs\":[\"a\",\"b\"]}",
            "a\n9007199254740993\n1\n1.50\n");
    expect2("a\n1\n", "a\nx\n", "{\"id\":\"u\",\"op\":\"union\",\"inputs\":[\"a\",\"b\"]}",
            "a\n1\nx\n");
}
END_TEST

START_TEST(union_takes_one_stage_twice)
{
    expect("a\n1\n2\n", "{\"id\":\"u\",\"op\":\"union\",\"inputs\":[\"a\",\"a\"]}",
           "a\n1\n2\n1\n2\n");
}
END_TEST

START_TEST(sort_is_stable_with_nulls_first_and_last_for_descending)
{
    const char *csv = "k,x\n2,a\n,b\n1,c\n2,d\n,e\n1,f\n";
    expect(csv, "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"k\"]}",
           "k,x\n,b\n,e\n1,c\n1,f\n2,a\n2,d\n");
    expect(csv, "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"-k\"]}",
           "k,x\n2,a\n2,d\n1,c\n1,f\n,b\n,e\n");
    expect(csv, "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"-k\",\"-x\"]}",
           "k,x\n2,d\n2,a\n1,f\n1,c\n,e\n,b\n");
}
END_TEST

START_TEST(sort_takes_strings_by_bytes_and_numbers_by_value)
{
    expect("s\nb\nB\n\xc3\xa4\na\n\"\"\nabcdefghZ\nabcdefghA\n",
           "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"s\"]}",
           "s\n\"\"\nB\na\nabcdefghA\nabcdefghZ\nb\n\xc3\xa4\n");
    expect("x\n10\n9\n-1\n1.5\n-0.5\n1e3\n", "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"x\"]}",
           "x\n-1\n-0.5\n1.5\n9\n10\n1e3\n");
    expect("x\n9223372036854775807\n-9223372036854775808\n9223372036854775806\n0\n",
           "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"-x\"]}",
           "x\n9223372036854775807\n9223372036854775806\n0\n-9223372036854775808\n");
}
END_TEST

START_TEST(sums_do_not_depend_on_order)
{
    expect("x\n1e100\n1\n-1e100\n", TOTAL("\"s\":\"sum(.x)\""), "s\n1\n");
    expect("x\n0.1\n0.1\n0.1\n0.1\n0.1\n0.1\n0.1\n0.1\n0.1\n0.1\n", TOTAL("\"s\":\"sum(.x)\""),
           "s\n1\n");
}
END_TEST

START_TEST(a_key_of_two_names_appears_once_under_the_left_one)
{
    expect2("id,v\n1,a\n2,b\n", "ref,w\n2,x\n1,y\n",
            "{\"id\":\"j\",\"op\":\"join\",\"inputs\":[\"a\",\"b\"],\"on\":{\"id\":\"ref\"}}",
            "id,v,w\n1,a,y\n2,b,x\n");
}
END_TEST

START_TEST(integer_and_float_keys_compare_by_value)
{
    expect2("k,l\n1,a\n2,b\n9007199254740993,c\n", "k,r\n1.0,x\n2.5,y\n9007199254740992.0,z\n",
            JOIN("inner"), "k,l,r\n1,a,x\n");
    expect2("k,l\n1.0,a\n0.0,b\n-0.0,c\n", "k,r\n1,x\n0,y\n", JOIN("inner"),
            "k,l,r\n1.0,a,x\n0.0,b,y\n-0.0,c,y\n");
}
END_TEST

START_TEST(sixty_four_bit_integers_stay_exact)
{
    expect2("k,l\n9007199254740993,a\n9007199254740992,b\n", "k,r\n9007199254740993,x\n",
            JOIN("inner"), "k,l,r\n9007199254740993,a,x\n");
    expect("k,x\n9007199254740993,1\n9007199254740992,1\n9007199254740993,1\n",
           BY_K("\"n\":\"count\",\"hi\":\"max(.k)\""),
           "k,n,hi\n9007199254740993,2,9007199254740993\n9007199254740992,1,9007199254740992\n");
    expect("k\n9007199254740993\n9007199254740992\n",
           "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".k > 9007199254740992\"}",
           "k\n9007199254740993\n");
}
END_TEST

START_TEST(sums_of_integers_are_rounded_once)
{
    expect("x\n9223372036854775807\n9223372036854775807\n-9223372036854775807\n-"
           "9223372036854775807\n5\n",
           TOTAL("\"s\":\"sum(.x)\""), "s\n5\n");
}
END_TEST

/* -- null and text -- */

START_TEST(null_and_the_empty_string_stay_apart)
{
    expect("a,b\n,\"\"\n\"\",\n", "{\"id\":\"l\",\"op\":\"limit\",\"count\":9}",
           "a,b\n,\"\"\n\"\",\n");
    expect("s\nb\n\"\"\n\n", "{\"id\":\"s\",\"op\":\"filter\",\"where\":\".s != null\"}",
           "s\nb\n\"\"\n");
}
END_TEST

START_TEST(what_no_expression_computed_is_written_as_it_was_read)
{
    const char *csv =
        "x,d,b\n1.50,2001-02-03,true\n-0,2001-02-03T04:05:06Z,false\n1e2,2001-02-04,true\n";
    expect(csv, "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"d\"]}",
           "x,d,b\n1.50,2001-02-03,true\n-0,2001-02-03T04:05:06Z,false\n1e2,2001-02-04,true\n");
    expect("k,x\n1.50,3.10\n1.5,2.0\n", BY_K("\"hi\":\"max(.x)\",\"f\":\"first(.x)\""),
           "k,hi,f\n1.50,3.10,3.10\n");
    expect("x\n1.50\n", "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"y\":\".x\"}}",
           "x,y\n1.50,1.50\n");
}
END_TEST

START_TEST(computed_numbers_take_the_shortest_form)
{
    expect("x\n1.50\n0.1\n", "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"x\":\".x * 2\"}}",
           "x\n3\n0.2\n");
    expect("x\n0.1\n0.2\n", TOTAL("\"s\":\"sum(.x)\""), "s\n0.30000000000000004\n");
}
END_TEST

START_TEST(jq_rules_hold_inside_an_expression)
{
    expect("x\n1\n\n9\n", "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".x < 5\"}", "x\n1\n\n");
    expect("x,y\n,1\n5,2\n", "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"z\":\".x + 1\"}}",
           "x,y,z\n,1,1\n5,2,6\n");
    expect("x\n0\n1\n", "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".x\"}", "x\n0\n1\n");
}
END_TEST

START_TEST(rename_and_select_keep_values)
{
    expect("a,b,c\n1,2.50,x\n",
           "{\"id\":\"r\",\"op\":\"rename\",\"names\":{\"b\":\"z\"}},"
           "{\"id\":\"s\",\"op\":\"select\",\"columns\":[\"c\",\"z\"]}",
           "c,z\nx,2.50\n");
}
END_TEST

START_TEST(limit_takes_the_first)
{
    expect("a\n1\n2\n3\n", "{\"id\":\"l\",\"op\":\"limit\",\"count\":2}", "a\n1\n2\n");
    expect("a\n1\n2\n3\n", "{\"id\":\"l\",\"op\":\"limit\",\"count\":0}", "a\n");
}
END_TEST

UNIT_MAIN("engine_rules", null_keys_never_join, nulls_form_one_group,
          measures_skip_nulls_and_count_counts_records, sum_min_max_and_mean_of_nothing_are_null,
          no_groups_come_of_no_records, stddev_is_of_a_sample, quantile_is_linear_type_7,
          set_sees_only_the_input_record, set_replaces_in_place_and_appends,
          join_is_in_left_then_right_input_order, semi_and_anti_give_each_left_record_once,
          aggregate_and_distinct_are_by_first_appearance, union_is_in_input_order_by_name,
          union_widens_and_keeps_what_was_read, union_takes_one_stage_twice,
          sort_is_stable_with_nulls_first_and_last_for_descending,
          sort_takes_strings_by_bytes_and_numbers_by_value, sums_do_not_depend_on_order,
          a_key_of_two_names_appears_once_under_the_left_one,
          integer_and_float_keys_compare_by_value, sixty_four_bit_integers_stay_exact,
          sums_of_integers_are_rounded_once, null_and_the_empty_string_stay_apart,
          what_no_expression_computed_is_written_as_it_was_read,
          computed_numbers_take_the_shortest_form, jq_rules_hold_inside_an_expression,
          rename_and_select_keep_values, limit_takes_the_first)
