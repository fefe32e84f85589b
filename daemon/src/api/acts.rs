//! How a person acts over HTTP: `POST /api/v1/warnings/{id}/{ack|release|cancel}` becomes a command to the duty loop, and
//! is answered once the ledger holds it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use tokio::time::timeout;
use watchfire_model::command::{Act, Command, Refusal};
use watchfire_model::id::{CommandId, PersonId, WarningId};

use super::Shared;
use super::listener::Peer;
use super::paging::write;
use super::problem::{Problem, read_json};
use super::shown::{Alarms, summary};
use crate::views::Asked;

/// Longest wait for room on the way to the duty loop, and for its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Longest wait for the view that shows what the act did.
const SHOWN_WITHIN: Duration = Duration::from_millis(500);
/// Longest name and longest reason, in characters.
pub(super) const WHO_MAX: usize = 100;
const WHY_MAX: usize = 1_000;
/// Longest idempotency key, in bytes.
const KEY_MAX: usize = 128;

/// The body of an act.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// A named person.
    who: String,
    /// Why.
    why: String,
    /// The version that was seen.
    version: u64,
}

/// `POST /api/v1/warnings/{id}/{act}`.
pub(super) async fn act(
    State(shared): State<Arc<Shared>>,
    Path((id, act)): Path<(String, String)>,
    parts: Caller,
    body: Bytes,
) -> Result<Response, Problem> {
    let warning = WarningId::from(id.as_str());
    let wish: Wish = read_json(&body)?;
    let version = wish.version;
    let act = match act.as_str() {
        "ack" => Act::Acknowledge { warning: warning.clone(), version },
        "release" => Act::Release { warning: warning.clone(), version },
        "cancel" => Act::Cancel { warning: warning.clone(), version },
        other => return Err(Problem::not_found("act", other)),
    };
    carry_out(&shared, parts, &wish.who, &wish.why, act).await?;
    let desk = shared.api.views.desk.borrow().clone();
    let known = Alarms::of(&desk);
    let shown = desk.warnings.iter().find(|known| known.id == warning);
    write(&shown.map(|warning| summary(&shared.directory, &known, warning)))
}

/// Asks for an act in a person's name, and waits until the ledger holds it.
pub(super) async fn carry_out(shared: &Shared, caller: Caller, who: &str, why: &str, act: Act) -> Result<(), Problem> {
    let who = said("who", who, WHO_MAX)?;
    let why = said("why", why, WHY_MAX)?;
    let id = match caller.key {
        Some(key) => CommandId::from(key?),
        None => invented(shared, &who, &why, &act),
    };
    ask(shared, Command { id, who: PersonId::from(who), why, from: caller.from, act }).await
}

async fn ask(shared: &Shared, command: Command) -> Result<(), Problem> {
    let gone = || {
        Problem::unavailable(
            "the duty loop does not answer; what was asked may still be done: look before asking again",
        )
    };
    let mut desk = shared.api.views.desk.clone();
    desk.borrow_and_update();
    let (answer, answered) = oneshot::channel();
    let sent = shared.api.views.commands.send_timeout(Asked { command, answer }, ANSWER_WITHIN).await;
    sent.map_err(|_| Problem::unavailable("the duty loop takes no commands now; nothing was done"))?;
    timeout(ANSWER_WITHIN, answered).await.map_err(|_| gone())?.map_err(|_| gone())??;
    // The view follows the answer by a moment; an act that changes nothing to see brings no new one.
    let _ = timeout(SHOWN_WITHIN, desk.changed()).await;
    Ok(())
}

/// A name or a reason: there, not too long, and on one line of the ledger's reader.
pub(super) fn said(what: &str, text: &str, longest: usize) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::Anonymous { what: what.to_owned() }.into());
    }
    if text.chars().count() > longest {
        return Err(Problem::bad_request(format!("`{what}` is longer than {longest} characters")));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Problem::bad_request(format!("`{what}` holds control characters")));
    }
    Ok(text.to_owned())
}

/// A key for who sent none: the same wish at the same moment is one act; the same wish later is another.
fn invented(shared: &Shared, who: &str, why: &str, act: &Act) -> CommandId {
    let mut hash = Sha256::new();
    for part in [who, why, &format!("{act:?}"), &shared.now().0.to_string()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let hex: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    CommandId::from(format!("http-{hex}"))
}

/// What the request says of who sends it.
pub(super) struct Caller {
    from: String,
    key: Option<Result<String, Problem>>,
}

impl<S: Sync> axum::extract::FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self { from: peer(&parts.extensions), key: key(&parts.headers) })
    }
}

fn peer(extensions: &Extensions) -> String {
    extensions.get::<ConnectInfo<Peer>>().map_or_else(|| "http".to_owned(), |ConnectInfo(peer)| peer.0.ip().to_string())
}

fn key(headers: &HeaderMap) -> Option<Result<String, Problem>> {
    let value = headers.get("idempotency-key")?;
    let text = value.to_str().ok().map(str::trim).filter(|text| !text.is_empty() && text.len() <= KEY_MAX);
    let bad =
        || Problem::new(StatusCode::BAD_REQUEST, format!("Idempotency-Key is 1 to {KEY_MAX} visible ASCII characters"));
    Some(text.map(str::to_owned).ok_or_else(bad))
}
