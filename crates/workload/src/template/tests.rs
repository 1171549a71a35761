use std::collections::HashSet;

use demo_formats::schema::FieldPath;
use serde_json::Value as Json;

use super::{super::Identity, *};

fn rules() -> Rules {
    Rules { identity: Identity::Line, max_bytes: 1 << 20 }
}

fn template(text: &str) -> Result<Template, TemplateError> {
    Template::new(text, 7, rules())
}

fn documents(text: &str, numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    let template = template(text).expect("a template");
    let document = |number| {
        let mut out = Vec::new();
        template.document(number, &mut out).expect("a document");
        String::from_utf8(out).expect("UTF-8")
    };
    numbers.into_iter().map(document).collect()
}

fn refused(text: &str) -> String {
    template(text).expect_err("a mistake").to_string()
}

/// How a field is used, with arguments that it takes.
fn use_of(field: &Field) -> String {
    match field.name() {
        "int" => "int(-5, 5)".to_owned(),
        "float" => "float(-1, 1, 3)".to_owned(),
        "chance" => "chance(50)".to_owned(),
        "choice" => "choice([\"a\", \"b\"])".to_owned(),
        "lorem" => "lorem(4)".to_owned(),
        "normal" => "normal(5, 2)".to_owned(),
        "log_normal" => "log_normal(5, 1)".to_owned(),
        "exponential" => "exponential(5)".to_owned(),
        "zipf" => "zipf(10, 1)".to_owned(),
        _ => field.usage.to_owned(),
    }
}

#[test]
fn every_field_gives_what_its_json_takes_and_not_always_the_same() {
    for field in FIELDS.iter().filter(|field| !field.is_of_a_mix()) {
        let used = use_of(field);
        let plain = documents(&format!("{{\"v\": {{{{ [{used}] }}}} }}"), 1..=200);
        let distinct: HashSet<_> = plain.iter().collect();
        assert!(distinct.len() > 1, "{used}: {distinct:?}");
        let value: Json = serde_json::from_str(&plain[0]).expect("JSON");
        let quoted = value["v"][0].is_string();
        let mark = if quoted { "\"" } else { "" };
        let alone: Json = serde_json::from_str(&documents(&format!("{{\"v\": {mark}{{{{ {used} }}}}{mark}}}"), [1])[0])
            .expect("JSON");
        assert_eq!(alone["v"].is_string(), quoted, "{used}");
    }
}

#[test]
fn a_document_follows_from_its_seed_and_number_alone() {
    let text = r#"{"id": {{ sequence }}, "u": "{{ uuid }}", "n": {{ int(1, 1000000) }}, "e": "{{ email }}"}"#;
    let forward = documents(text, 1..=50);
    let mut backward = documents(text, (1..=50).rev());
    backward.reverse();
    assert_eq!(forward, backward);
    assert_eq!(documents(text, 30..=40), forward[29..40]);
    let other = Template::new(text, 8, rules()).expect("a template");
    let mut out = Vec::new();
    other.document(1, &mut out).expect("a document");
    assert_ne!(String::from_utf8_lossy(&out), forward[0], "another seed");
    let ids: HashSet<_> = forward.iter().map(|document| &document[document.find("\"u\"").expect("a UUID")..]).collect();
    assert_eq!(ids.len(), 50);
    assert!(forward[6].starts_with("{\"id\":7,\"u\":\""), "{}", forward[6]);
}

