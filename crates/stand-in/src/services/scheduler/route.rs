//! Which operation a method and a path are.

use http::request::Parts;

use super::{DEFAULT_GROUP, refuse};
use crate::{
    json,
    query::{Fields, parse_form, parse_segment},
    service_error::ServiceError,
};

/// The most that one page of a listing holds (EventBridge Scheduler API reference, ListSchedules).
const PAGE: usize = 100;

/// The operations, by their names in the API reference.
pub(super) const OPERATIONS: &[&str] = &[
    "CreateSchedule",
    "GetSchedule",
    "UpdateSchedule",
    "DeleteSchedule",
    "ListSchedules",
    "CreateScheduleGroup",
    "GetScheduleGroup",
    "DeleteScheduleGroup",
    "ListScheduleGroups",
    "ListTagsForResource",
    "TagResource",
    "UntagResource",
];

/// An operation with what its path and query say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    CreateSchedule(String),
    GetSchedule(Which),
    UpdateSchedule(String),
    DeleteSchedule(Which),
    ListSchedules(Filter, Paging),
    CreateGroup(String),
    GetGroup(String),
    DeleteGroup(String),
    ListGroups(Filter, Paging),
    ListTags(String),
    TagResource(String),
    UntagResource(String, Vec<String>),
}

/// One schedule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Which {
    pub(super) group: String,
    pub(super) name: String,
}

/// What a listing is of; `None` is everything.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) group: Option<String>,
    pub(super) prefix: Option<String>,
    pub(super) state: Option<String>,
}

/// Where a listing goes on, and how far.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Paging {
    after: Option<String>,
    most: usize,
}

impl Which {
    /// The key in the store.
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }
}

impl Route {
    pub(super) fn of(request: &Parts) -> Result<Self, ServiceError> {
        let query = parse_form(request.uri.query().unwrap_or_default().as_bytes());
        let fields = Fields(&query);
        let segments: Vec<String> = request.uri.path().split('/').map(parse_segment).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).filter(|segment| !segment.is_empty()).collect();
        let which = |name: &str| Which {
            group: fields.get("groupName").unwrap_or(DEFAULT_GROUP).to_owned(),
            name: name.to_owned(),
        };
        let route = match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["schedules"]) => Self::ListSchedules(Filter::of(fields), Paging::of(fields)?),
            ("POST", ["schedules", name]) => Self::CreateSchedule((*name).to_owned()),
            ("GET", ["schedules", name]) => Self::GetSchedule(which(name)),
            ("PUT", ["schedules", name]) => Self::UpdateSchedule((*name).to_owned()),
            ("DELETE", ["schedules", name]) => Self::DeleteSchedule(which(name)),
            ("GET", ["schedule-groups"]) => Self::ListGroups(Filter::of(fields), Paging::of(fields)?),
            ("POST", ["schedule-groups", name]) => Self::CreateGroup((*name).to_owned()),
            ("GET", ["schedule-groups", name]) => Self::GetGroup((*name).to_owned()),
            ("DELETE", ["schedule-groups", name]) => Self::DeleteGroup((*name).to_owned()),
            ("GET", ["tags", arn]) => Self::ListTags((*arn).to_owned()),
            ("POST", ["tags", arn]) => Self::TagResource((*arn).to_owned()),
            ("DELETE", ["tags", arn]) => Self::UntagResource((*arn).to_owned(), tag_keys(&query)),
            (method, _) => {
                let what = format!("{method} {} is no operation of EventBridge Scheduler", request.uri.path());
                return Err(ServiceError { status: 404, code: "UnknownOperationException", message: what });
            }
        };
        match fields.other_than(route.parameters()) {
            None => Ok(route),
            Some(other) => Err(refuse::not_covered(other)),
        }
    }

    /// What may stand in the query. The token of a deletion changes nothing: what is gone is told so either way.
    fn parameters(&self) -> &'static [&'static str] {
        match self {
            Self::ListSchedules(..) => &["ScheduleGroup", "NamePrefix", "State", "MaxResults", "NextToken"],
            Self::ListGroups(..) => &["NamePrefix", "MaxResults", "NextToken"],
            Self::GetSchedule(_) => &["groupName"],
            Self::DeleteSchedule(_) => &["groupName", "clientToken"],
            Self::DeleteGroup(_) => &["clientToken"],
            Self::UntagResource(..) => &["TagKeys"],
            _ => &[],
        }
    }
}

impl Filter {
    fn of(query: Fields<'_>) -> Self {
        let field = |name| query.get(name).map(str::to_owned);
        Self { group: field("ScheduleGroup"), prefix: field("NamePrefix"), state: field("State") }
    }
}

impl Paging {
    fn of(query: Fields<'_>) -> Result<Self, ServiceError> {
        let most = match query.get("MaxResults") {
            None => PAGE,
            Some(text) => text.parse().ok().filter(|most| (1..=PAGE).contains(most)).ok_or_else(|| {
                refuse::constraint("maxResults", text, &format!("Member must have value between 1 and {PAGE}"))
            })?,
        };
        Ok(Self { after: query.get("NextToken").map(str::to_owned), most })
    }

    /// One page of `all`, which is in key order, and the token of the next.
    pub(super) fn page<T>(&self, all: impl Iterator<Item = (String, T)>) -> (Vec<T>, Option<String>) {
        json::page_after(all, self.after.as_deref(), self.most)
    }
}

fn tag_keys(query: &[(String, String)]) -> Vec<String> {
    query.iter().filter(|(name, _)| name == "TagKeys").map(|(_, key)| key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn route(method: &str, uri: &str) -> Result<Route, ServiceError> {
        Route::of(&Request::builder().method(method).uri(uri).body(()).expect("a request").into_parts().0)
    }

    #[test]
    fn method_and_path_name_the_operation() {
        let which = |group: &str| Which { group: group.into(), name: "n".into() };
        assert_eq!(route("GET", "/schedules/n"), Ok(Route::GetSchedule(which("default"))));
        assert_eq!(route("DELETE", "/schedules/n?groupName=g&clientToken=t"), Ok(Route::DeleteSchedule(which("g"))));
        let filter = Filter { group: Some("g".into()), prefix: Some("p".into()), state: None };
        let paging = Paging { after: None, most: 2 };
        assert_eq!(
            route("GET", "/schedules?ScheduleGroup=g&NamePrefix=p&MaxResults=2"),
            Ok(Route::ListSchedules(filter, paging))
        );
        let arn = "arn:aws:scheduler:us-east-1:000000000000:schedule-group/g";
        let encoded = arn.replace(':', "%3A").replace('/', "%2F");
        assert_eq!(
            route("DELETE", &format!("/tags/{encoded}?TagKeys=a&TagKeys=b")),
            Ok(Route::UntagResource(arn.into(), vec!["a".into(), "b".into()]))
        );
        assert_eq!(route("GET", "/schedules?MaxResults=0").expect_err("refused").code, "ValidationException");
        assert!(route("GET", "/schedules?Sort=up").expect_err("refused").message.starts_with("Sort is not supported"));
        assert_eq!(route("PATCH", "/schedules/n").expect_err("unknown").code, "UnknownOperationException");
    }
}
