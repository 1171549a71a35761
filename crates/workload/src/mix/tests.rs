use std::collections::{HashMap, HashSet};

use demo_formats::schema::FieldPath;

use super::*;

fn path(name: &str) -> FieldPath {
    FieldPath(vec![name.to_owned()])
}

fn share(name: &str, percent: u64, key: &[&str], template: &str) -> Kind {
    let part = Part::Share { thousandths: percent * 10, statuses: Vec::new() };
    Kind {
        name: name.to_owned(),
        template: template.to_owned(),
        key: key.iter().map(|name| path(name)).collect(),
        part,
    }
}

fn with_statuses(kind: Kind, all: &[(&str, u64)]) -> Kind {
    let Part::Share { thousandths, .. } = kind.part else { panic!("{kind:?}") };
    let status = |(name, after_ms): &(&str, u64)| Status { name: (*name).to_owned(), after_ms: *after_ms };
    Kind { part: Part::Share { thousandths, statuses: all.iter().map(status).collect() }, ..kind }
}

fn follows(name: &str, kind: &str, status: Option<&str>, key: &[&str], template: &str) -> Kind {
    let part = Part::Follows { kind: kind.to_owned(), status: status.map(str::to_owned) };
    Kind { part, ..share(name, 0, key, template) }
}

/// Customers, their orders that are placed, paid and sent, and a payment for each.
fn shop() -> Vec<Kind> {
    let orders = share(
        "orders",
        80,
        &["order", "status"],
        r#"{% set buyer = entity("customers") %}{"order": "o-{{ sequence }}", "customer": "{{ buyer.customer }}", "city": "{{ buyer.city }}",
            "status": "{{ status }}", "total": {{ float(1, 99, 2) }}, "at": {{ now_ms }}}"#,
    );
    vec![
        follows(
            "payments",
            "orders",
            Some("paid"),
            &["payment"],
            r#"{% set order = entity("orders") %}{"payment": "{{ uuid }}", "order": "{{ ref("orders") }}", "amount": {{ order.total }},
                "customer": "{{ order.customer }}", "at": {{ now_ms }}}"#,
        ),
        with_statuses(orders, &[("placed", 0), ("paid", 500), ("sent", 1_500)]),
        share(
            "customers",
            10,
            &["customer"],
            r#"{"customer": "{{ uuid }}", "city": "{{ city }}", "since": "{{ now }}"}"#,
        ),
        share("visits", 10, &["visit"], r#"{"visit": {{ sequence }}, "customer": "{{ ref("customers", zipf=1.2) }}"}"#),
    ]
}

fn mix(kinds: &[Kind]) -> Mix {
    Mix::new(kinds, 7, 1_000_000, 1 << 20).unwrap_or_else(|error| panic!("{error}"))
}

fn document(mix: &Mix, number: u64) -> Map<String, Json> {
    let mut out = Vec::new();
    mix.document(number, &mut out).unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_slice(&out).expect("JSON")
}

fn text(document: &Map<String, Json>, field: &str) -> String {
    document[field].as_str().unwrap_or_else(|| panic!("{field} of {document:?}")).to_owned()
}

#[test]
fn references_are_ids_that_documents_have_carried_before() {
    let mix = mix(&shop());
    let (mut customers, mut orders) = (HashMap::new(), HashMap::new());
    let mut counts: HashMap<String, u64> = HashMap::new();
    for number in 1..=6_000 {
        let document = document(&mix, number);
        let kind = text(&document, "kind");
        *counts.entry(kind.clone()).or_default() += 1;
        match kind.as_str() {
            "customers" => assert_eq!(customers.insert(text(&document, "customer"), text(&document, "city")), None),
            "orders" if document["status"] == "placed" => {
                assert_eq!(customers[&text(&document, "customer")], text(&document, "city"));
                assert!(orders.insert(text(&document, "order"), document).is_none());
            }
            "orders" => {
                let mut placed = orders[&text(&document, "order")].clone();
                let (later, earlier) = (document["at"].as_i64(), placed["at"].as_i64());
                assert!(later > earlier, "{document:?} {placed:?}");
                for changed in ["at", "status"] {
                    placed[changed] = document[changed].clone();
                }
                assert_eq!(placed, document, "an entity's documents share their values");
            }
            "payments" => {
                let order = &orders[&text(&document, "order")];
                assert_eq!((&document["amount"], &document["customer"]), (&order["total"], &order["customer"]));
            }
            _ => assert!(customers.contains_key(&text(&document, "customer"))),
        }
    }
    assert_eq!((counts["customers"], counts["visits"]), (600, 600));
    assert_eq!(counts["orders"] + counts["payments"], 4_800);
    assert!(counts["payments"] > 600, "{counts:?}");
}

