//! The table of Trino's functions: which are there, and by what.

mod arithmetic;
mod bytes;
mod cast;
mod json;
mod list;
mod maps;
mod moment;
mod number;
mod pattern;
mod rows;
mod text;
mod time;
mod time_format;

use std::sync::LazyLock;

pub(super) use self::{
    maps::{gathered, map_of},
    moment::{split_zone, written},
    number::rounded,
    rows::{UNNEST, columns},
};
use super::scalar::Function;

/// Every function that is computed row by row, operators among them.
pub(super) static FUNCTIONS: LazyLock<Vec<Function>> = LazyLock::new(|| {
    let groups = [
        arithmetic::FUNCTIONS,
        bytes::FUNCTIONS,
        cast::FUNCTIONS,
        json::FUNCTIONS,
        list::FUNCTIONS,
        maps::FUNCTIONS,
        number::FUNCTIONS,
        pattern::FUNCTIONS,
        text::FUNCTIONS,
        time::FUNCTIONS,
        time_format::FUNCTIONS,
        rows::FUNCTIONS,
    ];
    groups.concat()
});

/// Whether a query may call it by its name; the others are what operators come to.
pub(super) fn is_called(function: &Function) -> bool {
    let (call, _) = function.example;
    call.to_ascii_lowercase().contains(&format!("{}(", function.name))
}

/// A function that is not computed by us: Trino's name, a call of it over [`EXAMPLE`], and what that comes to.
pub(super) struct Other {
    pub(super) name: &'static str,
    /// DataFusion's name, where it computes the same.
    pub(super) native: Option<&'static str>,
    #[cfg_attr(not(test), expect(dead_code, reason = "the page and the tests of it read it"))]
    pub(super) example: (&'static str, &'static str),
}

const fn native(name: &'static str, native: &'static str, call: &'static str, result: &'static str) -> Other {
    Other { name, native: Some(native), example: (call, result) }
}

/// One that the rewriter brings to others of these.
const fn rewritten(name: &'static str, call: &'static str, result: &'static str) -> Other {
    Other { name, native: None, example: (call, result) }
}

/// What the examples of aggregates and windows read; of their rows the least is shown.
#[cfg(test)]
pub(super) const EXAMPLE: &str = "(VALUES ('a', 1), ('b', 2), ('a', 3)) AS t(k, x)";

/// The functions that are not computed by us.
pub(super) const OTHERS: &[Other] = &[
    native("any_match", "array_any_match", "any_match(ARRAY[1, 2], n -> n > 1)", "true"),
    native("approx_distinct", "approx_distinct", "approx_distinct(k)", "2"),
    native("array_agg", "array_agg", "array_agg(x ORDER BY x DESC)", "[3, 2, 1]"),
    native("avg", "avg", "avg(x)", "2.0"),
    native("bool_and", "bool_and", "bool_and(x > 1)", "false"),
    native("bool_or", "bool_or", "bool_or(x > 1)", "true"),
    native("corr", "corr", "corr(x, x)", "1.0"),
    native("count", "count", "count(DISTINCT k)", "2"),
    native("covar_pop", "covar_pop", "round(covar_pop(x, x), 3)", "0.667"),
    native("covar_samp", "covar_samp", "covar_samp(x, x)", "1.0"),
    native("cume_dist", "cume_dist", "cume_dist() OVER (ORDER BY k)", "0.6666666666666666"),
    native("dense_rank", "dense_rank", "dense_rank() OVER (ORDER BY k)", "1"),
    native("every", "bool_and", "every(x > 0)", "true"),
    native("filter", "array_filter", "filter(ARRAY[1, 2, 3], n -> n > 1)", "[2, 3]"),
    native("first_value", "first_value", "first_value(x) OVER (ORDER BY x)", "1"),
    native("lag", "lag", "lag(x, 1, 0) OVER (ORDER BY x)", "0"),
    native("last_value", "last_value", "last_value(x) OVER (ORDER BY x)", "1"),
    native("lead", "lead", "lead(x) OVER (ORDER BY x)", "2"),
    native("max", "max", "max(x)", "3"),
    native("min", "min", "min(x)", "1"),
    native("nth_value", "nth_value", "nth_value(x, 1) OVER (ORDER BY x)", "1"),
    native("ntile", "ntile", "ntile(2) OVER (ORDER BY x)", "1"),
    native("percent_rank", "percent_rank", "percent_rank() OVER (ORDER BY x)", "0.0"),
    native("rank", "rank", "rank() OVER (ORDER BY k)", "1"),
    native("reduce", "reduce", "reduce(ARRAY[1, 2], 0, (s, n) -> s + n, s -> s * 10)", "30"),
    native("regr_intercept", "regr_intercept", "regr_intercept(x, x)", "0.0"),
    native("regr_slope", "regr_slope", "regr_slope(x, x)", "1.0"),
    native("row_number", "row_number", "row_number() OVER (ORDER BY x)", "1"),
    native("stddev", "stddev", "stddev(x)", "1.0"),
    native("stddev_pop", "stddev_pop", "round(stddev_pop(x), 3)", "0.816"),
    native("stddev_samp", "stddev", "stddev_samp(x)", "1.0"),
    native("sum", "sum", "sum(x)", "6"),
    native("transform", "array_transform", "transform(ARRAY[1, 2], n -> n * 10)", "[10, 20]"),
    native("var_pop", "var_pop", "round(var_pop(x), 3)", "0.667"),
    native("var_samp", "var_samp", "var_samp(x)", "1.0"),
    native("variance", "var_samp", "variance(x)", "1.0"),
    rewritten("all_match", "all_match(ARRAY[1, 2], n -> n > 1)", "false"),
    rewritten("any_value", "any_value(x) IN (1, 2, 3)", "true"),
    rewritten("arbitrary", "arbitrary(x) IN (1, 2, 3)", "true"),
    rewritten("bitwise_and_agg", "bitwise_and_agg(x)", "0"),
    rewritten("bitwise_or_agg", "bitwise_or_agg(x)", "3"),
    rewritten("coalesce", "coalesce(NULL, 7)", "7"),
    rewritten("count_if", "count_if(x > 1)", "2"),
    rewritten("current_date", "current_date > DATE '2026-01-01'", "true"),
    rewritten("current_timestamp", "current_timestamp > TIMESTAMP '2026-01-01 00:00:00 UTC'", "true"),
    rewritten("geometric_mean", "round(geometric_mean(x), 3)", "1.817"),
    rewritten("if", "if(true, 1, 2)", "1"),
    rewritten("listagg", "listagg(k, '-') WITHIN GROUP (ORDER BY x)", "a-b-a"),
    rewritten("localtimestamp", "localtimestamp > TIMESTAMP '2026-01-01 00:00:00'", "true"),
    rewritten("map_filter", "map_filter(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), (k, v) -> v > 1)", "{b=2}"),
    rewritten(
        "map_zip_with",
        "map_zip_with(MAP(ARRAY['a'], ARRAY[1]), MAP(ARRAY['a', 'b'], ARRAY[5, 6]), (k, x, y) -> coalesce(x, 0) + y)",
        "{a=6, b=6}",
    ),
    rewritten("mod", "mod(7, 3)", "1"),
    rewritten("none_match", "none_match(ARRAY[1, 2], n -> n > 2)", "true"),
    rewritten("now", "now() > TIMESTAMP '2026-01-01 00:00:00 UTC'", "true"),
    rewritten("nullif", "nullif(1, 2)", "1"),
    rewritten("transform_keys", "transform_keys(MAP(ARRAY['a'], ARRAY[1]), (k, v) -> upper(k))", "{A=1}"),
    rewritten("transform_values", "transform_values(MAP(ARRAY['a'], ARRAY[1]), (k, v) -> v * 10)", "{a=10}"),
    rewritten("try", "try(1 / 0)", "null"),
    rewritten("zip_with", "zip_with(ARRAY[1, 2], ARRAY[10, 20], (x, y) -> x + y)", "[11, 22]"),
];

