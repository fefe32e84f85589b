//! One alarm: shown whole, and acted on by `POST /api/v1/alarms/{rule}/{subject}/{act}`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use watchfire_model::access::{On, Right};
use watchfire_model::alarm::{Alarm, AlarmKey};
use watchfire_model::attention::Concern;
use watchfire_model::command::{Act, Report};
use watchfire_model::grade::Grade;
use watchfire_model::id::{AreaId, HazardId, PersonId, RuleId, SubjectId};
use watchfire_model::time::Span;
use watchfire_model::warning::Entry;

use super::Shared;
use super::acts::{Asks, WHO_MAX, carry_out, person, said};
use super::directory::Directory;
use super::gate;
use super::history::read_time;
use super::paging::write;
use super::problem::{Problem, read_json};
use super::shown::AlarmShown;
use crate::outlooks::Known;
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
struct Wished {
    /// The person for whom a machine acts. A person acts as whoever they signed in as.
    who: Option<String>,
    /// Why; a comment's own words.
    why: String,
    /// `ack`, `confirm` and `accept`: the alarm's version that was seen.
    version: Option<u64>,
    /// `ack`, `unack`, `confirm` and `reset`: `hazard` (where it is not said) or `fault`.
    #[serde(default)]
    concern: Concern,
    /// `shelve`: the highest grade to keep quiet; the one that stands where it is not said.
    upto: Option<Grade>,
    /// `shelve`, `out-of-service` and `set-grade`: for how long, such as `8h`.
    lasting: Option<String>,
    /// `shelve`: only until the next return to normal.
    #[serde(default)]
    once: bool,
    /// `set-grade`: the grade, or `clear`.
    grade: Option<String>,
    /// `assign`: to whom; to nobody puts it back …
    to: Option<String>,
    /// … unless whoever acts takes it over.
    #[serde(default)]
    mine: bool,
}

/// `GET /api/v1/alarms/{rule}/{subject}`.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path((rule, subject)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let key = AlarmKey { rule: RuleId::from(rule), subject: SubjectId::from(subject) };
    let desk = shared.api.views.desk.borrow().clone();
    let outlooks = shared.api.views.outlooks.now().await;
    let whole = find(&shared.directory, &desk, &outlooks, &key);
    write(&whole.ok_or_else(|| Problem::not_found("alarm that is not quiet", &key.to_string()))?)
}

/// What may be asked of an alarm, and the right that each act takes.
pub(super) const ACTS: [(&str, Right); 12] = [
    ("ack", Right::Acknowledge),
    ("unack", Right::Acknowledge),
    ("confirm", Right::Acknowledge),
    ("reset", Right::Acknowledge),
    ("assign", Right::Acknowledge),
    ("comment", Right::Acknowledge),
    ("shelve", Right::Suppress),
    ("unshelve", Right::Suppress),
    ("out-of-service", Right::Suppress),
    ("in-service", Right::Suppress),
    ("set-grade", Right::SetGrade),
    ("accept", Right::SetGrade),
];

/// `POST /api/v1/alarms/{rule}/{subject}/{act}`, an act of [`ACTS`].
pub(super) async fn act(
    act: &str,
    State(shared): State<Arc<Shared>>,
    Path((rule, subject)): Path<(String, String)>,
    asks: Asks,
    body: &[u8],
) -> Result<Response, Problem> {
    let alarm = AlarmKey { rule: RuleId::from(rule), subject: SubjectId::from(subject) };
    let wished: Wished = read_json(body)?;
    let act = wished.asks(act, alarm.clone(), &person(&asks.caller, wished.who.as_deref())?)?;
    carry_out(&shared, asks, wished.who.as_deref(), &wished.why, act).await?;
    let desk = shared.api.views.desk.borrow().clone();
    let outlooks = shared.api.views.outlooks.now().await;
    write(&find(&shared.directory, &desk, &outlooks, &alarm))
}

/// The body of a report.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reported {
    /// The person for whom a machine acts. A person acts as whoever they signed in as.
    who: Option<String>,
    /// What was seen.
    why: String,
    hazard: String,
    area: String,
    /// What it is about; with the hazard it names the alarm.
    place: String,
    /// How bad it is, or `clear`: it is over.
    grade: Option<String>,
    /// When it was seen, RFC 3339; now where it is not said.
    seen_at: Option<String>,
    /// Who saw it, and how they are reached.
    by: String,
}

/// `POST /api/v1/reports`: takes down what somebody saw. It takes the right to set a grade where it is.
pub(super) async fn report(State(shared): State<Arc<Shared>>, asks: Asks, body: Bytes) -> Result<Response, Problem> {
    let Reported { who, why, hazard, area, place, grade, seen_at, by } = read_json(&body)?;
    let (hazard, area) = (HazardId::from(hazard), AreaId::from(area));
    gate::allow(&shared, &asks.caller, Right::SetGrade, On::Place { hazard: &hazard, area: &area })?;
    let seen_at = seen_at.map_or_else(|| Ok((shared.api.clock)()), |text| read_time("seen_at", &text))?;
    let (place, by) = (said("place", &place, WHO_MAX)?, said("by", &by, WHO_MAX)?);
    let report = Report { hazard, area, place, grade: graded(grade.as_deref())?, seen_at, by };
    let alarm = report.alarm();
    carry_out(&shared, asks, who.as_deref(), &why, Act::Report(report)).await?;
    let desk = shared.api.views.desk.borrow().clone();
    let outlooks = shared.api.views.outlooks.now().await;
    write(&find(&shared.directory, &desk, &outlooks, &alarm))
}

/// A grade, or none for `clear`.
fn graded(text: Option<&str>) -> Result<Option<Grade>, Problem> {
    match text {
        None => Err(Problem::bad_request("`grade` is missing: blue, yellow, orange, red or clear")),
        Some("clear") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|error| Problem::bad_request(format!("`grade`: {error}"))),
    }
}

fn find<'a>(directory: &'a Directory, desk: &'a DeskView, outlooks: &'a Known, key: &AlarmKey) -> Option<Whole<'a>> {
    let alarm: &Alarm = desk.alarms.iter().find(|alarm| alarm.key == *key)?;
    let story = desk.stories.iter().find(|(told, _)| told == key).map_or(&[][..], |(_, story)| story);
    Some(Whole { alarm: AlarmShown::of(directory, Some(outlooks), alarm), story })
}

impl Wished {
    fn asks(&self, act: &str, alarm: AlarmKey, who: &PersonId) -> Result<Act, Problem> {
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
            "set-grade" => Act::SetGrade { alarm, grade: graded(self.grade.as_deref())?, lasting: self.lasts()? },
            "assign" => {
                let to = self.to.as_deref().map(|to| said("to", to, WHO_MAX)).transpose()?;
                Act::Assign { alarm, to: to.map(PersonId::from).or_else(|| self.mine.then(|| who.clone())) }
            }
            "accept" => Act::AcceptFall { alarm, version: self.seen()? },
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
