//! The console's files, from the binary itself.

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use watchfire_dashboards::Asset;

use super::problem::Problem;

/// A file of the console, or a problem.
pub(super) async fn console(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return super::problem::no_such_method(request).await.into_response();
    }
    let path = request.uri().path();
    let Some(Asset { bytes, kind, tag }) = watchfire_dashboards::console(path) else {
        return Problem::not_found("path", path).into_response();
    };
    let tag = format!("\"{tag:016x}\"");
    let unchanged = request.headers().get(header::IF_NONE_MATCH).is_some_and(|seen| seen.as_bytes() == tag.as_bytes());
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::ETAG, HeaderValue::from_str(&tag).expect("a quoted number is visible ASCII")),
        // Asked again each time, answered from the tag: a new version is in use at the next look.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    if unchanged { (StatusCode::NOT_MODIFIED, headers).into_response() } else { (headers, bytes).into_response() }
}