/// What Athena has and the stand-in does not.
pub(super) const MISSING: &[&str] = &[
    "approx_most_frequent",
    "approx_set",
    "array_histogram",
    "bar",
    "beta_cdf",
    "bing_tile",
    "bitwise_right_shift_arithmetic",
    "bitwise_xor_agg",
    "checksum",
    "classify",
    "color",
    "contains_sequence",
    "cosine_similarity",
    "current_catalog",
    "current_groups",
    "current_schema",
    "current_time",
    "current_timezone",
    "current_user",
    "empty_approx_set",
    "evaluate_classifier_predictions",
    "features",
    "format_number",
    "from_base32",
    "from_big_endian_32",
    "from_big_endian_64",
    "from_geojson_geometry",
    "from_ieee754_32",
    "from_ieee754_64",
    "from_iso8601_timestamp_nanos",
    "from_unixtime_nanos",
    "geometry_from_text",
    "great_circle_distance",
    "hash_counts",
    "hmac_md5",
    "hmac_sha1",
    "hmac_sha256",
    "hmac_sha512",
    "intersection_cardinality",
    "inverse_beta_cdf",
    "inverse_normal_cdf",
    "jaccard_index",
    "json_array",
    "json_object",
    "json_table",
    "learn_classifier",
    "learn_regressor",
    "line_interpolate_point",
    "line_locate_point",
    "localtime",
    "make_set_digest",
    "merge",
    "merge_set_digest",
    "murmur3",
    "normal_cdf",
    "normalize",
    "numeric_histogram",
    "parse_data_size",
    "parse_duration",
    "parse_presto_data_size",
    "qdigest_agg",
    "quantile_at_value",
    "reduce_agg",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_r2",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "regress",
    "render",
    "rgb",
    "sha1",
    "spooky_hash_v2_32",
    "spooky_hash_v2_64",
    "split_to_multimap",
    "st_area",
    "st_astext",
    "st_buffer",
    "st_centroid",
    "st_contains",
    "st_distance",
    "st_geometryfromtext",
    "st_intersects",
    "st_length",
    "st_point",
    "st_within",
    "st_x",
    "st_y",
    "tdigest_agg",
    "timezone_hour",
    "timezone_minute",
    "to_base32",
    "to_big_endian_32",
    "to_big_endian_64",
    "to_geojson_geometry",
    "to_ieee754_32",
    "to_ieee754_64",
    "to_spherical_geography",
    "uuid",
    "value_at_quantile",
    "values_at_quantiles",
    "wilson_interval_lower",
    "wilson_interval_upper",
    "word_stem",
    "xxhash64",
];