#[test]
fn event_times_are_those_of_the_clock() {
    #[derive(Debug)]
    struct Hours;
    impl Clock for Hours {
        fn at(&self, number: u64) -> i64 {
            1_700_000_000_000 + number as i64 * 3_600_123
        }
    }
    let template = template(r#"{"at": "{{ now }}", "ms": {{ now_ms }}, "day": "{{ now[:10] }}"}"#).expect("a template");
    let template = template.with_clock(Arc::new(Hours));
    let mut out = Vec::new();
    template.document(2, &mut out).expect("a document");
    assert_eq!(
        String::from_utf8_lossy(&out),
        "{\"at\":\"2023-11-15T00:13:20.246Z\",\"ms\":1700007200246,\"day\":\"2023-11-15\"}\n"
    );
}

#[test]
fn what_is_set_is_kept_and_each_use_draws_anew() {
    let kept = documents(r#"{% set name = first_name %}{"a": "{{ name }}", "b": "{{ name }}"}"#, 1..=20);
    let pair = |document: &String| {
        let value: Json = serde_json::from_str(document).expect("JSON");
        value["a"] == value["b"]
    };
    assert!(kept.iter().all(pair));
    let drawn = documents(r#"{"a": "{{ first_name }}", "b": "{{ first_name }}"}"#, 1..=20);
    assert!(!drawn.iter().all(pair));
}

#[test]
fn texts_are_escaped_and_documents_are_one_line() {
    let text = "{\n  \"a\" : \"{{ 'x\"y\\\\z\\n' }}\",\n  \"b\": [ {{ none }}, {{ true }}, {{ {'k': 'v\"'} }} ]\n}\n";
    assert_eq!(documents(text, [1]), ["{\"a\":\"x\\\"y\\\\z\\n\",\"b\":[null,true,{\"k\":\"v\\\"\"}]}\n"]);
    let list =
        documents(r#"{"t": [{% for i in range(3) %}{{ i }}{% if not loop.last %},{% endif %}{% endfor %}]}"#, [1]);
    assert_eq!(list, ["{\"t\":[0,1,2]}\n"]);
}

#[test]
fn numbers_lie_between_their_ends() {
    let text =
        r#"{"i": {{ int(-2, 2) }}, "f": {{ float(1, 2, 2) }}, "s": "{{ date_between("2024-02-28", "2024-03-01") }}"}"#;
    let (mut whole, mut days) = (HashSet::new(), HashSet::new());
    for document in documents(text, 1..=300) {
        let value: Json = serde_json::from_str(&document).expect("JSON");
        whole.insert(value["i"].as_i64().expect("a whole number"));
        days.insert(value["s"].as_str().expect("a day").to_owned());
        let float = value["f"].as_f64().expect("a number");
        assert!((1.0..=2.0).contains(&float) && ((float * 100.0).round() / 100.0 - float).abs() < 1e-12, "{document}");
    }
    assert_eq!(whole, (-2..=2).collect());
    assert_eq!(days, ["2024-02-28", "2024-02-29", "2024-03-01"].map(str::to_owned).into());
}

#[test]
fn an_unknown_field_is_named_with_its_line_and_what_is_like_it() {
    let said = refused("{\"a\": 1,\n \"b\": \"{{ frist_name }}\"}");
    assert!(
        said.starts_with("the template's line 2: there is no field `frist_name` (did you mean `first_name`"),
        "{said}"
    );
    assert!(said.ends_with("`demo sample --fields` lists them"), "{said}");
    let said = refused(r#"{"a": {{ integer(1, 2) }}}"#);
    assert!(said.contains("there is no field `integer`"), "{said}");
    let said = refused(r#"{"a": {% if false %}{{ qqqq }}{% endif %} 1}"#);
    assert!(said.contains("there is no field `qqqq`;"), "also where it is not reached: {said}");
}

#[test]
fn what_is_quoted_of_a_template_is_brief() {
    let long = "x".repeat(50_000);
    for text in [format!("{{{{ {long} }}}}"), format!("{{{{ 1 | {long} }}}}"), format!("{{% {long} %}}"), long] {
        let said = refused(&text);
        assert!(said.len() < 1_000, "{} bytes: {}", said.len(), &said[..100]);
    }
}

#[test]
fn mistakes_are_said_before_anything_is_sent() {
    for (text, expected) in [
        ("{\"a\": {{ }", "the template's line 1: "),
        ("{\"a\":\n {% if %} }", "the template's line 2: "),
        ("{\"a\": {{ first_name }}}", "(a text needs quotes around its field: \"{{ first_name }}\")"),
        ("[1]", "document 1 of the template is not one JSON object"),
        ("{\"a\": {{ int }}}", "it is used as `int(first, last)`"),
        ("{\"a\": {{ int(1) }}}", "1 arguments instead of 2; it is used as `int(first, last)`"),
        ("{\"a\": {{ int(2, 1) }}}", "2 is more than 1"),
        ("{\"a\": {{ int(1, 2.5) }}}", "`2.5` is no whole number"),
        ("{\"a\": {{ float(1, \"x\", 2) }}}", "`x` is no number"),
        ("{\"a\": {{ float(1, 2, 99) }}}", "99 is not from 0 to 15"),
        ("{\"a\": {{ float(-1e308, 1e308, 2) }}}", "more lies between the two than a number can say"),
        ("{\"a\": {{ choice([]) }}}", "the list is empty"),
        ("{\"a\": {{ choice(5) }}}", "`5` is no list"),
        ("{\"a\": {{ chance(101) }}}", "101 is no percentage"),
        ("{\"a\": {{ ref(\"a\") }}}", "only documents of a mix can refer to others; it is used as `ref(\"kind\")`"),
        ("{\"a\": {{ ref }}}", "a field without its arguments; it is used as `ref(\"kind\")`"),
        ("{\"a\": {{ zipf(0, 1) }}}", "0 ranks are not from 1 to 9007199254740992; it is used as `zipf(n, exponent)`"),
        ("{\"a\": {{ normal(1) }}}", "1 arguments instead of 2; it is used as `normal(mean, deviation)`"),
        ("{\"a\": \"{{ date_between('2024-01-02', '2024-01-01') }}\"}", "2024-01-02 is after 2024-01-01"),
        ("{\"a\": \"{{ date_between('x', '2024-01-01') }}\"}", "`x` is no day"),
    ] {
        let said = refused(text);
        assert!(said.contains(expected), "{text}: {said}");
    }
}

#[test]
fn a_document_needs_its_key_and_must_fit_into_a_record() {
    let by_id = Rules { identity: Identity::Fields(vec![FieldPath(vec!["id".to_owned()])]), max_bytes: 1 << 20 };
    let refused = |text: &str, rules: Rules| Template::new(text, 1, rules).expect_err("a mistake").to_string();
    let said = refused("{\"a\": 1}", by_id.clone());
    assert_eq!(said, "document 1 of the template is none: the key field `id` is not there");
    let said = refused("{\"id\": {{ float(1.1, 1.2, 3) }}}", by_id.clone());
    assert!(said.contains("is a number with decimals"), "{said}");
    let said = refused("{\"id\": {{ sequence }}, \"a\": \"{{ lorem(9) }}\"}", Rules { max_bytes: 40, ..by_id });
    assert!(said.contains("bytes as a record, which may have 40"), "{said}");
}

#[test]
fn a_template_that_explodes_is_refused() {
    let doubling = "{% set x = x ~ x %}".repeat(40);
    let said = refused(&format!("{{% set x = 'a' %}}{doubling}{{\"a\": \"{{{{ x }}}}\"}}"));
    assert!(said.contains("a document takes more than 500000 steps"), "{said}");
    let loops = "{% for i in range(9000) %}".repeat(3) + &"{% endfor %}".repeat(3);
    assert!(refused(&format!("{{\"a\": 1}}{loops}")).contains("more than 500000 steps"));
    let chain = format!("{{\"a\": {{{{ 1{} }}}}}}", "+1".repeat(8_500));
    assert!(refused(&chain).contains("the template's line 1: more than 300 operators in a chain"));
    for (open, close) in [("(", ")"), ("[", "]"), ("{% if true %}", "{% endif %}"), ("{{ not ", "}}")] {
        let nested = format!("{{{{ {}1{} }}}}", open.repeat(5_000), close.repeat(5_000));
        refused(&nested);
        refused(&format!("{}{{}}{}", open.repeat(5_000), close.repeat(5_000)));
    }
    let nested = "{% set ns = namespace(x=[]) %}{% for i in range(10000) %}{% set ns.x = [ns.x] %}{% endfor %}";
    assert!(refused(&format!("{nested}{{\"a\": 1}}")).contains("there is no field `namespace`"));
    let sets = "{% set x = [x] %}";
    let nested = |times: usize| format!("{{% set x = 1 %}}{}{{\"a\": 1}}", sets.repeat(times));
    assert!(template(&nested(999)).is_ok());
    assert!(refused(&nested(20_000)).contains("more than 1000 `set` tags"));
    refused(&format!("{{% set x = 1 %}}{}{{\"a\": {{{{ x }}}}}}", sets.repeat(999)));
}
