//! The table of functions: each does what it says, and the page says what there is.

use super::*;
use crate::trino;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sql.md");
const FROM: &str = "<!-- functions -->\n";
const TO: &str = "<!-- /functions -->";

#[tokio::test]
async fn every_function_does_as_its_example_says() {
    let lake = Lake::new().await;
    let mut wrong = Vec::new();
    for example in trino::examples() {
        let rows = lake.ended(&example.sql).await;
        let found = match rows["Status"]["State"].as_str() {
            Some("SUCCEEDED") => lake.value(&example.sql).await,
            _ => rows["Status"]["StateChangeReason"].to_string(),
        };
        if found != example.result {
            wrong.push(format!("{}: {} comes to {found}, not to {}", example.name, example.call, example.result));
        }
    }
    for (call, result) in trino::operators() {
        let found = lake.value(&format!("SELECT {call}")).await;
        if found != result {
            wrong.push(format!("{call} comes to {found}, not to {result}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_page_lists_what_there_is() {
    let page = std::fs::read_to_string(PAGE).expect("docs/sql.md");
    let (before, rest) = page.split_once(FROM).expect("where the functions begin");
    let (_, after) = rest.split_once(TO).expect("where the functions end");
    let whole = format!("{before}{FROM}{}{TO}{after}", trino::page());
    if std::env::var_os("WRITE_SQL").is_some() {
        std::fs::write(PAGE, &whole).expect("written");
    }
    assert!(
        page == whole || std::env::var_os("WRITE_SQL").is_some(),
        "docs/sql.md differs from the functions: `WRITE_SQL=1 cargo test --release the_page_lists` writes it anew"
    );
}
