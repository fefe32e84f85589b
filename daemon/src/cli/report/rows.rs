//! A report as rows of `figure,of,value,unit`, for a spreadsheet.

use watchfire_model::access::Role;
use watchfire_model::grade::Grade;
use watchfire_model::id::HazardId;
use watchfire_model::time::Span;
use watchfire_rules::figures::{Notices, Person, Spread};
use watchfire_rules::scores::{Graded, Released};

use super::Told;
use crate::cli::backtest::told::figures;
use crate::cli::warnings::table::quoted;

/// The whole report.
pub(super) fn write(told: &Told) -> String {
    let report = &told.figures;
    let mut rows = Rows(String::from("figure,of,value,unit\n"));
    rows.row("from", "", &report.from.to_string(), "");
    rows.row("to", "", &report.to.to_string(), "");
    rows.row("calls", "", &report.load.calls, "");
    rows.row("calls_mean", "", &format!("{:.3}", report.load.mean_per_10_min), "per 10 min");
    rows.row("calls_most", "", &report.load.most_per_10_min, "per 10 min");
    rows.row("floods", "", &report.load.floods, "");
    rows.row("flooded", "", &format!("{:.3}", report.load.flooded_percent), "%");
    for grade in Grade::ALL {
        rows.row("calls", grade.word(), report.calls_by_grade.get(grade), "");
    }
    rows.row("calls", "fault", &report.calls_for_faults, "");
    rows.row("calls", "realarm", &report.realarms, "");
    for one in &report.contributors {
        rows.row("contributor", &one.alarm.to_string(), &one.calls, "");
    }
    for one in &report.chattering {
        let alarm = one.alarm.to_string();
        rows.row("chatter", &alarm, &one.chatter, "");
        if let Some(advice) = &one.advice {
            if let Some(lift_after) = advice.lift_after {
                rows.row("proposed_lift_after", &alarm, &seconds(lift_after), "s");
            }
            if let Some(margin) = advice.lift_margin {
                rows.row("proposed_lift_margin", &alarm, &margin, "measure");
            }
        }
    }
    rows.row("stale", "", &report.stale_in_all, "");
    rows.row("put_aside", "", &report.put_aside_in_all, "");
    rows.row("put_aside_refused", "", &report.put_aside_refused, "");
    for aside in &report.put_aside {
        let (kind, alarm) = (aside.kind.word(), aside.alarm.to_string());
        rows.row(kind, &alarm, &aside.by, "by");
        rows.row(&format!("{kind}_until"), &alarm, &aside.until, "");
        let lasted = aside.ended.map_or_else(String::new, |ended| seconds(ended - aside.since));
        rows.row(&format!("{kind}_lasted"), &alarm, &lasted, "s");
    }
    rows.row("calibrated", "", &report.calibrated_in_all, "");
    for one in &report.calibrated {
        let who = one.calibration.by.as_ref().or(one.calibration.accepted.as_ref());
        rows.row("calibrated", &one.sensor.to_string(), &who.map_or("", |who| who.as_str()), "by");
    }
    rows.spread("time_active", &report.time_active);
    rows.spread("time_to_acknowledge", &report.time_to_acknowledge);
    rows.spread("time_to_release", &report.time_to_release);
    rows.spread("time_to_first_receipt_internal", &report.time_to_first_receipt.internal);
    rows.spread("time_to_first_receipt_public", &report.time_to_first_receipt.public);
    rows.notices("internal", &report.notices.internal);
    rows.notices("public", &report.notices.public);
    if let Some(percent) = report.public_confirmed_percent {
        rows.row("public_confirmed", "", &format!("{percent:.2}"), "%");
    }
    for grade in Grade::ALL {
        rows.row("warnings", grade.word(), report.warnings_by_peak.get(grade), "");
    }
    rows.spread("lead_internal", &report.lead_internal);
    rows.spread("lead_public", &report.lead_public);
    told.people.iter().for_each(|person| rows.person(person));
    rows.row("acts_beyond", "", &told.acts_beyond, "");
    told.released.iter().for_each(|released| rows.released(released));
    rows.0
}

struct Rows(String);

impl Rows {
    fn row(&mut self, figure: &str, of: &str, value: &dyn std::fmt::Display, unit: &str) {
        let value = value.to_string();
        self.0.push_str(&format!("{figure},{},{},{unit}\n", quoted(of), quoted(&value)));
    }

    fn spread(&mut self, figure: &str, spread: &Spread) {
        self.row(figure, "count", &spread.count, "");
        if spread.count > 0 {
            for (of, span) in [("mean", spread.mean), ("p50", spread.p50), ("p95", spread.p95), ("most", spread.most)] {
                self.row(figure, of, &seconds(span), "s");
            }
        }
    }

    fn notices(&mut self, audience: &str, notices: &Notices) {
        let Notices { sent, confirmed, taken_over, refused } = notices;
        let all = [("sent", sent), ("confirmed", confirmed), ("taken_over", taken_over), ("refused", refused)];
        for (word, count) in all {
            self.row(&format!("notices_{audience}"), word, count, "");
        }
    }

    fn person(&mut self, person: &Person) {
        let Person { who, through, role, acknowledged, signed, put_aside, reported, other, refused } = person;
        let of = through.as_ref().map_or_else(|| who.to_string(), |program| format!("{who}@{program}"));
        self.row("person_role", &of, &role.map_or("", Role::word), "");
        for (figure, spread) in [("person_acknowledged", acknowledged), ("person_signed", signed)] {
            self.row(figure, &of, &spread.count, "");
            if spread.count > 0 {
                self.row(&format!("{figure}_median"), &of, &seconds(spread.p50), "s");
                self.row(&format!("{figure}_most"), &of, &seconds(spread.most), "s");
            }
        }
        let counts = [
            ("person_put_aside", put_aside),
            ("person_reported", reported),
            ("person_other", other),
            ("person_refused", refused),
        ];
        counts.into_iter().for_each(|(figure, count)| self.row(figure, &of, count, ""));
    }

    fn released(&mut self, released: &Released) {
        self.row("lead_goal", "", &seconds(released.goal), "s");
        self.row("events", "", &released.occurrences.len(), "");
        self.row("events_outside", "", &released.outside, "");
        self.row("warnings_unscored", "", &released.other_hazards, "");
        for outcome in &released.outcomes {
            for Graded { score, in_time, in_time_percent } in &outcome.scores {
                let of = graded(outcome.hazard.as_ref(), score.grade);
                figures(score).into_iter().for_each(|(figure, value, unit)| self.row(figure, &of, &value, unit));
                self.row("in_time", &of, in_time, "");
                if let Some(percent) = in_time_percent {
                    self.row("in_time", &of, &format!("{percent:.2}"), "%");
                }
            }
        }
    }
}

/// `river_flood/red`, or `all/red`.
fn graded(hazard: Option<&HazardId>, grade: Grade) -> String {
    format!("{}/{}", hazard.map_or("all", |hazard| hazard.as_str()), grade.word())
}

fn seconds(span: Span) -> String {
    format!("{}.{:03}", span.0 / 1_000, span.0 % 1_000)
}
