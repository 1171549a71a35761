//! A statement of Redshift's that ends as FAILED or ABORTED.

use serde_json::{Value, json};

use super::{EVERYTHING, down, ends_clean, staged, staged::Play, up, up_fails};

const EXECUTE: &str = "redshift-data BatchExecuteStatement";

fn has(body: &[u8], words: &str) -> bool {
    String::from_utf8_lossy(body).to_uppercase().contains(words)
}

/// The statements of the first such batch are others, which fail.
fn fails(words: &'static str) -> impl FnMut(&http::Request<bytes::Bytes>) -> Option<Play> + Send + 'static {
    let mut begun = false;
    move |request| {
        if begun || !has(request.body(), words) {
            return None;
        }
        begun = true;
        let mut body: Value = serde_json::from_slice(request.body()).expect("JSON");
        body["Sqls"] = json!(["SELECT * FROM nowhere.nothing"]);
        Some(Play::Asks(body.to_string().into()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_fails_while_making_is_told_and_made_again() {
    for words in ["CREATE SCHEMA", "CREATE TABLE"] {
        let (ground, staged) = staged(EVERYTHING).await;
        staged.on(EXECUTE, fails(words));
        let failed = up_fails(&ground).await;
        let error =
            failed.iter().find(|error| error.message.contains("FAILED")).unwrap_or_else(|| panic!("{failed:#?}"));
        assert!(error.message.contains("nowhere") && error.message.to_uppercase().contains(words), "{error}");
        up(&ground).await;
        ends_clean(&ground).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_fails_while_dropping_is_told_and_dropped_again() {
    for words in ["DROP TABLE", "DROP SCHEMA"] {
        let (ground, staged) = staged(EVERYTHING).await;
        up(&ground).await;
        staged.on(EXECUTE, fails(words));
        let down = down(&ground).await;
        assert!(!down.is_clean(), "{words}");
        let (_, error) = down.failed.first().expect("it failed");
        assert!(error.message.contains("FAILED"), "{error}");
        ends_clean(&ground).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_was_aborted_is_told() {
    let (ground, staged) = staged(EVERYTHING).await;
    staged.edit("redshift-data DescribeStatement", 1, |answer| {
        answer["Status"] = json!("ABORTED");
        answer["Error"] = json!("Query was cancelled by a user");
    });
    let failed = up_fails(&ground).await;
    assert!(failed[0].to_string().contains("ABORTED"), "{failed:#?}");
    up(&ground).await;
    ends_clean(&ground).await;
}
