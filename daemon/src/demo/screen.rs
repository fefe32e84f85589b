//! What the demo's terminal shows: a line for each bulletin once its receipts are in, the landslides as they happened,
//! and the summary at the end. Follows the published view like any other screen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use watchfire_model::bulletin::{Bulletin, Measured, MessageClass};
use watchfire_model::grade::Grade;
use watchfire_model::id::BulletinId;
use watchfire_model::receipt::Outcome;
use watchfire_model::site::Audience;
use watchfire_model::time::{Span, Timestamp};
use watchfire_model::warning::Warning;

use super::feeder::Departures;
use super::recordings::OFFSET;
use super::story::{KM_SEATAC_TO_MUKILTEO, KM_TACOMA_TO_MUKILTEO, landslides};
use crate::metrics::Counts;
use crate::views::DeskView;

/// What has been shown, so that nothing is shown twice.
pub(crate) struct Screen {
    departures: Departures,
    shown: BTreeSet<BulletinId>,
    slides_shown: usize,
    slides_warned: usize,
    /// Warnings by peak grade, by id so that an upgrade moves one.
    peaks: BTreeMap<String, Grade>,
    delivered: u64,
    receipted: u64,
    colour: bool,
}

impl Screen {
    /// Nothing shown yet.
    pub(crate) const fn new(departures: Departures, colour: bool) -> Self {
        Self {
            departures,
            shown: BTreeSet::new(),
            slides_shown: 0,
            slides_warned: 0,
            peaks: BTreeMap::new(),
            delivered: 0,
            receipted: 0,
            colour,
        }
    }

    /// Lines that are new in this view.
    pub(crate) fn lines(&mut self, view: &DeskView) -> Vec<String> {
        let mut lines = Vec::new();
        for warning in view.warnings.iter().rev() {
            self.peaks.insert(warning.id.to_string(), warning.peak);
            for bulletin in &warning.bulletins {
                self.show(warning, bulletin, &mut lines);
            }
        }
        self.show_landslides(view, &mut lines);
        lines
    }

    /// Takes a story up where an earlier run left it: what was delivered then is not shown again. Says so, if there is
    /// anything to take up.
    pub(crate) fn take_up(&mut self, view: &DeskView) -> Option<String> {
        let _ = self.lines(view);
        let (warnings, bulletins) = (self.peaks.len(), std::mem::take(&mut self.delivered));
        self.receipted = 0;
        (warnings > 0).then(|| {
            format!(
                "taken up at {}: {warnings} warnings raised and {bulletins} bulletins delivered before, none of them again",
                stamp(view.now.wall)
            )
        })
    }

    /// A bulletin is shown once every notice of it has its receipt.
    fn show(&mut self, warning: &Warning, bulletin: &Bulletin, lines: &mut Vec<String>) {
        if self.shown.contains(&bulletin.id) {
            return;
        }
        let notices: Vec<_> = warning.notices.iter().filter(|notice| notice.bulletin == bulletin.id).collect();
        let references: Vec<&str> = notices
            .iter()
            .filter_map(|notice| match &notice.receipt.as_ref()?.outcome {
                Outcome::Delivered { reference, .. } => Some(reference.as_deref().unwrap_or("ok")),
                Outcome::Failing { .. } | Outcome::Refused { .. } => None,
            })
            .collect();
        if notices.is_empty() || references.len() < notices.len() {
            return;
        }
        self.shown.insert(bulletin.id.clone());
        self.delivered += u64::try_from(notices.len()).unwrap_or(0);
        self.receipted += u64::try_from(references.len()).unwrap_or(0);
        // The same grade for longer is no news. Internal bulletins are told on the console; the terminal shows the public ones, and what is internal only.
        let has_public = warning.bulletins.iter().any(|b| b.audience == Audience::Public);
        let told_to_the_public = bulletin.audience == Audience::Internal && has_public;
        if told_to_the_public || bulletin.class == MessageClass::Extend {
            return;
        }
        let mut line = format!("{}  {}  {}", stamp(bulletin.sent), self.grade(bulletin), self.what(bulletin));
        let _ = write!(line, "  CAP {} → {}/{} 回执 receipts", bulletin.class.cap(), references.len(), notices.len());
        if let Some(first) = references.first() {
            let _ = write!(line, " {first}");
        }
        // A word about the evidence alone follows no reading.
        let since = |m: &Measured| self.departures.since(station_of(m.subject.as_str()), m.at);
        if bulletin.class != MessageClass::Continue
            && let Some(seconds) = bulletin.measured.iter().find_map(since)
        {
            let _ = write!(line, "  {seconds:.2} s");
        }
        lines.push(line);
    }

