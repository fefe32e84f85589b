//! What is counted of those on duty: how often they are called, and how long until somebody answers, signs and hears.

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge};
use watchfire_model::alarm::Alarm;
use watchfire_model::attention::Attention;
use watchfire_model::grade::Grade;
use watchfire_model::site::Audience;
use watchfire_model::suppression::Kind;
use watchfire_model::time::{Span, Timestamp};
use watchfire_rules::figures::{Fact, Load, STALE};

use super::declared::Declare;

/// From a second to a day.
const PEOPLE: &[f64] = &[1.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1_800.0, 3_600.0, 10_800.0, 86_400.0];
/// From a minute to a month.
const STANDING: &[f64] = &[60.0, 600.0, 3_600.0, 10_800.0, 43_200.0, 86_400.0, 604_800.0, 2_592_000.0];
/// From a tenth of a second to an hour.
const CHANNELS: &[f64] = &[0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 600.0, 3_600.0];
const FAULT: &str = "fault";
const SHELVED: &str = "shelved";
const OUT_OF_SERVICE: &str = "out_of_service";
const REFUSED: &str = "refused";

/// See the module.
#[derive(Debug)]
pub(super) struct Operators {
    annunciations: IntCounterVec,
    realarms: IntCounter,
    now: IntGauge,
    flood: IntGauge,
    floods: IntCounter,
    unacknowledged: IntGauge,
    unacknowledged_longest: IntGauge,
    chattering: IntGauge,
    stale: IntGauge,
    active: Histogram,
    put_aside: IntCounterVec,
    acknowledged: Histogram,
    released: Histogram,
    receipted: HistogramVec,
}

impl Operators {
    pub(super) fn declare(at: &Declare<'_>) -> Self {
        let operators = Self {
            annunciations: at.counter_vec(
                "watchfire_annunciations_total",
                "Times that a person was called, by grade or for a fault.",
                &["grade"],
            ),
            realarms: at.counter("watchfire_realarms_total", "Of these, because an acknowledgement had run out."),
            now: at.gauge(
                "watchfire_annunciations_recent",
                "Times that a person was called in the present ten minutes by the clock.",
            ),
            flood: at.gauge("watchfire_alarm_flood", "Whether there is a flood: more than ten calls in ten minutes."),
            floods: at.counter("watchfire_alarm_floods_total", "Floods that have begun."),
            unacknowledged: at.gauge(
                "watchfire_alarms_unacknowledged",
                "Alarms whose hazard or fault waits for somebody to take note.",
            ),
            unacknowledged_longest: at.gauge(
                "watchfire_alarms_unacknowledged_longest_seconds",
                "For how long the one that waits longest has waited for somebody to take note of its hazard.",
            ),
            active: at.histogram("watchfire_alarm_active_seconds", "How long alarms stood that ended.", STANDING),
            put_aside: at.counter_vec(
                "watchfire_alarms_put_aside_total",
                "Acts of putting an alarm aside, by what came of them.",
                &["outcome"],
            ),
            chattering: at.gauge("watchfire_alarms_chattering", "Alarms whose grade turns up and down too often."),
            stale: at.gauge("watchfire_alarms_stale", "Alarms that have stood for more than a day."),
            acknowledged: at.histogram(
                "watchfire_time_to_acknowledge_seconds",
                "From the call to the acknowledgement.",
                PEOPLE,
            ),
            released: at.histogram(
                "watchfire_time_to_release_seconds",
                "From a public bulletin waiting for a signature to its release.",
                PEOPLE,
            ),
            receipted: at.histogram_vec(
                "watchfire_time_to_first_receipt_seconds",
                "From a bulletin to its first receipt.",
                &["audience"],
                CHANNELS,
            ),
        };
        for word in Grade::ALL.map(Grade::word).into_iter().chain([FAULT]) {
            operators.annunciations.with_label_values(&[word]);
        }
        for outcome in [SHELVED, OUT_OF_SERVICE, REFUSED] {
            operators.put_aside.with_label_values(&[outcome]);
        }
        for audience in [Audience::Internal, Audience::Public] {
            operators.receipted.with_label_values(&[audience_word(audience)]);
        }
        operators
    }

    pub(super) fn count(&self, fact: &Fact) {
        match fact {
            Fact::Annunciated { grade, again, .. } => {
                self.annunciations.with_label_values(&[grade.map_or(FAULT, Grade::word)]).inc();
                self.realarms.inc_by(u64::from(*again));
            }
            Fact::Troubled { .. } => self.annunciations.with_label_values(&[FAULT]).inc(),
            Fact::Acknowledged { after, .. } => self.acknowledged.observe(after.to_std().as_secs_f64()),
            Fact::Released { after, .. } => self.released.observe(after.to_std().as_secs_f64()),
            Fact::Receipted { audience, after, .. } => {
                self.receipted.with_label_values(&[audience_word(*audience)]).observe(after.to_std().as_secs_f64());
            }
            Fact::Ended { stood, .. } => self.active.observe(stood.to_std().as_secs_f64()),
            Fact::PutAside(aside) => {
                let outcome = if aside.kind == Kind::Shelved { SHELVED } else { OUT_OF_SERVICE };
                self.put_aside.with_label_values(&[outcome]).inc();
            }
            Fact::RefusedAside { .. } => self.put_aside.with_label_values(&[REFUSED]).inc(),
            Fact::Acted { .. }
            | Fact::Swung { .. }
            | Fact::TakenBack(_)
            | Fact::Calibrated(_)
            | Fact::Sent { .. }
            | Fact::Settled { .. }
            | Fact::Peaked { .. } => {}
        }
    }

    pub(super) fn load(&self, load: &Load) {
        self.now.set(i64::try_from(load.now()).unwrap_or(i64::MAX));
        if load.is_flood() && self.flood.get() == 0 {
            self.floods.inc();
        }
        self.flood.set(i64::from(load.is_flood()));
    }

    pub(super) fn alarms<'a>(&self, now: Timestamp, alarms: impl Iterator<Item = &'a Alarm>) {
        let (mut unacknowledged, mut chattering, mut stale) = (0, 0, 0);
        let mut longest = Span::ZERO;
        for alarm in alarms {
            unacknowledged += i64::from(alarm.attention.is_unacked() || alarm.fault_attention.is_unacked());
            if let Attention::Unacked { since } = alarm.attention {
                longest = longest.max(now - since);
            }
            chattering += i64::from(alarm.chatters_until.is_some());
            stale += i64::from(alarm.standing().is_some() && now - alarm.onset > STALE);
        }
        self.unacknowledged.set(unacknowledged);
        self.unacknowledged_longest.set(longest.0 / 1_000);
        self.chattering.set(chattering);
        self.stale.set(stale);
    }
}

const fn audience_word(audience: Audience) -> &'static str {
    match audience {
        Audience::Internal => "internal",
        Audience::Public => "public",
    }
}
