//! What a web page may make a browser send, and what was sent to another port, is refused before anything else is looked at.

use http::{header, request::Parts, uri::Authority};

use super::fault::Fault;

/// Refuses a request that another site's page sent (it has an `Origin`), or that a name of theirs led here (its host is not
/// loopback's), as with DNS rebinding. No AWS client sends the one or needs the other. A request for another port was taken
/// there by somebody who hands it on: who had this port before is still called by those who do not know it.
pub(super) fn refuse_pages(request: &Parts, port: Option<u16>) -> Result<(), Fault> {
    if let Some(origin) = request.headers.get(header::ORIGIN) {
        return Err(refusal(format!("a web page of {origin:?} sent this request; the stand-in answers none of them")));
    }
    let told = request.headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let hosts: Vec<&str> = told.chain(request.uri.authority().map(Authority::as_str)).collect();
    match hosts.iter().find(|host| !is_ours(host, port)) {
        None if !hosts.is_empty() => Ok(()),
        None => Err(refusal("the request names no host".to_owned())),
        Some(host) => Err(refusal(format!(
            "the request is for the host {host:?}; the stand-in answers as 127.0.0.1 and localhost, at its own port"
        ))),
    }
}

fn refusal(message: String) -> Fault {
    Fault { status: 403, code: "AccessDenied", message }
}

fn is_ours(host: &str, port: Option<u16>) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if port.is_some_and(|port| authority.port_u16().unwrap_or(80) != port) {
        return false;
    }
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
        refuse_pages(&request.body(()).expect("a request").into_parts().0, None).map_err(|fault| fault.message)
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
    fn what_was_sent_to_another_port_is_not_answered() {
        let answer = |host: &str| {
            let request = Request::builder().uri("/").header("host", host).body(()).expect("a request");
            refuse_pages(&request.into_parts().0, Some(4566)).is_ok()
        };
        assert!(answer("127.0.0.1:4566") && answer("localhost:4566"));
        assert!(!answer("127.0.0.1:4567") && !answer("localhost"));
    }

    #[test]
    fn a_page_is_not_answered_whatever_its_origin() {
        for origin in ["https://evil.example", "null", "http://127.0.0.1:8000"] {
            assert!(answer("/", &[("host", "localhost"), ("origin", origin)]).is_err(), "{origin}");
        }
    }
}
