//! One alarm: shown whole, and acted on by `POST /api/v1/alarms/{rule}/{subject}/{act}`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use watchfire_model::alarm::{Alarm, AlarmKey};
use watchfire_model::attention::Concern;
use watchfire_model::command::Act;
use watchfire_model::grade::Grade;
use watchfire_model::id::{PersonId, RuleId, SubjectId};
use watchfire_model::time::Span;
use watchfire_model::warning::Entry;

use super::Shared;
use super::acts::{Caller, WHO_MAX, carry_out, said};
use super::directory::Directory;
use super::paging::write;
use super::problem::{Problem, read_json};
use super::shown::AlarmShown;
use crate::views::DeskView;

/// An alarm with what people did and said about it.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    alarm: AlarmShown<'a>,
    story: &'a [Entry],
}

/// The body of an act on an alarm.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// A named person.
    who: String,
    /// Why; a comment's own words.
    why: String,
    /// `ack` and `confirm`: the alarm's version that was seen.
    version: Option<u64>,
    /// `ack`, `unack`, `confirm` and `reset`: `hazard` (where it is not said) or `fault`.
    #[serde(default)]
    concern: Concern,
    /// `shelve`: the highest grade to keep quiet; the one that stands where it is not said.
    upto: Option<Grade>,
    /// `shelve` and `out-of-service`: for how long, such as `8h`.
    lasting: Option<String>,
    /// `shelve`: only until the next return to normal.
    #[serde(default)]
    once: bool,
    /// `assign`: to whom; to nobody puts it back.
    to: Option<String>,
}

/// `GET /api/v1/alarms/{rule}/{subject}`.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path((rule, subject)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let key = AlarmKey { rule: RuleId::from(rule), subject: SubjectId::from(subject) };
    let desk = shared.api.views.desk.borrow().clone();
    let whole = find(&shared.directory, &desk, &key);
    write(&whole.ok_or_else(|| Problem::not_found("alarm that is not quiet", &key.to_string()))?)
}

/// `POST /api/v1/alarms/{rule}/{subject}/{act}`.
pub(super) async fn act(
    State(shared): State<Arc<Shared>>,
    Path((rule, subject, act)): Path<(String, String, String)>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Problem> {
    let alarm = AlarmKey { rule: RuleId::from(rule), subject: SubjectId::from(subject) };
    let wish: Wish = read_json(&body)?;
    let act = wish.asks(&act, alarm.clone())?;
    carry_out(&shared, caller, &wish.who, &wish.why, act).await?;
    let desk = shared.api.views.desk.borrow().clone();
    write(&find(&shared.directory, &desk, &alarm))
}

fn find<'a>(directory: &'a Directory, desk: &'a DeskView, key: &AlarmKey) -> Option<Whole<'a>> {
    let alarm: &Alarm = desk.alarms.iter().find(|alarm| alarm.key == *key)?;
    let story = desk.stories.iter().find(|(told, _)| told == key).map_or(&[][..], |(_, story)| story);
    Some(Whole { alarm: AlarmShown::of(directory, alarm), story })
}

impl Wish {
    fn asks(&self, act: &str, alarm: AlarmKey) -> Result<Act, Problem> {
        let concern = self.concern;
        Ok(match act {
            "ack" => Act::AcknowledgeAlarm { alarm, version: self.seen()?, concern },
            "unack" => Act::Unacknowledge { alarm, concern },
            "confirm" => Act::Confirm { alarm, version: self.seen()?, concern },
            "reset" => Act::Reset { alarm, concern },
            "shelve" => Act::Shelve { alarm, upto: self.upto, lasting: self.lasts()?, one_shot: self.once },
            "unshelve" => Act::Unshelve { alarm },
            "out-of-service" => Act::TakeOut { alarm, lasting: self.lasts()? },
            "in-service" => Act::PutBack { alarm },
            "assign" => {
                let to = self.to.as_deref().map(|to| said("to", to, WHO_MAX)).transpose()?;
                Act::Assign { alarm, to: to.map(PersonId::from) }
            }
            "comment" => Act::Comment { alarm },
            other => return Err(Problem::not_found("act", other)),
        })
    }

    fn seen(&self) -> Result<u64, Problem> {
        self.version.ok_or_else(|| Problem::bad_request("`version` is missing: the alarm's version that was seen"))
    }

    fn lasts(&self) -> Result<Span, Problem> {
        let lasting = self.lasting.as_deref();
        let lasting =
            lasting.ok_or_else(|| Problem::bad_request("`lasting` is missing: for how long, such as \"8h\""))?;
        lasting.parse().map_err(|error| Problem::bad_request(format!("`lasting`: {error}")))
    }
}
