//! The pages of listings.

use serde_json::{Value, json};

use super::{ServiceError, refuse};
use crate::json::page_after;

/// Results of one page (ECS API reference, ListClusters, ListTaskDefinitions, ListTasks).
const MOST: usize = 100;

/// Which part of a listing is asked for.
pub(super) struct Paging<'a> {
    after: Option<&'a str>,
    most: usize,
}

impl<'a> Paging<'a> {
    pub(super) fn of(max_results: Option<usize>, next_token: Option<&'a str>) -> Result<Self, ServiceError> {
        let most = max_results.unwrap_or(MOST);
        match (1..=MOST).contains(&most) {
            true => Ok(Self { after: next_token, most }),
            false => Err(refuse::parameter(format!("maxResults must be between 1 and {MOST}."))),
        }
    }

    /// This part of all, which come in the order of their keys.
    pub(super) fn page(&self, all: impl Iterator<Item = (String, String)>) -> (Vec<String>, Option<String>) {
        page_after(all, self.after, self.most)
    }
}

/// A page as the protocol has it.
pub(super) fn listed(what: &str, (page, next): (Vec<String>, Option<String>)) -> Value {
    let mut listed = json!({what: page});
    if let Some(next) = next {
        listed["nextToken"] = json!(next);
    }
    listed
}
