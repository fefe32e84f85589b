//! How a person acts over HTTP: `POST /api/v1/warnings/{id}/{ack|release|cancel|correct}` becomes a command to the duty loop, and
//! is answered once the ledger holds it. Deeds beside the Desk go the same way.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use tokio::time::timeout;
use watchfire_model::access::Kind;
use watchfire_model::command::{Act, Command, Refusal};
use watchfire_model::deed::{Deed, Done};
use watchfire_model::id::{CommandId, PersonId, WarningId};

use super::paging::write;
use super::problem::{Problem, read_json};
use super::shown::{Alarms, summary};
use crate::access::Caller;
use crate::views::{Asked, Wish};

type Shared = State<Arc<super::Shared>>;
type Named = Path<String>;

/// Longest wait for room on the way to the duty loop, and for its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Longest wait for the view that shows what the act did.
const SHOWN_WITHIN: Duration = Duration::from_millis(500);
/// Longest name and longest reason, in characters.
pub(super) const WHO_MAX: usize = 100;
pub(super) const WHY_MAX: usize = 1_000;
/// Longest idempotency key, in bytes.
const KEY_MAX: usize = 128;

/// The body of an act.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wished {
    /// The person for whom a machine acts. A person acts as whoever they signed in as.
    who: Option<String>,
    /// Why.
    why: String,
    /// The version that was seen.
    version: u64,
}

/// `POST /api/v1/warnings/{id}/ack`.
pub(super) async fn acknowledge(shared: Shared, id: Named, asks: Asks, body: Bytes) -> Result<Response, Problem> {
    act(shared, id, asks, &body, |warning, version| Act::Acknowledge { warning, version }).await
}

/// `POST /api/v1/warnings/{id}/release`.
pub(super) async fn release(shared: Shared, id: Named, asks: Asks, body: Bytes) -> Result<Response, Problem> {
    act(shared, id, asks, &body, |warning, version| Act::Release { warning, version }).await
}

/// `POST /api/v1/warnings/{id}/cancel`.
pub(super) async fn cancel(shared: Shared, id: Named, asks: Asks, body: Bytes) -> Result<Response, Problem> {
    act(shared, id, asks, &body, |warning, version| Act::Cancel { warning, version }).await
}

/// `POST /api/v1/warnings/{id}/correct`.
pub(super) async fn correct(shared: Shared, id: Named, asks: Asks, body: Bytes) -> Result<Response, Problem> {
    act(shared, id, asks, &body, |warning, version| Act::Correct { warning, version }).await
}

async fn act(
    State(shared): Shared,
    Path(id): Named,
    asks: Asks,
    body: &[u8],
    act: impl FnOnce(WarningId, u64) -> Act,
) -> Result<Response, Problem> {
    let warning = WarningId::from(id);
    let wished: Wished = read_json(body)?;
    let act = act(warning.clone(), wished.version);
    carry_out(&shared, asks, wished.who.as_deref(), &wished.why, act).await?;
    let desk = shared.api.views.desk.borrow().clone();
    let outlooks = shared.api.views.outlooks.now().await;
    let known = Alarms::heading(&desk, &outlooks);
    let shown = desk.warnings.iter().find(|known| known.id == warning);
    write(&shown.map(|warning| summary(&shared.directory, &known, warning)))
}

/// Asks for an act, and waits until the ledger holds it and, for a moment, until the view shows it; gives its key.
pub(super) async fn carry_out(
    shared: &super::Shared,
    asks: Asks,
    who: Option<&str>,
    why: &str,
    act: Act,
) -> Result<CommandId, Problem> {
    let who = person(&asks.caller, who)?;
    let why = Why::read(why)?.0;
    let id = match asks.key {
        Some(key) => CommandId::from(key?),
        None => invented(shared, who.as_str(), &why, &act),
    };
    shared.api.access.touch(&asks.caller);
    let command = Command { id: id.clone(), who, why, from: asks.caller.from(), act };
    let mut desk = shared.api.views.desk.clone();
    desk.borrow_and_update();
    ask(shared, Wish::Command(command)).await?;
    // The view follows the answer by a moment; an act that changes nothing to see brings no new one.
    let _ = timeout(SHOWN_WITHIN, desk.changed()).await;
    Ok(id)
}

