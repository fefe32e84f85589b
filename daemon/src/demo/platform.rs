//! A dissemination platform on loopback that receives: takes CAP by POST, knows a key it has seen, answers with a receipt.
//! The demo warns into it, and tests make it misbehave; what it counts is the receiver's own truth.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::cap::{MESSAGE_MAX, Message};

/// Messages kept; beyond it new ones are turned away with 507.
const KEPT: usize = 100_000;

/// The share of the people that this platform says it has reached.
const COVERAGE: f64 = 0.96;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A message taken, once for each key.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// The key it came under.
    pub key: String,
    /// Our number for it.
    pub receipt: String,
    /// How often it came.
    pub times: u64,
    /// What it says.
    pub message: Message,
}

/// What has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Every request to `/cap`.
    pub posts: u64,
    /// Messages taken, each key once.
    pub unique: u64,
    /// Messages whose key was known.
    pub duplicates: u64,
    /// Turned away as no CAP, without a key, or under a key of another message.
    pub refused: u64,
    /// Updates and cancels taken that refer to something never received.
    pub dangling: u64,
}

/// A way to misbehave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers with a status, without looking at the message.
    Status {
        /// The status.
        status: u16,
        /// Seconds after which to come back, where it says so.
        retry_after: Option<u64>,
    },
    /// Sends elsewhere.
    Redirect(String),
    /// Takes the message and never answers: the reply is lost.
    Swallow,
    /// Neither looks nor answers.
    Hang,
    /// Takes the message after a while.
    Delay(Duration),
    /// Takes the message and answers with its receipt and then blanks without end.
    Endless,
}

/// The platform, running until it is dropped.
#[derive(Debug)]
pub struct Platform {
    address: SocketAddr,
    desk: Arc<Desk>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Desk {
    book: Mutex<Book>,
    counts: watch::Sender<Counts>,
}

#[derive(Debug, Default)]
struct Book {
    received: Vec<Received>,
    by_key: BTreeMap<String, usize>,
    /// What it does next, and how often still; `None` = until told otherwise.
    fault: Option<(Fault, Option<u64>)>,
}

impl Platform {
    /// Starts to receive on `listener`.
    pub fn start(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let desk = Arc::new(Desk { book: Mutex::default(), counts: watch::Sender::default() });
        let stop = CancellationToken::new();
        let app = Router::new()
            .route("/cap", post(take))
            .route("/received", get(list))
            .layer(DefaultBodyLimit::max(MESSAGE_MAX))
            .with_state(Arc::clone(&desk));
        let serving = axum::serve(listener, app).with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::spawn(serving.into_future());
        Ok(Self { address, desk, stop })
    }

    /// Where to post.
    pub fn url(&self) -> String {
        format!("http://{}/cap", self.address)
    }

    /// What has come so far.
    pub fn counts(&self) -> Counts {
        *self.desk.counts.borrow()
    }

    /// Waits until the counts are as wished.
    pub async fn until(&self, wished: impl FnMut(&Counts) -> bool) -> Counts {
        let mut seen = self.desk.counts.subscribe();
        // The sender lives as long as we do.
        let counts = seen.wait_for(wished).await;
        counts.map_or_else(|_| self.counts(), |counts| *counts)
    }

    /// Every message taken, in order.
    pub fn received(&self) -> Vec<Received> {
        self.desk.book().received.clone()
    }

    /// Identifiers taken, in order, by warning and by channel (a key ends in `@channel`).
    pub fn by_warning(&self) -> BTreeMap<(String, String), Vec<String>> {
        let mut sorted: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for Received { key, message, .. } in &self.desk.book().received {
            let channel = key.rsplit_once('@').map_or("", |(_, channel)| channel).to_owned();
            sorted.entry((message.incidents.clone(), channel)).or_default().push(message.identifier.clone());
        }
        sorted
    }

    /// Misbehaves for the next `times` requests.
    pub fn misbehave(&self, fault: Fault, times: u64) {
        self.desk.book().fault = Some((fault, Some(times)));
    }

    /// Misbehaves until told to [`behave`](Self::behave).
    pub fn misbehave_for_good(&self, fault: Fault) {
        self.desk.book().fault = Some((fault, None));
    }

