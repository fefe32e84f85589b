//! Who may act, and what every answer carries: acts come from our own pages or from programs, never from a foreign page
//! in an officer's browser.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, timeout};

use super::problem::Problem;
use super::{ANSWER_WITHIN, Shared};

/// No inline script, nothing from elsewhere, no frame around us.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";

/// Headers that every answer bears.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Counts and times answers. A stream is timed to its first byte.
pub(super) async fn counted(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let asked = Instant::now();
    let response = next.run(request).await;
    shared.api.metrics.answered(response.status().as_u16(), asked.elapsed().as_secs_f64());
    response
}

/// Gives up on an answer that takes too long, a slowly sent body included.
pub(super) async fn in_time(request: Request, next: Next) -> Response {
    match timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::unavailable("no answer could be made in time").into_response(),
    }
}

/// Lets through what changes nothing, and acts that a browser can't have been tricked into.
pub(super) async fn acts_come_from_here(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    match may_act(request.headers(), &shared.api.access.config().hosts) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn may_act(headers: &HeaderMap, hosts: &[String]) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
    let json = text(header::CONTENT_TYPE)
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if !json {
        // A page elsewhere can send forms and plain text here without asking; JSON it can't.
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "an act is sent as application/json"));
    }
    let host = text(header::HOST).unwrap_or_default();
    if !is_ours(host, hosts) {
        let detail = format!("\"{}\" is not a name of this daemon; use its address", shorten(host));
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    // Browsers add Origin to every act of a page; programs send none.
    let same = |origin: &str| {
        origin
            .split_once("://")
            .is_some_and(|(scheme, at)| matches!(scheme, "http" | "https") && at.eq_ignore_ascii_case(host))
    };
    match text(header::ORIGIN) {
        Some(origin) if !same(origin) => {
            let detail = format!("acts are not taken from pages of \"{}\"", shorten(origin));
            Err(Problem::new(StatusCode::FORBIDDEN, detail))
        }
        Some(_) | None => match text(HeaderName::from_static("sec-fetch-site")) {
            Some("same-origin" | "none") | None => Ok(()),
            Some(_) => Err(Problem::new(StatusCode::FORBIDDEN, "acts are not taken from other sites' pages")),
        },
    }
}

/// The name or address in a Host header, without its port.
fn name_of(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

/// Whether a host, with or without its port, is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = name_of(host);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a Host header names us: an address, `localhost`, or a configured name. Any other is refused for acts, so that
/// a foreign page whose name was made to point at us can't act in an officer's name.
pub(super) fn is_ours(host: &str, hosts: &[String]) -> bool {
    let name = name_of(host);
    name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || hosts.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}

fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(128).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&'static str, &str)]) -> Result<(), u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_str(value).expect("visible text"));
        }
        may_act(&headers, &["watch.county.example".to_owned()])
            .map_err(|problem| problem.into_response().status().as_u16())
    }

    #[test]
    fn our_pages_and_programs_may_act_and_nobody_else() {
        let json = ("content-type", "application/json; charset=utf-8");
        let here = ("host", "127.0.0.1:8420");
        assert_eq!(check(&[json, here]), Ok(()));
        assert_eq!(check(&[json, here, ("origin", "http://127.0.0.1:8420")]), Ok(()));
        assert_eq!(check(&[json, ("host", "[::1]:8420"), ("origin", "http://[::1]:8420")]), Ok(()));
        assert_eq!(
            check(&[json, ("host", "watch.county.example"), ("origin", "https://watch.county.example")]),
            Ok(())
        );
        assert_eq!(check(&[json, here, ("origin", "http://evil.example")]), Err(403));
        assert_eq!(check(&[json, here, ("origin", "null")]), Err(403));
        assert_eq!(check(&[json, here, ("origin", "http://127.0.0.1:9999")]), Err(403));
        assert_eq!(check(&[json, here, ("sec-fetch-site", "cross-site")]), Err(403));
        assert_eq!(check(&[json, ("host", "evil.example:8420"), ("origin", "http://evil.example:8420")]), Err(403));
        assert_eq!(check(&[json]), Err(403));
        assert_eq!(check(&[("content-type", "text/plain"), here]), Err(415));
        assert_eq!(check(&[here]), Err(415));
    }
}
