//! What is being warned of: alarms and warnings, in lists and one by one.

use std::sync::Arc;

use axum::extract::{Path, Query};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use watchfire_model::access::{On, Right};
use watchfire_model::alarm::Alarm;
use watchfire_model::grade::Grade;
use watchfire_model::suppression::Kind;
use watchfire_model::warning::Warning;

use super::State;
use super::paging::{page, write};
use super::problem::Problem;
use super::shown::{AlarmShown, Alarms, detail, is_live, summary};
use crate::access::Caller;

/// A page of alarms or warnings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    limit: Option<u32>,
    /// The cursor of the page before.
    after: Option<String>,
    /// Warnings: `live` (the default), `ended` or `all`.
    #[serde(default)]
    state: Which,
    /// Only this grade or higher.
    grade: Option<Grade>,
    hazard: Option<String>,
    area: Option<String>,
    /// Alarms: only those that are kept quiet, by anything (`any`) or by one kind of thing.
    suppressed: Option<Suppressed>,
}

/// What keeps an alarm quiet.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Suppressed {
    Any,
    #[serde(untagged)]
    By(Kind),
}

impl Suppressed {
    fn is_so(self, alarm: &Alarm) -> bool {
        match self {
            Self::Any => !alarm.suppressed.is_empty(),
            Self::By(kind) => alarm.suppression(kind).is_some(),
        }
    }
}

/// Which warnings.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Which {
    #[default]
    Live,
    Ended,
    All,
}

/// `GET /api/v1/alarms`: every alarm that is not quiet, the highest grade first.
pub(super) async fn alarms(state: State, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let desk = state.api.views.desk.borrow().clone();
    let outlooks = state.api.views.outlooks.now().await;
    let wanted = |alarm: &&Arc<Alarm>| {
        asked.grade.is_none_or(|grade| alarm.standing() >= Some(grade))
            && asked.hazard.as_deref().is_none_or(|hazard| alarm.hazard.as_str() == hazard)
            && asked.area.as_deref().is_none_or(|area| alarm.area.as_str() == area)
            && asked.suppressed.is_none_or(|suppressed| suppressed.is_so(alarm))
    };
    let mut all: Vec<(String, &Arc<Alarm>)> =
        desk.alarms.iter().filter(wanted).map(|alarm| (alarm_key(alarm), alarm)).collect();
    all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    page(
        all.into_iter(),
        asked.limit,
        |(key, _)| asked.after.as_ref().is_some_and(|after| key <= after),
        |(key, _)| key.clone(),
        |(_, alarm)| AlarmShown::of(&state.directory, Some(&outlooks), alarm),
    )
}

/// In the order of the list: highest grade first, then by rule and subject.
fn alarm_key(alarm: &Alarm) -> String {
    let down = 4 - alarm.standing().map_or(0, Grade::level);
    format!("{down}|{}|{}", alarm.key.rule, alarm.key.subject)
}

/// In the order of the list: live ones first, the highest grade first, then the newest.
fn warning_key(warning: &Warning) -> String {
    let ended = u8::from(!is_live(warning));
    let down = 4 - warning.grade.filter(|_| is_live(warning)).map_or(0, Grade::level);
    // Twenty digits hold any count of milliseconds; the newest has the smallest.
    let age = i64::MAX.saturating_sub(warning.opened_at.0.max(0));
    format!("{ended}{down}|{age:020}|{}", warning.id)
}

/// `GET /api/v1/warnings`.
pub(super) async fn list(state: State, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let desk = state.api.views.desk.borrow().clone();
    let outlooks = state.api.views.outlooks.now().await;
    let known = Alarms::heading(&desk, &outlooks);
    let wanted = |warning: &&Warning| {
        (match asked.state {
            Which::Live => is_live(warning),
            Which::Ended => !is_live(warning),
            Which::All => true,
        }) && asked.grade.is_none_or(|grade| warning.grade >= Some(grade))
            && asked.hazard.as_deref().is_none_or(|hazard| warning.hazard.as_str() == hazard)
            && asked.area.as_deref().is_none_or(|area| warning.area.as_str() == area)
    };
    let mut all: Vec<(String, &Warning)> =
        desk.warnings.iter().map(AsRef::as_ref).filter(wanted).map(|warning| (warning_key(warning), warning)).collect();
    all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    page(
        all.into_iter(),
        asked.limit,
        |(key, _)| asked.after.as_ref().is_some_and(|after| key <= after),
        |(key, _)| key.clone(),
        |(_, warning)| summary(&state.directory, &known, warning),
    )
}

/// A warning, and what whoever asks may do to it.
#[derive(Serialize)]
struct Whole<T> {
    #[serde(flatten)]
    detail: T,
    may: Vec<Right>,
}

/// `GET /api/v1/warnings/{id}`.
pub(super) async fn show(state: State, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let desk = state.api.views.desk.borrow().clone();
    let outlooks = state.api.views.outlooks.now().await;
    let warning = desk.warnings.iter().find(|warning| warning.id.as_str() == id);
    let warning = warning.ok_or_else(|| Problem::not_found("warning", &id))?;
    let on = On::Place { hazard: &warning.hazard, area: &warning.area };
    let mine = |right: &Right| right.is_a_persons() && caller.may(*right, on).is_ok();
    let may = Right::ALL.iter().copied().filter(mine).collect();
    write(&Whole { detail: detail(&state.directory, &Alarms::heading(&desk, &outlooks), warning), may })
}
