//! Signing in and out, and who one is: `/api/v1/session`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use watchfire_model::access::{Account, Kind, Right};
use watchfire_model::deed::{Deed, Done};

use super::acts::{Why, record, record_soon};
use super::gate::{COOKIE, Perhaps, Whence, cookie};
use super::guard;
use super::paging::write;
use super::problem::{Problem, read_json};
use super::{Shared, State as Api};
use crate::access::change::{Change, Refused};
use crate::access::secret::Digest;
use crate::access::session::Means;
use crate::access::{By, Caller, LetIn, NotLetIn};
use crate::metrics::door::SignIn;

/// The body of a sign-in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    password: String,
    /// The key in the answer, for a program, instead of in a cookie.
    #[serde(default)]
    bearer: bool,
}

/// Who one is here.
#[derive(Serialize)]
struct Shown<'a> {
    account: Option<&'a Account>,
    rights: Vec<Right>,
    /// By what means: `console`, `cli`, `token`, `anonymous`, `demo`.
    by: Option<&'static str>,
    /// Whether acts are done for a person that each act names.
    acts_for: bool,
    /// Whether the password is due again before an act.
    idle: bool,
    /// Whether the first account is still to be made, by the one-time code.
    first: bool,
    /// The key of a new session, told once to who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

fn shown(shared: &Shared, caller: Option<&Caller>, key: Option<&str>) -> Result<Response, Problem> {
    let by = caller.map(|caller| match caller.by {
        By::Session { means, .. } => means.word(),
        By::Token => "token",
        By::Nothing => "anonymous",
        By::Demo => "demo",
    });
    let account = caller.map(|caller| &*caller.account);
    let rights = account.map(|account| Right::ALL.iter().copied().filter(|right| account.role.has(*right)).collect());
    write(&Shown {
        account,
        rights: rights.unwrap_or_default(),
        by,
        acts_for: account.is_some_and(|account| account.kind == Kind::Machine { acts_for: true }),
        idle: caller.is_some_and(|caller| matches!(caller.by, By::Session { idle: true, .. })),
        first: shared.api.access.awaits_first(),
        key,
    })
}

/// `GET /api/v1/session`: who one is, nobody included.
pub(super) async fn show(State(shared): State<Arc<Shared>>, Perhaps(caller): Perhaps) -> Result<Response, Problem> {
    shown(&shared, caller.as_ref(), None)
}

/// `POST /api/v1/session`: signs in.
pub(super) async fn sign_in(
    State(shared): State<Arc<Shared>>,
    Whence(address): Whence,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let Named { name, password, bearer } = read_json(&body)?;
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    sealed(&shared, address, origin)?;
    let means = if bearer { Means::Cli } else { Means::Console };
    if means == Means::Console && origin.is_none() {
        let words = "a cookie is for a page's browser, which says where the page is from; a program asks for `bearer`";
        return Err(Problem::new(StatusCode::FORBIDDEN, words));
    }
    let before = cookie(&headers).map(|key| Digest::of(&key));
    let let_in = shared.api.access.sign_in(&name, password, address, means, before).await;
    shared.api.metrics.sign_in(match &let_in {
        Ok(_) => SignIn::LetIn,
        Err(NotLetIn::Later(_)) => SignIn::Delayed,
        Err(_) => SignIn::Failed,
    });
    if let Some(deed) = shared.api.access.turned_away() {
        record_soon(&shared, deed);
    }
    let LetIn { key, caller } = let_in?;
    let (who, why) = (caller.account.name.clone(), "by password".to_owned());
    record_soon(&shared, Deed { who, why, from: caller.from(), what: Done::SignedIn });
    if bearer {
        return shown(&shared, Some(&caller), Some(&key));
    }
    let secure = if origin.is_some_and(|origin| origin.starts_with("https://")) { "; Secure" } else { "" };
    let mut response = shown(&shared, Some(&caller), None)?;
    bake(&mut response, &format!("{COOKIE}={key}; Path=/; HttpOnly; SameSite=Strict{secure}"))?;
    Ok(response)
}

fn bake(response: &mut Response, cookie: &str) -> Result<(), Problem> {
    let cookie = HeaderValue::from_str(cookie).map_err(|_| Problem::unavailable("no cookie could be made"))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(())
}

/// A password crosses a network only under TLS, unless the site has written that it need not. We speak plain HTTP: who
/// comes from another machine has none, and who comes from this one by a proxy is as safe as the page's address says.
pub(super) fn sealed(shared: &Shared, address: IpAddr, origin: Option<&str>) -> Result<(), Problem> {
    let plain = origin.and_then(|origin| origin.strip_prefix("http://")).is_some_and(|host| !guard::is_loopback(host));
    if (address.is_loopback() && !plain) || address.is_unspecified() || shared.api.access.config().plain_http {
        return Ok(());
    }
    let words = "a password is not taken over plain HTTP from another machine: put TLS in front, or write \
                 `plain_http = true` under [access]";
    Err(Problem::new(StatusCode::FORBIDDEN, words))
}

/// `POST /api/v1/session/here`: somebody is at the screen.
pub(super) async fn here(shared: Api, caller: Caller) -> Result<Response, Problem> {
    shared.api.access.touch(&caller);
    shown(&shared, Some(&caller), None)
}

/// `POST /api/v1/session/end`: signs out.
pub(super) async fn sign_out(State(shared): State<Arc<Shared>>, Perhaps(caller): Perhaps) -> Result<Response, Problem> {
    if let Some(caller) = caller.filter(Caller::is_proven) {
        shared.api.access.sign_out(&caller).await;
        let (who, why) = (caller.account.name.clone(), "signed out".to_owned());
        record_soon(&shared, Deed { who, why, from: caller.from(), what: Done::SignedOut });
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    bake(&mut response, &format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"))?;
    Ok(response)
}

/// The body of a change of one's own password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    current: String,
    password: String,
    why: String,
}

/// `POST /api/v1/session/password`: another password for oneself; ends all of one's sessions.
pub(super) async fn password(
    shared: Api,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let NewPassword { current, password, why } = read_json(&body)?;
    sealed(&shared, caller.address, headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()))?;
    let why = Why::read(&why)?;
    let (access, name) = (&shared.api.access, caller.account.name.clone());
    if caller.account.kind != Kind::Person {
        return Err(NotLetIn::from(Refused::Not("a machine has a token and no password".to_owned())).into());
    }
    access.confirms(&name, current, caller.address).await?;
    let hash = access.hash(name.as_str(), password).await?;
    let ready = access.prepare(Change::Password(name, hash)).await.map_err(NotLetIn::from)?;
    record(&shared, why.deed(&caller, ready.done())).await?;
    ready.carry_out().await.map_err(NotLetIn::from)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