    /// Behaves again.
    pub fn behave(&self) {
        self.desk.book().fault = None;
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Desk {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Files a message: a known key is answered as the first time and filed no second time.
    fn file(&self, headers: &HeaderMap, body: &[u8]) -> Response {
        let refuse = |status: StatusCode, why: &str| {
            self.counts.send_modify(|counts| counts.refused += 1);
            (status, why.to_owned()).into_response()
        };
        let Some(key) = headers.get(IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok()) else {
            return refuse(StatusCode::BAD_REQUEST, "an Idempotency-Key is needed");
        };
        let read = std::str::from_utf8(body).map_err(|error| error.to_string());
        let message = match read.and_then(|text| Message::read(text).map_err(|error| error.to_string())) {
            Ok(message) => message,
            Err(why) => return refuse(StatusCode::UNPROCESSABLE_ENTITY, &why),
        };
        let mut book = self.book();
        if let Some(known) = book.by_key.get(key).copied().and_then(|place| book.received.get_mut(place)) {
            if known.message != message {
                return refuse(StatusCode::UNPROCESSABLE_ENTITY, "the key belongs to another message");
            }
            known.times += 1;
            self.counts.send_modify(|counts| counts.duplicates += 1);
            return receipt(&known.receipt, key);
        }
        if book.received.len() >= KEPT {
            return refuse(StatusCode::INSUFFICIENT_STORAGE, "the book is full");
        }
        let number = format!("R-{:06}", book.received.len() + 1);
        let known = |id: &String| book.received.iter().any(|earlier| earlier.message.identifier == *id);
        let dangles = !message.references.iter().all(known);
        let place = book.received.len();
        book.by_key.insert(key.to_owned(), place);
        book.received.push(Received { key: key.to_owned(), receipt: number.clone(), times: 1, message });
        self.counts.send_modify(|counts| {
            counts.unique += 1;
            counts.dangling += u64::from(dangles);
        });
        receipt(&number, key)
    }

    /// What to do wrong with this request.
    fn next_fault(&self) -> Option<Fault> {
        let mut book = self.book();
        let (fault, left) = book.fault.take()?;
        match left {
            None => book.fault = Some((fault.clone(), None)),
            Some(0) => return None,
            Some(left) => book.fault = (left > 1).then(|| (fault.clone(), Some(left - 1))),
        }
        Some(fault)
    }
}

/// `{"receipt": "R-000123", "coverage": 0.96}`, the key given back.
fn receipt(number: &str, key: &str) -> Response {
    let mut response = Json(json!({ "receipt": number, "coverage": COVERAGE })).into_response();
    if let Ok(key) = HeaderValue::from_str(key) {
        response.headers_mut().insert(IDEMPOTENCY_KEY, key);
    }
    response
}

async fn take(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response {
    desk.counts.send_modify(|counts| counts.posts += 1);
    match desk.next_fault() {
        None => desk.file(&headers, &body),
        Some(Fault::Status { status, retry_after }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = status.into_response();
            if let Some(seconds) = retry_after {
                response.headers_mut().insert("retry-after", HeaderValue::from(seconds));
            }
            response
        }
        Some(Fault::Redirect(to)) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)], "over there").into_response(),
        Some(Fault::Swallow) => {
            desk.file(&headers, &body);
            std::future::pending().await
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Delay(pause)) => {
            tokio::time::sleep(pause).await;
            desk.file(&headers, &body)
        }
        Some(Fault::Endless) => {
            let (mut head, body) = desk.file(&headers, &body).into_parts();
            let beginning = axum::body::to_bytes(body, MESSAGE_MAX).await.unwrap_or_default();
            head.headers.remove("content-length");
            let endless =
                stream::iter(std::iter::once(beginning).chain(std::iter::repeat(Bytes::from_static(&[b' '; 1_024]))));
            Response::from_parts(head, Body::from_stream(endless.map(Ok::<_, io::Error>)))
        }
    }
}

async fn list(State(desk): State<Arc<Desk>>) -> Json<Vec<Received>> {
    Json(desk.book().received.clone())
}
