//! Refuses what a web page may make a browser send, before anything else is checked.

use http::{header, request::Parts, uri::Authority};

use crate::service_error::ServiceError;

/// Refuses a request that another site's page sent (it has an `Origin`), or that a name of theirs led here (its host is not
/// loopback's), as with DNS rebinding. No AWS client sends the one or needs the other.
pub(super) fn refuse_pages(request: &Parts) -> Result<(), ServiceError> {
    if let Some(origin) = request.headers.get(header::ORIGIN) {
        return Err(refusal(format!("a web page of {origin:?} sent this request; the stand-in answers none of them")));
    }
    let told = request.headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let hosts: Vec<&str> = told.chain(request.uri.authority().map(Authority::as_str)).collect();
    match hosts.iter().find(|host| !is_loopback(host)) {
        None if !hosts.is_empty() => Ok(()),
        None => Err(refusal("the request names no host".to_owned())),
        Some(host) => Err(refusal(format!(
            "the request is for the host {host:?}; the stand-in answers as 127.0.0.1 and localhost"
        ))),
    }
}

fn refusal(message: String) -> ServiceError {
    ServiceError { status: 403, code: "AccessDenied", message }
}

fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let host = authority.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_loopback = |address: std::net::IpAddr| address.to_canonical().is_loopback();
    host.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn answer(uri: &str, headers: &[(&str, &str)]) -> Result<(), String> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        refuse_pages(&request.body(()).expect("a request").into_parts().0).map_err(|error| error.message)
    }

    #[test]
    fn only_a_loopback_host_is_answered() {
        for host in ["127.0.0.1:4566", "127.0.0.1", "127.8.8.8", "localhost", "LOCALHOST:1", "[::1]:80"] {
            assert_eq!(answer("/", &[("host", host)]), Ok(()), "{host}");
        }
        for host in
            ["evil.example", "evil.example:4566", "127.0.0.1.evil.example", "localhost.evil", "10.0.0.1", "", "a b"]
        {
            assert!(answer("/", &[("host", host)]).is_err(), "{host}");
        }
        assert!(answer("/", &[]).is_err(), "no host at all");
        assert!(answer("/", &[("host", "localhost"), ("host", "evil.example")]).is_err(), "a second host");
        assert!(answer("http://evil.example/", &[("host", "localhost")]).is_err(), "a host in the request's line");
    }

    #[test]
    fn a_page_is_not_answered_whatever_its_origin() {
        for origin in ["https://evil.example", "null", "http://127.0.0.1:8000"] {
            assert!(answer("/", &[("host", "localhost"), ("origin", origin)]).is_err(), "{origin}");
        }
    }
}
