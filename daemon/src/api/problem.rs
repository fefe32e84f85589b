//! How a refusal is worded: problem+json (RFC 9457), from our own refusals and from whatever the HTTP library refuses.

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use watchfire_model::command::Refusal;

use crate::access::NotLetIn;
use crate::access::change::Refused;

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A refusal, complete.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    /// The Desk's own refusal, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Refused");
        Self { kind: "about:blank", title, status: status.as_u16(), detail: detail.into(), refusal: None }
    }
    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
    pub(super) fn not_found(what: &str, id: &str) -> Self {
        let id: String = id.chars().take(128).collect();
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what} \"{id}\""))
    }
    /// Who asks has not proven who they are.
    pub(super) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }
    /// Our own trouble, not the asker's; worth trying again.
    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::Unknown { .. } => StatusCode::NOT_FOUND,
            Refusal::Anonymous { .. } => StatusCode::BAD_REQUEST,
            Refusal::Stale { .. } | Refusal::NotNow { .. } | Refusal::SamePerson { .. } => StatusCode::CONFLICT,
        };
        Self { refusal: Some(refusal.clone()), ..Self::new(status, refusal.to_string()) }
    }
}

impl From<NotLetIn> for Problem {
    fn from(why: NotLetIn) -> Self {
        let status = match &why {
            NotLetIn::Wrong | NotLetIn::WrongCode => StatusCode::UNAUTHORIZED,
            NotLetIn::Later(_) => StatusCode::TOO_MANY_REQUESTS,
            NotLetIn::Refused(Refused::NoSuch(_)) => StatusCode::NOT_FOUND,
            NotLetIn::Refused(Refused::Poor(_)) => StatusCode::BAD_REQUEST,
            NotLetIn::Refused(Refused::Not(_) | Refused::NoAccountsHere) => StatusCode::CONFLICT,
            NotLetIn::Refused(Refused::Unkept(_) | Refused::Stopped)
            | NotLetIn::Unlooked(_)
            | NotLetIn::NoEntropy(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(error = &why as &dyn std::error::Error, "an account could not be looked at or changed");
        }
        Self::new(status, why.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The answer where nothing is.
pub(super) async fn no_such_path(request: Request) -> Problem {
    Problem::not_found("path", request.uri().path())
}

/// The answer where something is, but not for this method.
pub(super) async fn no_such_method(request: Request) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{} can't be asked here", request.method()))
}

/// Words a refusal of the HTTP library's own (a query or a body it can't read) as a problem; its text is the detail.
pub(super) async fn dress(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let plain =
        response.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || !plain {
        return response;
    }
    let (head, body) = response.into_parts();
    let text = axum::body::to_bytes(body, 4_096).await.unwrap_or_default();
    let detail = String::from_utf8_lossy(&text).trim().to_owned();
    let detail = if detail.is_empty() { status.canonical_reason().unwrap_or("refused").to_owned() } else { detail };
    let mut dressed = Problem::new(status, detail).into_response();
    for (name, value) in &head.headers {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            dressed.headers_mut().insert(name, value.clone());
        }
    }
    dressed
}

/// A body that can be looked at before it is taken apart.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::bad_request(format!("the body can't be read: {error}")))
}

/// JSON that has been written already.
pub(super) fn json(text: String) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], Body::from(text)).into_response()
}
