//! How the command line asks a running daemon.

use std::error::Error as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{exit, kept};

/// Longest wait for a connection, and for an answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Pages of a list that are asked for: beyond it a person looks for something else than a list.
const PAGES_MAX: usize = 50;

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// No daemon, or one that can't answer now.
    #[error("no answer from {url}: {why}")]
    Unreachable { url: String, why: String },
    /// It was heard and refused.
    #[error("refused: {detail}")]
    Refused { detail: String },
    /// The daemon does not know who asks.
    #[error("refused: {detail}\nhint: watchfire login NAME, or --token-file FILE with a machine's token")]
    Unknown { detail: String },
    /// The command line's own files.
    #[error("cannot {doing} {}: {source}", .path.display())]
    File { doing: &'static str, path: PathBuf, source: std::io::Error },
}

impl Failed {
    /// Says it on stderr, and gives the code to end with.
    pub(crate) fn said(&self) -> ExitCode {
        eprintln!("error: {self}");
        ExitCode::from(match self {
            Self::Unreachable { .. } => exit::UNREACHABLE,
            Self::Refused { .. } | Self::Unknown { .. } => exit::FINDINGS,
            Self::File { .. } => exit::USAGE,
        })
    }
}

/// Which daemon, and as whom.
#[derive(Clone, Debug, clap::Args)]
pub struct Reach {
    /// The daemon's address.
    #[arg(long, env = "WATCHFIRE_URL", default_value = "http://127.0.0.1:8420", global = true)]
    pub url: String,
    /// A file with the token to use; by default the one that `watchfire login` keeps.
    #[arg(long, env = "WATCHFIRE_TOKEN_FILE", value_name = "FILE", global = true)]
    pub token_file: Option<PathBuf>,
}

impl Reach {
    /// A way to the daemon, as whoever the token is.
    pub(crate) fn client(&self) -> Result<Client, Failed> {
        let token = match &self.token_file {
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|source| Failed::File { doing: "read", path: path.clone(), source })?;
                text.lines().next().map(|line| line.trim().to_owned())
            }
            None => kept::token(&self.url),
        };
        Client::new(&self.url, token)
    }
}

/// A daemon, by its address.
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
}

/// What an act says besides: for whom, where a machine acts for people, and why.
pub(in crate::cli) fn wished(mut body: Value, who: Option<&str>, why: &str) -> Value {
    if let Some(who) = who {
        body["who"] = who.into();
    }
    body["why"] = why.into();
    body
}

impl Client {
    pub(crate) fn new(url: &str, token: Option<String>) -> Result<Self, Failed> {
        let unreachable = |why: String| Failed::Unreachable { url: url.to_owned(), why };
        let base = Url::parse(url).map_err(|error| unreachable(error.to_string()))?;
        if base.cannot_be_a_base() || !matches!(base.scheme(), "http" | "https") {
            return Err(unreachable("an address begins with http:// or https://".to_owned()));
        }
        // The daemon is asked itself: a proxy for the outside has no business in between.
        let http = reqwest::Client::builder().connect_timeout(CONNECT_WITHIN).timeout(ANSWER_WITHIN).no_proxy().build();
        Ok(Self { http: http.map_err(|error| unreachable(innermost(&error)))?, base, token })
    }

    /// All of a list, page by page, the highest grade first.
    pub(crate) async fn pages(&self, list: &str, chosen: Option<(&str, &str)>) -> Result<Vec<Value>, Failed> {
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
    pub(crate) async fn one(&self, path: &[&str]) -> Result<Value, Failed> {
        self.answer(self.http.get(self.at(path))).await
    }

    /// Acts; answers with what was acted on as it stands after it.
    pub(crate) async fn act(&self, path: &[&str], act: &str, body: &Value) -> Result<Value, Failed> {
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

    /// What is at a path.
    pub(crate) async fn get(&self, path: &[&str]) -> Result<Value, Failed> {
        self.answer(self.http.get(self.at(path))).await
    }

    /// Sends a wish to a path; an answer without a body is null.
    pub(crate) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, Failed> {
        self.answer(self.http.post(self.at(path)).json(body)).await
    }

    /// The same, to a path that stands by itself.
    pub(crate) async fn post_plain(&self, path: &[&str], body: &Value) -> Result<Value, Failed> {
        self.answer(self.http.post(self.under(path)).json(body)).await
    }

    fn at(&self, path: &[&str]) -> Url {
        self.under(&[&["api", "v1"], path].concat())
    }

    fn under(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, Failed> {
        let unreachable = |why: String| Failed::Unreachable { url: self.base.to_string(), why };
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = request.send().await.map_err(|error| unreachable(innermost(&error)))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| unreachable(innermost(&error)))?;
        let value: Option<Value> = serde_json::from_str(&text).ok();
        let detail = value.as_ref().and_then(|problem| problem["detail"].as_str()).map(str::to_owned);
        match value {
            Some(value) if status.is_success() => Ok(value),
            None if status == StatusCode::NO_CONTENT => Ok(Value::Null),
            _ if status.is_success() => Err(unreachable("what answers there is not watchfire".to_owned())),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => {
                Err(unreachable(detail.unwrap_or_else(|| status.to_string())))
            }
            _ => match detail {
                Some(detail) if status == StatusCode::UNAUTHORIZED => Err(Failed::Unknown { detail }),
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
