//! One POST, and what its answer means. Redirects are not followed, environment proxies not asked, an answer is read up
//! to 64 KiB, and all of it ends within the channel's timeout.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url};
use tokio::time::Instant;
use watchfire_connectors::config::Secret;
use watchfire_connectors::intake::WallClock;
use watchfire_model::id::{ChannelName, NoticeId};
use watchfire_model::time::Timestamp;

use super::channel::{BoxError, OpenError, SendError, Taken};

/// An answer is read no further than this.
const ANSWER_MAX: usize = 64 << 10;

/// Longest wait for a connection; part of the attempt's own timeout.
const CONNECT_MOST: Duration = Duration::from_secs(5);

/// Words of an answer shown to the officer.
const WORDS_MAX: usize = 160;

/// Where to post, and the client that does.
pub(super) struct Endpoint {
    channel: ChannelName,
    client: Client,
    url: Url,
    timeout: Duration,
    clock: WallClock,
    /// Never repeated to anyone, even if a receiver echoes it.
    hidden: Vec<Secret>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The host alone: a path or a query may be a key.
        f.debug_struct("Endpoint").field("channel", &self.channel).field("host", &self.url.host_str()).finish()
    }
}

/// What came back.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Why an attempt is tried again.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    #[error("not reached")]
    NotReached(#[source] reqwest::Error),
    #[error("it answered {status}{words}")]
    Unwell { status: StatusCode, words: String },
}

impl Endpoint {
    /// Makes a client for one address; opens no socket.
    pub(super) fn new(
        channel: &ChannelName,
        url: &str,
        timeout: Duration,
        clock: &WallClock,
        hidden: Vec<Secret>,
    ) -> Result<Self, OpenError> {
        let refuse = |reason: String| OpenError::Url { channel: channel.clone(), reason };
        let url = Url::parse(url).map_err(|error| refuse(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(refuse("http:// or https:// and a host are needed".to_owned()));
        }
        // One crypto provider for the whole process; whoever comes first installs it, a second time changes nothing.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(timeout.min(CONNECT_MOST))
            .timeout(timeout)
            .pool_max_idle_per_host(2)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("watchfire/", env!("CARGO_PKG_VERSION")));
        // A machine without certificates can still speak plain HTTP to its own loopback.
        let builder = if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
        let client = builder
            .build()
            .map_err(|error| OpenError::Open { channel: channel.clone(), source: error.without_url().into() })?;
        Ok(Self { channel: channel.clone(), client, url, timeout, clock: clock.clone(), hidden })
    }

    /// The wall time, for signatures.
    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Posts once and says what the answer means.
    pub(super) async fn post(&self, notice: &NoticeId, headers: HeaderMap, body: String) -> Result<Taken, SendError> {
        let retry = |after, source: Trouble| self.retry(notice, after, source.into());
        let until = Instant::now() + self.timeout;
        let sent = self.client.post(self.url.clone()).headers(headers).body(body).send();
        let response = match tokio::time::timeout_at(until, sent).await {
            Err(_elapsed) => return Err(retry(None, Trouble::TimedOut(self.timeout))),
            Ok(Err(error)) if error.is_timeout() => return Err(retry(None, Trouble::TimedOut(self.timeout))),
            Ok(Err(error)) => return Err(retry(None, Trouble::NotReached(error.without_url()))),
            Ok(Ok(response)) => response,
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read(response, until).await;
        self.judge(notice, &Answer { status, headers, body })
    }

    /// What an answer means. The status line is the receiver's word; a body that is late or too long takes only its own
    /// words with it.
    fn judge(&self, notice: &NoticeId, answer: &Answer) -> Result<Taken, SendError> {
        let status = answer.status;
        let after = retry_after(&answer.headers, self.now());
        let unwell = || {
            let trouble = Trouble::Unwell { status, words: self.words(&answer.body) };
            Err(self.retry(notice, after, trouble.into()))
        };
        match status.as_u16() {
            200..=299 => Ok(taken(answer)),
            // Our own key, known already: an earlier attempt arrived and only its answer was lost.
            409 if names(answer, notice.as_str()) => Ok(taken(answer)),
            409 if after.is_some() => unwell(),
            // About our credentials and never about the notice: mended by a person, then it must still go out.
            401 | 403 | 407 => unwell(),
            408 | 425 | 429 => unwell(),
            400..=499 => Err(SendError::Refused {
                channel: self.channel.clone(),
                notice: notice.clone(),
                reason: format!("it answered {status}{}", self.words(&answer.body)),
            }),
            // 5xx; and a redirect, which is not followed: the receiver has not taken the notice, nor judged it.
            _ => unwell(),
        }
    }

    fn retry(&self, notice: &NoticeId, after: Option<Duration>, source: BoxError) -> SendError {
        SendError::Retry { channel: self.channel.clone(), notice: notice.clone(), after, source }
    }

    /// The first words of a body, for a person: one line, nothing secret, nothing that a terminal obeys.
    fn words(&self, body: &[u8]) -> String {
        let mut words = String::from_utf8_lossy(body.get(..body.len().min(1_024)).unwrap_or_default()).into_owned();
        for secret in self.hidden.iter().map(Secret::reveal).filter(|secret| !secret.is_empty()) {
            words = words.replace(secret, "(secret)");
        }
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let words: String = words.chars().filter(|c| !c.is_control()).take(WORDS_MAX).collect();
        if words.is_empty() { words } else { format!(": {words}") }
    }
}

/// Reads a body up to its limit, its end, its first error or the deadline, whichever is first.
async fn read(mut response: reqwest::Response, until: Instant) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < ANSWER_MAX {
        let Ok(Ok(Some(chunk))) = tokio::time::timeout_at(until, response.chunk()).await else { break };
        let room = ANSWER_MAX - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
    }
    body
}

