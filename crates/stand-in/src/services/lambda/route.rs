//! Which operation a method and a path are.

use std::collections::BTreeMap;

use http::{Method, request::Parts};
use serde::Deserialize;

use super::{ServiceError, refuse};
use crate::{
    json,
    query::{Fields, parse_form, parse_segment},
};

/// The operations, by their names in the API reference.
pub(super) const OPERATIONS: &[&str] = &[
    "CreateFunction",
    "ListFunctions",
    "GetFunction",
    "GetFunctionConfiguration",
    "UpdateFunctionCode",
    "UpdateFunctionConfiguration",
    "DeleteFunction",
    "Invoke",
    "ListTags",
    "TagResource",
    "UntagResource",
    "CreateEventSourceMapping",
    "ListEventSourceMappings",
    "GetEventSourceMapping",
    "UpdateEventSourceMapping",
    "DeleteEventSourceMapping",
];

/// An operation with what its path and query say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    CreateFunction,
    ListFunctions(Paging),
    GetFunction(String),
    GetFunctionConfiguration(String),
    UpdateFunctionCode(String),
    UpdateFunctionConfiguration(String),
    DeleteFunction(String),
    Invoke(String),
    ListTags(String),
    TagResource(String),
    UntagResource(String, Vec<String>),
    CreateMapping,
    ListMappings(Wanted, Paging),
    GetMapping(String),
    UpdateMapping(String),
    DeleteMapping(String),
}

/// Where a listing goes on, and how far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Paging {
    pub(super) marker: Option<String>,
    pub(super) most: Option<usize>,
}

/// Which mappings are listed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) stream_arn: Option<String>,
    pub(super) function: Option<String>,
}

/// The body of TagResource.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tags {
    pub(super) tags: BTreeMap<String, String>,
}

impl Route {
    pub(super) fn of(request: &Parts) -> Result<Self, ServiceError> {
        let query = parse_form(request.uri.query().unwrap_or_default().as_bytes());
        let segments: Vec<String> = request.uri.path().split('/').skip(1).map(parse_segment).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).filter(|segment| !segment.is_empty()).collect();
        let route = match segments.as_slice() {
            ["2015-03-31", "functions", rest @ ..] => Self::of_function(&request.method, rest, Fields(&query)),
            ["2015-03-31", "event-source-mappings", rest @ ..] => {
                Self::of_mapping(&request.method, rest, Fields(&query))
            }
            ["2017-03-31", "tags", arn] => Self::of_tags(&request.method, arn, &query),
            _ => None,
        };
        let route = route.ok_or_else(|| ServiceError {
            status: 404,
            code: "UnknownOperationException",
            message: format!(
                "{} {} is no operation that the stand-in's Lambda has",
                request.method,
                request.uri.path()
            ),
        })?;
        match Fields(&query).other_than(route.parameters()) {
            None => Ok(route),
            Some(other) => Err(refuse::not_covered(other)),
        }
    }

    /// What may stand in the query.
    fn parameters(&self) -> &'static [&'static str] {
        match self {
            Self::ListFunctions(_) => &["Marker", "MaxItems"],
            Self::ListMappings(..) => &["EventSourceArn", "FunctionName", "Marker", "MaxItems"],
            Self::UntagResource(..) => &["tagKeys"],
            _ => &[],
        }
    }

    fn of_function(method: &Method, rest: &[&str], query: Fields<'_>) -> Option<Self> {
        let own = |name: &&str| (*name).to_owned();
        match (method.as_str(), rest) {
            ("POST", []) => Some(Self::CreateFunction),
            ("GET", []) => Some(Self::ListFunctions(Paging::of(query))),
            ("GET", [name]) => Some(Self::GetFunction(own(name))),
            ("DELETE", [name]) => Some(Self::DeleteFunction(own(name))),
            ("GET", [name, "configuration"]) => Some(Self::GetFunctionConfiguration(own(name))),
            ("PUT", [name, "configuration"]) => Some(Self::UpdateFunctionConfiguration(own(name))),
            ("PUT", [name, "code"]) => Some(Self::UpdateFunctionCode(own(name))),
            ("POST", [name, "invocations"]) => Some(Self::Invoke(own(name))),
            _ => None,
        }
    }

    fn of_mapping(method: &Method, rest: &[&str], query: Fields<'_>) -> Option<Self> {
        let own = |id: &&str| (*id).to_owned();
        let wanted = || Wanted {
            stream_arn: query.get("EventSourceArn").map(str::to_owned),
            function: query.get("FunctionName").map(str::to_owned),
        };
        match (method.as_str(), rest) {
            ("POST", []) => Some(Self::CreateMapping),
            ("GET", []) => Some(Self::ListMappings(wanted(), Paging::of(query))),
            ("GET", [id]) => Some(Self::GetMapping(own(id))),
            ("PUT", [id]) => Some(Self::UpdateMapping(own(id))),
            ("DELETE", [id]) => Some(Self::DeleteMapping(own(id))),
            _ => None,
        }
    }

    fn of_tags(method: &Method, arn: &str, query: &[(String, String)]) -> Option<Self> {
        let keys = query.iter().filter(|(name, _)| name == "tagKeys").map(|(_, key)| key.clone());
        match method.as_str() {
            "GET" => Some(Self::ListTags(arn.to_owned())),
            "POST" => Some(Self::TagResource(arn.to_owned())),
            "DELETE" => Some(Self::UntagResource(arn.to_owned(), keys.collect())),
            _ => None,
        }
    }
}