#[test]
fn a_document_follows_from_its_number_alone() {
    let (one, other) = (mix(&shop()), mix(&shop()));
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let numbers = [9_999, 1, 4_321, 1_000_000_007];
    let sent = |mix: Mix| mix.with_clock(Arc::new(Still));
    let (one, other) = (sent(one), sent(other));
    numbers.iter().for_each(|number| one.document(*number, &mut first).expect("a document"));
    for number in numbers {
        (number - 1..=number).filter(|number| *number > 0).for_each(|before| drop(document(&other, before)));
        other.document(number, &mut second).expect("a document");
    }
    assert_eq!(String::from_utf8_lossy(&first), String::from_utf8_lossy(&second));
}

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn at(&self, _: u64) -> i64 {
        1_800_000_000_000
    }
}

#[test]
fn a_kind_beside_them_and_another_rate_change_no_entity() {
    let mut more = shop();
    more[3] = share("clicks", 10, &["click"], r#"{"click": {{ sequence }}}"#);
    let (one, other) = (mix(&shop()), Mix::new(&more, 7, 5_000, 1 << 20).expect("a mix"));
    let first = |mix: &Mix| (1..=50).map(|number| document(mix, number)).find(|one| one["kind"] == "customers");
    let without_time = |document: Option<Map<String, Json>>| {
        let mut document = document.expect("a customer");
        document.remove("since");
        document
    };
    assert_eq!(without_time(first(&one)), without_time(first(&other)));
}

#[test]
fn some_are_referred_to_more_often_than_others() {
    let mix = mix(&shop());
    let mut visits: HashMap<String, u64> = HashMap::new();
    for document in (1..=10_000).map(|number| document(&mix, number)).filter(|one| one["kind"] == "visits") {
        *visits.entry(text(&document, "customer")).or_default() += 1;
    }
    let (most, all) = (visits.values().max().expect("visits"), visits.values().sum::<u64>());
    assert!(most * 8 > all && visits.len() > 50, "{most} of {all} visits by one of {} customers", visits.len());
}

#[test]
fn keys_are_told_apart_by_kind() {
    let mix = mix(&shop());
    let ids: HashSet<_> = (1..=3_000)
        .map(|number| {
            let mut out = Vec::new();
            mix.document(number, &mut out).expect("a document");
            mix.identity().of_document(&out).expect("an id")
        })
        .collect();
    assert_eq!(ids.len(), 3_000);
}

#[test]
fn what_no_document_can_be_is_said_with_its_kind() {
    let refused = |template: &str| {
        let kinds = [share("shops", 100, &["id"], template)];
        Mix::new(&kinds, 7, 0, 1 << 20).expect_err("a mistake").to_string()
    };
    assert!(
        refused(r#"{"id": {{ nmae }}}"#).starts_with("kind `shops`: the template's line 1: there is no field `nmae`")
    );
    let said = refused(r#"{"id": 1, "kind": "x"}"#);
    assert_eq!(
        said,
        "kind `shops`: document 1 of the template has a field `kind`, which `demo` adds itself to say that it is one of `shops`"
    );
    assert!(refused("{}").ends_with("is none: the key field `id` is not there"), "{}", refused("{}"));
    assert!(refused("[1]").contains("document 1 of the template is not one JSON object"));
    let timed = [
        share("customers", 10, &["id"], r#"{"id": {{ now_ms }}}"#),
        share("orders", 90, &["id"], r#"{"id": {{ sequence }}, "by": {{ ref("customers") }}}"#),
    ];
    let said = Mix::new(&timed, 7, 0, 1 << 20).expect_err("a mistake").to_string();
    assert!(said.contains("the id `id` of `customers` depends on time or status"), "{said}");
    let mut placed = shop();
    placed[0].template = r#"{"payment": 1, "was": "{{ entity("orders").status }}"}"#.to_owned();
    let said = Mix::new(&placed, 7, 0, 1 << 20).expect_err("a mistake").to_string();
    assert!(said.contains("kind `payments`: ") && said.contains("undefined"), "{said}");
}

fn told(kinds: &[Kind]) -> Vec<(usize, At, String)> {
    mistakes(kinds).into_iter().map(|mistake| (mistake.kind, mistake.at, mistake.problem)).collect()
}

fn in_template(kind: &Kind, text: &str) -> At {
    At::Template { offset: kind.template.find(text).expect("it is there"), text: text.to_owned() }
}

#[test]
fn references_that_cannot_work_are_found_where_they_are() {
    let to = |kind: &str| format!("{{\"id\": {{{{ sequence }}}}, \"of\": {{{{ ref(\"{kind}\") }}}}}}");
    let of = |name: &str, percent: u64, kind: &str| share(name, percent, &["id"], &to(kind));
    let kinds = [of("orders", 50, "custmers"), of("customers", 50, "customers")];
    assert_eq!(
        told(&kinds),
        [
            (0, in_template(&kinds[0], "custmers"), "there is no kind `custmers`".to_owned()),
            (1, in_template(&kinds[1], "customers"), "`customers` refer to themselves".to_owned()),
        ]
    );
    assert_eq!(mistakes(&kinds)[0].near.as_deref(), Some("customers"));
    let circle = [of("a", 30, "b"), of("b", 30, "c"), of("c", 40, "a")];
    let problem = "references in a circle: `a`, which refer to `b`, which refer to `c`, which refer to `a`".to_owned();
    let offset = circle[2].template.find("a\")").expect("it is there");
    assert_eq!(told(&circle), [(2, At::Template { offset, text: "a".to_owned() }, problem)]);
    let mut through = shop();
    through[2].template = through[2].template.replace("{{ city }}", "{{ ref('visits') }}");
    assert!(told(&through)[0].2.starts_with("references in a circle: `customers`, which refer to `visits`"));
    let mut follower = shop();
    follower[3].template = r#"{"visit": {{ sequence }}, "paid": "{{ ref('payments') }}"}"#.to_owned();
    assert_eq!(told(&follower)[0].2, "`payments` follow `orders`, so only those can be referred to");
    let mut computed = shop();
    computed[3].template = r#"{% set kind = "customers" %}{"visit": "{{ ref(kind) }}"}"#.to_owned();
    assert_eq!(told(&computed)[0].2, "`ref` without the name of a kind");
    assert_eq!(told(&shop()), []);
}

#[test]
fn kinds_that_do_not_go_together_are_found() {
    let id = r#"{"id": {{ sequence }}}"#;
    let problem = |kinds: &[Kind]| told(kinds).into_iter().next();
    let some = |kind, at, problem: &str| Some((kind, at, problem.to_owned()));
    assert_eq!(problem(&[share("A", 100, &["id"], id)]), some(0, At::Name, "`A` cannot name a kind"));
    let twice = [share("a", 50, &["id"], id), share("a", 50, &["id"], id)];
    assert_eq!(problem(&twice), some(1, At::Name, "there are two kinds `a`"));
    assert_eq!(problem(&[share("a", 90, &["id"], id)]), some(0, At::Share, "the shares of all kinds sum up to 90%"));
    let nothing = [share("a", 100, &["id"], id), share("b", 0, &["id"], id)];
    assert_eq!(problem(&nothing), some(1, At::Share, "a share of nothing"));
    assert_eq!(problem(&[share("a", 100, &["kind"], id)]), some(0, At::Key(0), "every key has the kind already"));
    let late = [with_statuses(share("a", 100, &["id"], id), &[("new", 5)])];
    assert_eq!(problem(&late), some(0, At::After(0), "an entity begins with its first status"));
    let back = [with_statuses(share("a", 100, &["id"], id), &[("new", 0), ("old", 5), ("new", 4)])];
    assert_eq!(told(&back).len(), 2, "{:?}", told(&back));
    let status = [share("a", 100, &["id"], r#"{"id": "{{ status }}"}"#)];
    assert_eq!(problem(&status), some(0, in_template(&status[0], "status"), "`a` have no status"));
    let follow = |kind: &str, status: Option<&str>| {
        let orders = with_statuses(share("orders", 100, &["id"], id), &[("new", 0), ("old", 5)]);
        problem(&[orders, follows("b", kind, status, &["id"], id)])
    };
    assert_eq!(follow("order", None), some(1, At::Follows, "there is no kind `order`"));
    assert_eq!(follow("b", None), some(1, At::Follows, "a kind cannot follow itself"));
    assert_eq!(follow("orders", None), some(1, At::Follows, "nothing says which status of `orders` it follows"));
    assert_eq!(follow("orders", Some("odl")), some(1, At::FollowedStatus, "`orders` are never `odl`"));
    assert_eq!(follow("orders", Some("old")), None);
}
