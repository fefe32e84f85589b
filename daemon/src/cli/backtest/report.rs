//! What a backtest says: one line per grade transition on stdout, and in the end, on stderr, what was judged and what
//! could not be.

use std::fmt::Write as _;
use std::io::IsTerminal;

use watchfire_model::finding::Finding;
use watchfire_model::grade::{Grade, word};
use watchfire_model::site::Site;
use watchfire_model::time::Timestamp;

use crate::cli::{Format, Style};
use crate::lang::Lang;

use super::points::Points;
use super::source::BadLine;

/// Bad lines that are quoted in the summary.
const QUOTED: usize = 5;

/// Writes transitions as text.
#[derive(Debug)]
pub(super) struct Transitions {
    format: Format,
    colour: bool,
    rule_width: usize,
    subject_width: usize,
    text: String,
}

impl Transitions {
    /// In the style asked for; columns as wide as the site's names need.
    pub(super) fn new(style: Style, site: &Site) -> Self {
        let rule_width = site.rules.iter().map(|rule| rule.id.as_str().chars().count()).max().unwrap_or(0).max(4);
        let stations = site.stations.iter().map(|station| station.id.as_str().chars().count()).max().unwrap_or(0);
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let mut transitions = Self {
            format: style.output,
            colour: !refused && std::io::stdout().is_terminal(),
            rule_width: rule_width.min(40),
            subject_width: (stations + 6).clamp(7, 40),
            text: String::new(),
        };
        transitions.header();
        transitions
    }

    fn header(&mut self) {
        let (rule, subject) = (self.rule_width, self.subject_width);
        match self.format {
            Format::Table => self.push(format_args!(
                "{:<24}  {:<rule$}  {:<subject$}  {:<6}    {:<6}  {}\n",
                "TIME", "RULE", "SUBJECT", "FROM", "TO", "VALUE"
            )),
            Format::Csv => self.push(format_args!("time,rule,subject,from,to,value\n")),
            Format::Json => {}
        }
    }

    /// Adds a finding, if it is a transition of the grade.
    pub(super) fn tell(&mut self, finding: &Finding) {
        let (from, to) = (word(finding.from), word(finding.judged));
        if finding.from == finding.judged {
            return;
        }
        let Finding { at, rule, subject, value, .. } = finding;
        match self.format {
            Format::Json => {
                let line = serde_json::json!({
                    "time": at.to_string(), "rule": rule.as_str(), "subject": subject.as_str(),
                    "from": from, "to": to, "value": value,
                });
                self.push(format_args!("{line}\n"));
            }
            Format::Csv => {
                let value = value.map(|value| value.to_string()).unwrap_or_default();
                let (rule, subject) = (quoted(rule.as_str()), quoted(subject.as_str()));
                self.push(format_args!("{at},{rule},{subject},{from},{to},{value}\n"));
            }
            Format::Table => {
                let value = value.map_or_else(|| "-".to_owned(), short);
                let (begin, end) = if self.colour { (colour(finding.judged), "\x1b[0m") } else { ("", "") };
                let (rule_width, subject_width) = (self.rule_width, self.subject_width);
                // Ids do not pad themselves.
                let (at, rule, subject) = (at.to_string(), rule.as_str(), subject.as_str());
                self.push(format_args!(
                    "{at:<24}  {rule:<rule_width$}  {subject:<subject_width$}  {from:<6} → {begin}{to:<6}{end}  {value}\n"
                ));
            }
        }
    }

    /// What has been written and not yet taken.
    pub(super) const fn text(&self) -> &String {
        &self.text
    }

    /// Forgets what has been taken.
    pub(super) fn taken(&mut self) {
        self.text.clear();
    }

    fn push(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(line);
    }
}

/// At most six digits behind the point, and no zeros at the end.
fn short(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A field of CSV.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

const fn colour(grade: Option<Grade>) -> &'static str {
    match grade {
        None => "\x1b[32m",
        Some(Grade::Blue) => "\x1b[34m",
        Some(Grade::Yellow) => "\x1b[33m",
        Some(Grade::Orange) => "\x1b[38;5;208m",
        Some(Grade::Red) => "\x1b[31m",
    }
}

/// What was judged.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Readings that were judged.
    pub(super) readings: u64,
    /// Of these, without a number.
    pub(super) without_number: u64,
    /// Raises to each grade, blue first.
    raises: [u64; 4],
    /// Steps down, ends included.
    lifts: u64,
    span: Option<(Timestamp, Timestamp)>,
    bad_lines: u64,
    quoted: Vec<BadLine>,
}

impl Summary {
    /// Counts a reading.
    pub(super) fn reading(&mut self, at: Timestamp, has_number: bool) {
        self.readings += 1;
        self.without_number += u64::from(!has_number);
        self.span = Some(self.span.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
    }

    /// Counts a finding.
    pub(super) fn finding(&mut self, finding: &Finding) {
        match finding.judged {
            Some(grade) if finding.judged > finding.from => self.raises[usize::from(grade.level() - 1)] += 1,
            _ if finding.judged < finding.from => self.lifts += 1,
            _ => {}
        }
    }

    /// Counts a line that is no reading.
    pub(super) fn bad_line(&mut self, bad: BadLine) {
        self.bad_lines += 1;
        if self.quoted.len() < QUOTED {
            self.quoted.push(bad);
        }
    }

    /// From the first reading to the last.
    pub(super) const fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span
    }

    /// The lines for stderr.
    pub(super) fn lines(&self, points: &Points, seconds: f64, lang: Lang) -> Vec<String> {
        let mut lines = Vec::new();
        for BadLine { place, fault } in &self.quoted {
            lines.push(format!("{place}: {fault}"));
        }
        let more = self.bad_lines.saturating_sub(QUOTED as u64);
        if more > 0 {
            lines.push(format!("{}{more}", lang.pick("… and more bad lines: ", "…… 另有无法读取的行:")));
        }
        if points.readings_of_unknown() > 0 {
            let what = lang.pick("readings of no point of the configuration", "条读数不属于配置中的任何测点");
            lines.push(format!("{} {what}: {} …", points.readings_of_unknown(), points.unknown().join(", ")));
        }
        if self.without_number > 0 {
            lines.push(format!("{} {}", self.without_number, lang.pick("readings without a number", "条读数没有数值")));
        }
        let [blue, yellow, orange, red] = self.raises;
        let span = self.span.map_or_else(String::new, |(first, last)| format!("{first} – {last}, "));
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.readings as f64 / seconds.max(1e-9);
        lines.push(match lang {
            Lang::En => format!(
                "{span}{} readings judged in {seconds:.2} s ({rate:.0}/s): raised {blue} blue, {yellow} yellow, {orange} orange, {red} red; lifted {}",
                self.readings, self.lifts
            ),
            Lang::Zh => format!(
                "{span}{} 条读数,用时 {seconds:.2} 秒({rate:.0}/秒):升至 蓝 {blue} 黄 {yellow} 橙 {orange} 红 {red};下调 {}",
                self.readings, self.lifts
            ),
        });
        lines
    }
}