impl Paging {
    fn of(query: Fields<'_>) -> Self {
        let most = query.get("MaxItems").and_then(|most| most.parse().ok());
        Self { marker: query.get("Marker").map(str::to_owned), most }
    }

    /// One page of `all`, which is in key order, and the marker of the next; `limit` is the most that there may be.
    pub(super) fn page<T>(&self, all: impl Iterator<Item = (String, T)>, limit: usize) -> (Vec<T>, Option<String>) {
        json::page_after(all, self.marker.as_deref(), self.most.unwrap_or(limit).clamp(1, limit))
    }
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
        let function = "arn:aws:lambda:us-east-1:000000000000:function:f";
        let encoded = function.replace(':', "%3A");
        assert_eq!(route("POST", "/2015-03-31/functions"), Ok(Route::CreateFunction));
        assert_eq!(route("GET", "/2015-03-31/functions/f+1"), Ok(Route::GetFunction("f+1".into())));
        assert_eq!(
            route("POST", &format!("/2015-03-31/functions/{encoded}/invocations")),
            Ok(Route::Invoke(function.into()))
        );
        assert_eq!(
            route("DELETE", &format!("/2017-03-31/tags/{encoded}?tagKeys=a&tagKeys=b")),
            Ok(Route::UntagResource(function.into(), vec!["a".into(), "b".into()]))
        );
        let wanted = Wanted { stream_arn: None, function: Some("f".into()) };
        let paging = Paging { marker: None, most: Some(2) };
        assert_eq!(
            route("GET", "/2015-03-31/event-source-mappings/?FunctionName=f&MaxItems=2"),
            Ok(Route::ListMappings(wanted, paging))
        );
        let qualified = route("GET", "/2015-03-31/functions/f?Qualifier=1").expect_err("refused");
        assert!(qualified.message.starts_with("Qualifier is not supported"), "{qualified}");
        assert_eq!(route("GET", "/2015-03-31/layers").expect_err("unknown").code, "UnknownOperationException");
    }

    #[test]
    fn a_page_ends_with_the_marker_of_the_next() {
        let all = || ["a", "b", "c"].map(|key| (key.to_owned(), key)).into_iter();
        let (page, marker) = Paging { marker: None, most: Some(2) }.page(all(), 50);
        assert_eq!((page, marker.as_deref()), (vec!["a", "b"], Some("b")));
        assert_eq!(Paging { marker, most: None }.page(all(), 50), (vec!["c"], None));
    }
}
