//! `POST /-/reload`: reads the configuration again and puts it in force, or only says what it would change. Answered once
//! the Desk has followed; refused, with nothing changed, in the words of `watchfire check`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use tokio::sync::oneshot;
use tokio::time::timeout;
use watchfire_model::id::Revision;
use watchfire_model::reload::Orphans;

use super::Shared;
use super::acts::{Asks, Why, person};
use super::paging::write;
use super::problem::{Problem, read_json};
use crate::reload::{Asked, Refused, Wish, WishStep};

/// Longest wait for room on the way to whoever reloads, and for its answer.
const TAKEN_WITHIN: Duration = Duration::from_secs(2);
const ANSWER_WITHIN: Duration = Duration::from_secs(9);

/// The body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The person for whom a machine acts. A person acts as whoever they signed in as.
    who: Option<String>,
    /// Why.
    why: String,
    /// Only say what it would change.
    #[serde(default)]
    preview: bool,
    /// What becomes of alarms that stand and have no rule or subject any more; none: there must be none.
    orphans: Option<Orphans>,
    /// Only lay it before a second person.
    #[serde(default)]
    propose: bool,
    /// Put in force what another person proposed: its revision.
    publish: Option<Revision>,
    /// Attached to a proposal: what `watchfire backtest -o json` printed of this configuration.
    backtest: Option<String>,
    /// Put it in force although cases of the site's own fail.
    #[serde(default)]
    in_spite: bool,
}

/// `POST /-/reload`.
pub(super) async fn reload(State(shared): State<Arc<Shared>>, asks: Asks, body: Bytes) -> Result<Response, Problem> {
    let body: Body = read_json(&body)?;
    let step = match (body.propose, body.publish) {
        (false, None) => WishStep::Whole,
        (true, None) => WishStep::Propose,
        (false, Some(revision)) => WishStep::Publish(revision),
        (true, Some(_)) => return Err(Problem::bad_request("either `propose` or `publish`: another person publishes")),
    };
    let wish = Wish {
        who: person(&asks.caller, body.who.as_deref())?,
        why: Why::read(&body.why)?.text(),
        from: asks.caller.from(),
        preview: body.preview,
        orphans: body.orphans,
        step,
        backtest: body.backtest,
        in_spite: body.in_spite,
    };
    let (answer, answered) = oneshot::channel();
    let sent = shared.api.views.reloads.send_timeout(Asked { wish, answer }, TAKEN_WITHIN).await;
    sent.map_err(|_| Problem::unavailable("another reload is under way; nothing was done"))?;
    let gone = || Problem::unavailable("the reload has not been answered; look at /health before asking again");
    let outcome = timeout(ANSWER_WITHIN, answered).await.map_err(|_| gone())?.map_err(|_| gone())?;
    write(&outcome.map_err(refused)?)
}

fn refused(refused: Refused) -> Problem {
    let status = match &refused {
        Refused::Broken { .. } | Refused::NoBacktest { .. } | Refused::Cases(_) | Refused::Hangs { .. } => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Refused::TwoPeople | Refused::Promotion(_) | Refused::SamePerson { .. } => StatusCode::FORBIDDEN,
        Refused::NeedsRestart { .. }
        | Refused::Orphans(_)
        | Refused::NotProposed { .. }
        | Refused::NoFile
        | Refused::StillHangs { .. } => StatusCode::CONFLICT,
        Refused::Journal { .. } | Refused::Unwritten { .. } | Refused::NoThread(_) | Refused::Stopping => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Refused::Inside { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Problem::new(status, refused.to_string())
}