/// The receiver's reference and coverage: `{"receipt": "R-1", "coverage": 0.97}`, or an `X-Receipt` header.
fn taken(answer: &Answer) -> Taken {
    let body: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
    let field = |name: &str| body.as_ref().and_then(|body| body.get(name));
    let reference = field("receipt").and_then(|receipt| match receipt {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    let header = || answer.headers.get("x-receipt").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let reference = reference.or_else(header).filter(|reference| !reference.is_empty());
    let coverage = field("coverage").and_then(serde_json::Value::as_f64).filter(|share| (0.0..=1.0).contains(share));
    Taken { reference, coverage }
}

/// Whether an answer speaks of our key.
fn names(answer: &Answer, key: &str) -> bool {
    let echoed = |name: &str| answer.headers.get(name).is_some_and(|value| *value == key_header_text(key));
    let told = String::from_utf8_lossy(&answer.body).contains(key);
    told || echoed("idempotency-key") || echoed("webhook-id")
}

/// Seconds, or an HTTP date against our own clock (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond();
    Some((Timestamp(at) - now).to_std())
}

/// A key as a header: visible ASCII as it stands, anything else percent-encoded, so that two keys never become one.
fn key_header_text(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    for byte in key.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// See [`key_header_text`].
pub(super) fn key_header(key: &NoticeId) -> HeaderValue {
    HeaderValue::from_str(&key_header_text(key.as_str())).expect("visible ASCII is a header's value")
}

/// Whether an address can't leave this machine.
pub(super) fn is_loopback(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    url.host_str().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const NOTICE: &str = "B-1@platform";

    fn check(status: u16, headers: &[(&'static str, &'static str)], body: &str, expected: &str) {
        // 1994-11-06T08:49:07Z: half a minute before the date of RFC 9110's example.
        let clock: WallClock = Arc::new(|| Timestamp(784_111_747_000));
        let hidden = vec![Secret::new("hunter2".to_owned())];
        let name = ChannelName::from("platform");
        let endpoint = Endpoint::new(&name, "http://127.0.0.1:9/", Duration::from_secs(1), &clock, hidden);
        let headers = headers
            .iter()
            .map(|(name, value)| (reqwest::header::HeaderName::from_static(name), HeaderValue::from_static(value)));
        let answer = Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: headers.collect(),
            body: body.as_bytes().to_vec(),
        };
        let said = match endpoint.expect("opens").judge(&NOTICE.into(), &answer) {
            Ok(Taken { reference, coverage }) => format!("taken {reference:?} {coverage:?}"),
            Err(ref error @ SendError::Retry { after, .. }) => format!("again {after:?} {}", error.reason()),
            Err(ref error @ SendError::Refused { .. }) => format!("refused {}", error.reason()),
        };
        assert_eq!(said, expected, "{status} {body}");
    }

    #[test]
    fn a_receipt_is_read_where_there_is_one() {
        check(200, &[], r#"{"receipt":"R-7","coverage":0.97}"#, r#"taken Some("R-7") Some(0.97)"#);
        check(202, &[("x-receipt", "R-8")], "", r#"taken Some("R-8") None"#);
        check(204, &[], "", "taken None None");
        check(200, &[], r#"{"receipt":7,"coverage":97}"#, r#"taken Some("7") None"#);
        check(200, &[], "<html>thanks</html>", "taken None None");
    }

    #[test]
    fn a_known_key_is_a_delivery_and_another_conflict_is_not() {
        check(409, &[("idempotency-key", NOTICE)], r#"{"receipt":"R-7"}"#, r#"taken Some("R-7") None"#);
        check(409, &[], "already have B-1@platform", "taken None None");
        check(409, &[], "no", "refused it answered 409 Conflict: no");
        check(409, &[("retry-after", "2")], "still at it", "again Some(2s) it answered 409 Conflict: still at it");
    }

    #[test]
    fn what_passes_is_tried_again_and_what_does_not_is_refused() {
        check(503, &[("retry-after", "7")], "", "again Some(7s) it answered 503 Service Unavailable");
        let date = [("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")];
        check(429, &date, "", "again Some(30s) it answered 429 Too Many Requests");
        check(500, &[("retry-after", "soon")], "", "again None it answered 500 Internal Server Error");
        check(408, &[], "", "again None it answered 408 Request Timeout");
        check(425, &[], "", "again None it answered 425 Too Early");
        check(401, &[], "hunter2 is old", "again None it answered 401 Unauthorized: (secret) is old");
        check(302, &[("location", "http://127.0.0.1/")], "", "again None it answered 302 Found");
        check(422, &[], "bad\n \u{1b}[31mpolygon", "refused it answered 422 Unprocessable Entity: bad [31mpolygon");
        check(410, &[], "", "refused it answered 410 Gone");
    }

    #[test]
    fn keys_never_meet_in_a_header() {
        assert_eq!(key_header_text("B-1@平 %"), "B-1@%E5%B9%B3%20%25");
    }
}
