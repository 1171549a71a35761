//! Who may ask, and what the answers allow.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::answers::Refusal;

/// What every answer has. Scripts and styles are the page's own files, values are only ever text.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Answers only what asks for this machine by name, and comes from the page itself if it comes from a page: a name that an
/// attacker points at this machine (DNS rebinding), and a page of somebody else's, get nothing.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = match check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(why) => Refusal(StatusCode::FORBIDDEN, why.to_owned()).into_response(),
    };
    let headers = response.headers_mut();
    HEADERS.into_iter().for_each(|(name, value)| _ = headers.insert(name, HeaderValue::from_static(value)));
    response
}

fn check(headers: &HeaderMap) -> Result<(), &'static str> {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
    let host = text(header::HOST).filter(|host| is_loopback(host));
    let host =
        host.ok_or("this page answers on 127.0.0.1 and localhost only; open the address that the terminal printed")?;
    let is_own = |origin: &str| origin.strip_prefix("http://") == Some(host);
    match text(header::ORIGIN) {
        Some(origin) if !is_own(origin) => Err("another page asked"),
        _ => Ok(()),
    }
}

/// With any port: the page's own may be forwarded from another.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(host: &[&str], origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        host.iter().for_each(|host| _ = headers.append(header::HOST, host.parse().expect("a value")));
        origin.iter().for_each(|origin| _ = headers.insert(header::ORIGIN, HeaderValue::from_static(origin)));
        check(&headers).is_ok()
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        let fine = ["127.0.0.1:8080", "localhost:1", "localhost", "[::1]:8080", "[::1]"];
        assert!(fine.iter().all(|host| checked(&[host], None)));
        let wrong = [
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.evil.example:80",
            "",
            "::1",
            "10.0.0.1:80",
            "localhost:8x",
        ];
        assert!(wrong.iter().all(|host| !checked(&[host], None)), "{wrong:?}");
        assert!(!checked(&[], None), "and none without a name");
    }

    #[test]
    fn only_the_page_itself_may_ask() {
        let host = &["localhost:8080"];
        assert!(checked(host, Some("http://localhost:8080")));
        let others =
            ["http://localhost:8081", "https://localhost:8080", "http://127.0.0.1:8080", "null", "http://evil.example"];
        assert!(others.iter().all(|origin| !checked(host, Some(origin))), "{others:?}");
    }
}
