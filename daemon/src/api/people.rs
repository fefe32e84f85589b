//! Accounts: who has one, and how an admin makes, changes and removes them. Each change is in the ledger before it is
//! done.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use watchfire_model::access::{Account, Kind, Role, Scope};
use watchfire_model::deed::Deed;
use watchfire_model::id::PersonId;
use watchfire_model::time::{Span, Timestamp};

use super::acts::{Why, record, record_soon};
use super::gate::Whence;
use super::paging::write;
use super::problem::{Problem, read_json};
use super::session::sealed;
use super::{Shared, State as Api};
use crate::access::change::Change;
use crate::access::secret::{self, Digest};
use crate::access::{Caller, NotLetIn};
use crate::storage::accounts::Token;

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    account: &'a Account,
    /// A machine's: whether it has a token.
    has_token: bool,
}

/// `GET /api/v1/people`: every account, by name.
pub(super) async fn list(shared: Api) -> Result<Response, Problem> {
    let accounts = shared.api.access.accounts();
    let items: Vec<Shown<'_>> =
        accounts.iter().map(|(account, has_token)| Shown { account, has_token: *has_token }).collect();
    write(&serde_json::json!({ "items": items }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    code: String,
    name: String,
    #[serde(default)]
    display: String,
    password: String,
}

/// `POST /api/v1/people/first`: the first account, an admin's, by the one-time code of the first start.
pub(super) async fn first(
    State(shared): State<Arc<Shared>>,
    Whence(address): Whence,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let First { code, name, display, password } = read_json(&body)?;
    sealed(&shared, address, headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()))?;
    let name = PersonId::from(name);
    let ready = shared.api.access.first(&code, name.clone(), display, password, address).await;
    if let Some(deed) = shared.api.access.turned_away() {
        record_soon(&shared, deed);
    }
    let ready = ready?;
    let why = "the first account, by the one-time code".to_owned();
    record(&shared, Deed { who: name, why, from: format!("{address} first start"), what: ready.done() }).await?;
    ready.carry_out().await.map_err(NotLetIn::from)?;
    if let Some(path) = &shared.api.first_code
        && let Err(error) = std::fs::remove_file(path)
    {
        tracing::warn!(%error, path = %path.display(), "the used one-time code's file could not be removed; it is void");
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    #[serde(default)]
    display: String,
    /// A person's; a machine has none.
    password: Option<String>,
    #[serde(default)]
    machine: bool,
    #[serde(default)]
    acts_for: bool,
    role: Role,
    scope: Scope,
    why: String,
}

/// `POST /api/v1/people`: a new account.
pub(super) async fn add(shared: Api, caller: Caller, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let New { name, display, password, machine, acts_for, role, scope, why } = read_json(&body)?;
    let why = Why::read(&why)?;
    let password = match (machine, password) {
        (true, None) => None,
        (false, Some(password)) if !acts_for => {
            sealed(&shared, caller.address, headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()))?;
            Some(shared.api.access.hash(&name, password).await?)
        }
        (true, Some(_)) => return Err(Problem::bad_request("a machine has a token and no `password`")),
        (false, None) => return Err(Problem::bad_request("a person has a `password`; a program is a `machine`")),
        (false, Some(_)) => return Err(Problem::bad_request("only a machine `acts_for` others")),
    };
    let kind = if machine { Kind::Machine { acts_for } } else { Kind::Person };
    let account = Account { name: PersonId::from(name), display, kind, role, scope };
    change(&shared, &caller, why, Change::Add { account, password }).await
}

async fn change(shared: &Arc<Shared>, caller: &Caller, why: Why, change: Change) -> Result<Response, Problem> {
    let ready = shared.api.access.prepare(change).await.map_err(NotLetIn::from)?;
    record(shared, why.deed(caller, ready.done())).await?;
    ready.carry_out().await.map_err(NotLetIn::from)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Only {
    why: String,
}

/// `POST /api/v1/people/{name}/remove`.
pub(super) async fn remove(
    shared: Api,
    Path(name): Path<String>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Problem> {
    let Only { why } = read_json(&body)?;
    change(&shared, &caller, Why::read(&why)?, Change::Remove(PersonId::from(name))).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRole {
    role: Role,
    why: String,
}

/// `POST /api/v1/people/{name}/role`.
pub(super) async fn role(
    shared: Api,
    Path(name): Path<String>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Problem> {
    let NewRole { role, why } = read_json(&body)?;
    change(&shared, &caller, Why::read(&why)?, Change::Role(PersonId::from(name), role)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewScope {
    scope: Scope,
    why: String,
}

/// `POST /api/v1/people/{name}/scope`.
pub(super) async fn scope(
    shared: Api,
    Path(name): Path<String>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Problem> {
    let NewScope { scope, why } = read_json(&body)?;
    change(&shared, &caller, Why::read(&why)?, Change::Scope(PersonId::from(name), scope)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    password: String,
    why: String,
}

/// `POST /api/v1/people/{name}/password`: another password for somebody; ends their sessions.
pub(super) async fn password(
    shared: Api,
    Path(name): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let NewPassword { password, why } = read_json(&body)?;
    sealed(&shared, caller.address, headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()))?;
    let why = Why::read(&why)?;
    let hash = shared.api.access.hash(&name, password).await?;
    change(&shared, &caller, why, Change::Password(PersonId::from(name), hash)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// Void after this many days; never where it is not given.
    days: Option<u16>,
    why: String,
}

/// `POST /api/v1/people/{name}/token`: a new token for a machine, told once; the one before it is void.
pub(super) async fn token(
    shared: Api,
    Path(name): Path<String>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Problem> {
    let NewToken { days, why } = read_json(&body)?;
    let why = Why::read(&why)?;
    let made = secret::token().map_err(NotLetIn::from)?;
    let until: Option<Timestamp> = days.map(|days| shared.now() + Span::hours(24 * i64::from(days)));
    let kept = Token { digest: Digest::of(&made), until };
    change(&shared, &caller, why, Change::Token(PersonId::from(name), kept)).await?;
    write(&serde_json::json!({ "token": made, "until": until }))
}
