//! How the command line asks a running daemon.

use std::error::Error as _;
use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Longest wait for a connection, and for an answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Pages of a list that are asked for: beyond it a person looks for something else than a list.
const PAGES_MAX: usize = 50;

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Failed {
    /// No daemon, or one that can't answer now.
    #[error("no answer from {url}: {why}")]
    Unreachable { url: String, why: String },
    /// It was heard and refused.
    #[error("refused: {detail}")]
    Refused { detail: String },
}

/// A daemon, by its address.
pub(in crate::cli) struct Client {
    http: reqwest::Client,
    base: Url,
}

impl Client {
    pub(in crate::cli) fn new(url: &str) -> Result<Self, Failed> {
        let unreachable = |why: String| Failed::Unreachable { url: url.to_owned(), why };
        let base = Url::parse(url).map_err(|error| unreachable(error.to_string()))?;
        if base.cannot_be_a_base() || !matches!(base.scheme(), "http" | "https") {
            return Err(unreachable("an address begins with http:// or https://".to_owned()));
        }
        // The daemon is asked itself: a proxy for the outside has no business in between.
        let http = reqwest::Client::builder().connect_timeout(CONNECT_WITHIN).timeout(ANSWER_WITHIN).no_proxy().build();
        Ok(Self { http: http.map_err(|error| unreachable(innermost(&error)))?, base })
    }

    /// All of a list, page by page, the highest grade first.
    pub(in crate::cli) async fn pages(&self, list: &str, chosen: Option<(&str, &str)>) -> Result<Vec<Value>, Failed> {
        let mut items = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut url = self.at(&[list]);
            url.query_pairs_mut().append_pair("limit", "1000").extend_pairs(chosen);
            if let Some(after) = &after {
                url.query_pairs_mut().append_pair("after", after);
            }
            let mut page = self.answer(self.http.get(url)).await?;
            if let Some(more) = page["items"].as_array_mut() {
                items.append(more);
            }
            match page["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => break,
            }
        }
        Ok(items)
    }

    /// One warning or alarm, whole.
    pub(in crate::cli) async fn one(&self, path: &[&str]) -> Result<Value, Failed> {
        self.answer(self.http.get(self.at(path))).await
    }

    /// Acts; answers with what was acted on as it stands after it.
    pub(in crate::cli) async fn act(&self, path: &[&str], act: &str, body: &Value) -> Result<Value, Failed> {
        // One call is one act, however often the network repeats it: the daemon's own time and our process make the key.
        let health = self.answer(self.http.get(self.at(&["health"]))).await?;
        let mut hash = Sha256::new();
        for part in
            [&path.join("/"), act, &body.to_string(), &health["now"].to_string(), &std::process::id().to_string()]
        {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let key: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let request = self.http.post(self.at(&[path, &[act]].concat())).json(body);
        self.answer(request.header("Idempotency-Key", format!("cli-{key}"))).await
    }

    fn at(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, Failed> {
        let unreachable = |why: String| Failed::Unreachable { url: self.base.to_string(), why };
        let response = request.send().await.map_err(|error| unreachable(innermost(&error)))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| unreachable(innermost(&error)))?;
        let value: Option<Value> = serde_json::from_str(&text).ok();
        let detail = value.as_ref().and_then(|problem| problem["detail"].as_str()).map(str::to_owned);
        match value {
            Some(value) if status.is_success() => Ok(value),
            _ if status.is_success() => Err(unreachable("what answers there is not watchfire".to_owned())),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => {
                Err(unreachable(detail.unwrap_or_else(|| status.to_string())))
            }
            _ => match detail {
                Some(detail) => Err(Failed::Refused { detail }),
                None => Err(unreachable(format!("{status}; what answers there is not watchfire"))),
            },
        }
    }
}

/// The cause that says most: `Connection refused` rather than `error sending request`.
fn innermost(error: &reqwest::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words = cause.to_string();
        source = cause.source();
    }
    words
}
