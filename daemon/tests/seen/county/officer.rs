//! A desk that answers as the real one does: unknown, stale, nothing waits; and the same command twice is one act.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use watchfire::views::{Asked, DeskView, Wish};
use watchfire_model::attention::Attention;
use watchfire_model::command::{Act, Refusal};
use watchfire_model::id::{BulletinId, PersonId};
use watchfire_model::time::{Span, Steady};
use watchfire_model::warning::{Ending, Publication, What};

use super::{NOW, entry};

/// Answers one command as the Desk does, and publishes what it did. The same command twice is one act.
pub(crate) fn obey(
    done: &mut BTreeMap<String, Result<(), Refusal>>,
    desk: &watch::Sender<Arc<DeskView>>,
    asked: Asked,
) {
    let command = match asked.wish {
        Wish::Command(command) => command,
        Wish::Deed(_) => {
            let _ = asked.answer.send(Ok(()));
            return;
        }
    };
    let known = done.get(command.id.as_str()).cloned();
    let answer = known.unwrap_or_else(|| {
        let mut view = DeskView::clone(&desk.borrow());
        let answer = carry_out(&mut view, &command.act, &command.who, &command.why);
        if answer.is_ok() {
            view.version += 1;
            desk.send_replace(Arc::new(view));
        }
        answer
    });
    done.insert(command.id.as_str().to_owned(), answer.clone());
    let _ = asked.answer.send(answer);
}

fn carry_out(view: &mut DeskView, act: &Act, who: &PersonId, why: &str) -> Result<(), Refusal> {
    let (id, seen, what) = match act {
        Act::Acknowledge { warning, version } => (warning, *version, What::Acknowledged),
        Act::Release { warning, version } => (warning, *version, What::Released),
        Act::Cancel { warning, version } => (warning, *version, What::Cancelled),
        Act::Correct { warning, version } => (warning, *version, What::Released),
        Act::Report(report) => {
            return Err(Refusal::Unknown { what: "hazard".to_owned(), id: report.hazard.as_str().to_owned() });
        }
        Act::SetGrade { alarm, .. }
        | Act::AcknowledgeAlarm { alarm, .. }
        | Act::Unacknowledge { alarm, .. }
        | Act::Confirm { alarm, .. }
        | Act::Reset { alarm, .. }
        | Act::Shelve { alarm, .. }
        | Act::Unshelve { alarm }
        | Act::TakeOut { alarm, .. }
        | Act::PutBack { alarm }
        | Act::Assign { alarm, .. }
        | Act::AcceptFall { alarm, .. }
        | Act::Comment { alarm } => {
            return Err(Refusal::Unknown { what: "alarm".to_owned(), id: alarm.subject.as_str().to_owned() });
        }
        Act::Calibrate { sensor, .. }
        | Act::GiveBack { sensor }
        | Act::AcceptCalibration { sensor }
        | Act::Commission { sensor }
        | Act::Invalidate { sensor, .. } => {
            return Err(Refusal::Unknown { what: "sensor".to_owned(), id: sensor.to_string() });
        }
        Act::AcknowledgeIncident { incident } => {
            return Err(Refusal::Unknown { what: "incident".to_owned(), id: incident.as_str().to_owned() });
        }
    };
    let unknown = || Refusal::Unknown { what: "warning".to_owned(), id: id.as_str().to_owned() };
    let known = view.warnings.iter_mut().find(|warning| warning.id == *id).ok_or_else(unknown)?;
    let warning = Arc::make_mut(known);
    if seen != warning.version {
        return Err(Refusal::Stale { seen, now: warning.version });
    }
    match what {
        What::Released => {
            let waiting = warning.waiting.take();
            let waiting =
                waiting.ok_or_else(|| Refusal::NotNow { reason: "nothing waits for a signature".to_owned() })?;
            let (bulletin, grade) = (BulletinId::from("B-0008"), waiting.grade.unwrap_or(warning.peak));
            warning.publication =
                Publication::Released { bulletin, grade, expires: NOW + Span::hours(6), expires_steady: Steady(0) };
        }
        What::Cancelled => warning.publication = Publication::Ended { how: Ending::Cancelled, at: NOW },
        _ => {}
    }
    let keys = warning.alarms.clone();
    warning.timeline.push(entry(0, what, Some(who.as_str()), why));
    for alarm in view.alarms.iter_mut().filter(|alarm| keys.contains(&alarm.key)) {
        let alarm = Arc::make_mut(alarm);
        let acked = Attention::Acked { by: who.clone(), at: NOW, grade: alarm.standing(), version: alarm.version };
        alarm.attention = acked;
        alarm.fault_attention = Attention::Quiet;
    }
    Ok(())
}