/// Who acts: whoever signed in, or the person whom a machine names that is trusted to.
pub(super) fn person(caller: &Caller, who: Option<&str>) -> Result<PersonId, Problem> {
    let account = &caller.account;
    match (account.kind, who) {
        (Kind::Machine { acts_for: true }, who) => said("who", who.unwrap_or_default(), WHO_MAX).map(PersonId::from),
        (Kind::Person | Kind::Machine { .. }, Some(who)) if who != account.name.as_str() => {
            let words = format!("you are signed in as \"{}\" and act as nobody else; leave `who` out", account.name);
            Err(Problem::new(StatusCode::FORBIDDEN, words))
        }
        (Kind::Person | Kind::Machine { .. }, _) => Ok(account.name.clone()),
    }
}

/// Asks the duty loop; answered once the ledger holds it.
async fn ask(shared: &super::Shared, wish: Wish) -> Result<(), Problem> {
    let gone = || {
        Problem::unavailable(
            "the duty loop does not answer; what was asked may still be done: look before asking again",
        )
    };
    let (answer, answered) = oneshot::channel();
    let sent = shared.api.views.commands.send_timeout(Asked { wish, answer }, ANSWER_WITHIN).await;
    sent.map_err(|_| Problem::unavailable("the duty loop takes no commands now; nothing was done"))?;
    timeout(ANSWER_WITHIN, answered).await.map_err(|_| gone())?.map_err(|_| gone())??;
    Ok(())
}

/// Has the ledger hold a deed before it is done.
pub(super) async fn record(shared: &super::Shared, deed: Deed) -> Result<(), Problem> {
    ask(shared, Wish::Deed(deed)).await
}

/// Has the ledger hold a deed that is done already, as soon as it can; nobody waits for it.
pub(super) fn record_soon(shared: &super::Shared, deed: Deed) {
    let (answer, _) = oneshot::channel();
    if let Err(error) = shared.api.views.commands.try_send(Asked { wish: Wish::Deed(deed), answer }) {
        tracing::error!(%error, "a deed could not be given to the ledger");
    }
}

/// Why something is done.
pub(super) struct Why(String);

impl Why {
    pub(super) fn read(text: &str) -> Result<Self, Problem> {
        said("why", text, WHY_MAX).map(Self)
    }
    pub(super) fn text(self) -> String {
        self.0
    }
    pub(super) fn deed(self, caller: &Caller, what: Done) -> Deed {
        Deed { who: caller.account.name.clone(), why: self.0, from: caller.from(), what }
    }
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
fn invented(shared: &super::Shared, who: &str, why: &str, act: &Act) -> CommandId {
    let mut hash = Sha256::new();
    for part in [who, why, &format!("{act:?}"), &shared.now().0.to_string()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let hex: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    CommandId::from(format!("http-{hex}"))
}

/// Who asks, and under which key.
pub(super) struct Asks {
    pub(super) caller: Caller,
    key: Option<Result<String, Problem>>,
}

impl<S: Sync> axum::extract::FromRequestParts<S> for Asks {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        Ok(Self { caller: Caller::from_request_parts(parts, state).await?, key: key(&parts.headers) })
    }
}

fn key(headers: &HeaderMap) -> Option<Result<String, Problem>> {
    let value = headers.get("idempotency-key")?;
    let text = value.to_str().ok().map(str::trim).filter(|text| !text.is_empty() && text.len() <= KEY_MAX);
    let bad =
        || Problem::new(StatusCode::BAD_REQUEST, format!("Idempotency-Key is 1 to {KEY_MAX} visible ASCII characters"));
    Some(text.map(str::to_owned).ok_or_else(bad))
}