    fn grade(&self, bulletin: &Bulletin) -> String {
        let grade = bulletin.grade;
        let shape = match grade {
            Grade::Blue => "●",
            Grade::Yellow => "▲",
            Grade::Orange => "◆",
            Grade::Red => "■",
        };
        let code = match grade {
            Grade::Blue => "38;2;76;155;255",
            Grade::Yellow => "38;2;255;230;92",
            Grade::Orange => "38;2;240;138;0",
            Grade::Red => "38;2;224;24;45",
        };
        let words = format!("{shape} {}{} {} {}", grade.han(), grade.numeral(), grade.word(), bulletin.class.han());
        if self.colour { format!("\x1b[{code}m{words}\x1b[0m") } else { words }
    }

    fn what(&self, bulletin: &Bulletin) -> String {
        let mut text = bulletin.area.name.clone();
        if let Some(measured) = bulletin.measured.iter().max_by_key(|m| m.grade) {
            let _ = write!(text, " · {}", measured.name);
            if let (Some(value), Some(threshold)) = (measured.value, measured.threshold) {
                let _ = write!(
                    text,
                    " {value:.2} {} {threshold:.2} {}",
                    if value >= threshold { "≥" } else { "<" },
                    measured.unit
                );
            }
        }
        if let Some(since) = bulletin.evidence_lost {
            let _ = write!(text, " · 监测中断,等级保持 held, evidence lost since {}", stamp(since));
        }
        text
    }

    fn show_landslides(&mut self, view: &DeskView, lines: &mut Vec<String>) {
        let slides = landslides();
        while let Some(slide) =
            slides.get(self.slides_shown).filter(|slide| slide.day + Span::hours(12) <= view.now.wall)
        {
            self.slides_shown += 1;
            let in_force = view.warnings.iter().find(|warning| {
                warning.hazard.as_str() == "landslide"
                    && warning.area.as_str() == "530610000000"
                    && covers(warning, slide.day)
            });
            let day = &stamp(slide.day)[..10];
            lines.push(match in_force {
                Some(warning) => {
                    self.slides_warned += 1;
                    let lead = slide.day - warning.onset;
                    let before = if lead.0 >= 0 {
                        format!("warned {lead} before that day began")
                    } else {
                        format!("warned at {} that day", &stamp(warning.onset)[11..])
                    };
                    format!("{day}        ⛰ 滑坡 landslide near Mukilteo — {before}")
                }
                None => format!("{day}        ⛰ 滑坡 landslide near Mukilteo — no warning stood (gauges {KM_TACOMA_TO_MUKILTEO} and {KM_SEATAC_TO_MUKILTEO} km away)"),
            });
        }
    }

    /// The end. `unheard` readings were published and did not reach the daemon.
    pub(crate) fn summary(&self, counts: Counts, unheard: u64) -> String {
        let Counts { heard, stored, unstored, judged } = counts;
        let by_grade = |grade| self.peaks.values().filter(|peak| **peak == grade).count();
        let lost = unheard + unstored.max(heard.saturating_sub(judged));
        let mut text = String::new();
        let _ = writeln!(text, "readings: {heard} heard, {stored} stored, {judged} judged, {lost} lost");
        let _ = write!(text, "warnings:");
        for grade in Grade::ALL.into_iter().rev() {
            let _ = write!(text, " {} {}{}", by_grade(grade), grade.word(), grade.numeral());
        }
        let _ = writeln!(text);
        let _ = writeln!(text, "bulletins: {} delivered, {} receipted", self.delivered, self.receipted);
        let _ =
            write!(text, "landslides so far: {} of {} on a day with a warning", self.slides_warned, self.slides_shown);
        text
    }

    /// Whether a bulletin of this class has been shown whole: raised, released, delivered, receipted.
    pub(crate) fn has_shown_any(&self) -> bool {
        !self.shown.is_empty()
    }
}

/// A warning stood on some part of the day.
fn covers(warning: &Warning, day: Timestamp) -> bool {
    let ended = warning
        .bulletins
        .iter()
        .filter(|b| matches!(b.class, MessageClass::AllClear | MessageClass::Cancel | MessageClass::Expire))
        .map(|b| b.sent)
        .max();
    warning.onset < day + Span::days(1) && ended.is_none_or(|ended| ended > day)
}

fn station_of(subject: &str) -> &str {
    subject.split('/').next().unwrap_or(subject)
}

/// `2010-12-11 21:00` on the story's clock.
fn stamp(at: Timestamp) -> String {
    let c = (at + OFFSET).civil(0);
    format!("{:04}-{:02}-{:02} {:02}:{:02}", c.year, c.month, c.day, c.hour, c.minute)
}
