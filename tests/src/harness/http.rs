//! Asking HTTP servers from a test that knows nothing of async.

use std::sync::{Once, OnceLock};
use std::time::Duration;

use tokio::runtime::Runtime;

/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(1).enable_all().build().expect("a runtime of one thread can be built")
    })
}

fn client() -> &'static reqwest::Client {
    static PROVIDER: Once = Once::new();
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    PROVIDER.call_once(|| {
        // An error means that one is named already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    CLIENT.get_or_init(|| {
        // Each request has a connection of its own: one kept from before a server went down would fail the next.
        let client = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().pool_max_idle_per_host(0);
        client.build().expect("a client without options can be built")
    })
}

fn ask(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    runtime().block_on(async {
        let response = request.send().await?;
        let status = response.status().as_u16();
        Ok(Answer { status, body: response.bytes().await?.to_vec() })
    })
}

/// GET.
pub fn get(url: &str) -> Result<Answer, reqwest::Error> {
    ask(client().get(url))
}

/// DELETE.
pub fn delete(url: &str) -> Result<Answer, reqwest::Error> {
    ask(client().delete(url))
}

/// GET under a token or a session's key.
pub fn get_as(token: &str, url: &str) -> Result<Answer, reqwest::Error> {
    ask(client().get(url).bearer_auth(token))
}

/// POST of a body under a content type.
pub fn post(url: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Result<Answer, reqwest::Error> {
    ask(client().post(url).header("content-type", content_type).body(body.into()))
}

/// POST of JSON under a token or a session's key.
pub fn post_as(token: &str, url: &str, body: &serde_json::Value) -> Result<Answer, reqwest::Error> {
    ask(client().post(url).bearer_auth(token).json(body))
}

/// POST of JSON under an idempotency key.
pub fn post_json(url: &str, key: &str, body: &serde_json::Value) -> Result<Answer, reqwest::Error> {
    ask(client().post(url).header("idempotency-key", key).json(body))
}
