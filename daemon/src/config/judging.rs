//! How a rule judges: delays, margins, holds, quality gates. The same keys stand in a rule and, as defaults, in its hazard.

use watchfire_model::doubt;
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::ladder::{Delay, Direction};
use watchfire_model::rule::Class;
use watchfire_model::time::Span;
use watchfire_model::unit::Unit;

use crate::config::amount::{self, Amount, Graded};
use crate::config::corroborate::CorroborateDraft;
use crate::config::problem::Problem;
use crate::config::read::{At, Context, Node, Shape, Table};

/// Part of a window that must be covered where nobody says otherwise.
pub(crate) const COVERAGE: f64 = 0.85;

pub(crate) const CLASSES: &[(&str, Class)] = &[("ordinary", Class::Ordinary), ("instant", Class::Instant)];
pub(crate) const GRADES: &[(&str, Grade)] =
    &[("blue", Grade::Blue), ("yellow", Grade::Yellow), ("orange", Grade::Orange), ("red", Grade::Red)];

/// What is written; nothing is filled in yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judging {
    pub(crate) raise_after: Graded<At<Delay>>,
    pub(crate) public_after: Graded<At<Delay>>,
    pub(crate) lift_after: Graded<At<Span>>,
    pub(crate) hold: Graded<At<Span>>,
    pub(crate) lift_below: Graded<At<Bar>>,
    pub(crate) lift_margin: Graded<At<Margin>>,
    pub(crate) coverage: Option<f64>,
    pub(crate) suspect_cap: Option<Grade>,
    pub(crate) fast_rise: Option<bool>,
    pub(crate) corroborate: Option<CorroborateDraft>,
    pub(crate) max_gap: Option<At<Span>>,
}

/// Where a grade is left.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bar {
    /// At a value.
    Value(Amount),
    /// At a share of the value at which it is raised, such as 0.8.
    Share(f64),
}

/// How far from where a grade is raised it is left.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Margin {
    /// So far.
    Amount(Amount),
    /// So many steps of the coarsest sensor watched.
    Steps(f64),
    /// Such a share of the widest range watched.
    Share(f64),
}

impl Judging {
    pub(crate) fn read(table: &Table<'_>) -> Self {
        Self {
            raise_after: amount::graded_or_none(table.get("raise_after"), "`raise_after`", amount::delay),
            public_after: amount::graded_or_none(table.get("public_after"), "`public_after`", amount::plain_delay),
            lift_after: amount::graded_or_none(table.get("lift_after"), "`lift_after`", amount::span),
            hold: amount::graded_or_none(table.get("hold"), "`hold`", amount::span),
            lift_below: amount::graded_or_none(table.get("lift_below"), "`lift_below`", bar),
            lift_margin: amount::graded_or_none(table.get("lift_margin"), "`lift_margin`", margin),
            coverage: table.number("coverage").map(|share| {
                if !(0.0..=1.0).contains(&share.value) {
                    table.cx.report(Problem::error(share.at, "a coverage is a share from 0 to 1"));
                }
                share.value
            }),
            suspect_cap: table.word("suspect_cap", GRADES).map(|grade| grade.value),
            fast_rise: table.flag("fast_rise").map(|flag| flag.value),
            corroborate: table.table("corroborate", "`corroborate`").map(CorroborateDraft::read),
            max_gap: table.span("max_gap"),
        }
    }

    /// Puts what `over` says in the place of what was said before.
    pub(crate) fn overlay(&mut self, over: Self) {
        self.raise_after.overlay(over.raise_after);
        self.public_after.overlay(over.public_after);
        self.lift_after.overlay(over.lift_after);
        self.hold.overlay(over.hold);
        self.lift_below.overlay(over.lift_below);
        self.lift_margin.overlay(over.lift_margin);
        self.coverage = over.coverage.or(self.coverage);
        self.suspect_cap = over.suspect_cap.or(self.suspect_cap);
        self.fast_rise = over.fast_rise.or(self.fast_rise);
        self.corroborate = over.corroborate.or(self.corroborate.take());
        self.max_gap = over.max_gap.or(self.max_gap.take());
    }

    /// What a rule's own word and the hazard's default make together, for thresholds in `unit`.
    pub(crate) fn resolve(&self, defaults: &Self, table: &Table<'_>, rungs: &Rungs) -> Judged {
        let cx = table.cx;
        let mut lift_below = PerGrade::all(None);
        let mut lift_margin = PerGrade::all(None);
        for grade in Grade::ALL {
            let raise_at = *rungs.raise_at.get(grade);
            // A default for grades that the ladder has not is no business of theirs.
            if let (Thresholded::Here, None) = (rungs.whence, raise_at) {
                if let Some(at) =
                    self.lift_below.own(grade).map(|bar| bar.at).or(self.lift_margin.own(grade).map(|m| m.at))
                {
                    let problem = Problem::warning(at, format!("the ladder has no `{grade}`"));
                    cx.report(problem.label("this changes nothing"));
                }
                continue;
            }
            let below = self.lift_below.get(grade);
            let margin = self.lift_margin.get(grade);
            if let (Some(below), Some(margin)) = (self.lift_below.own(grade), self.lift_margin.own(grade)) {
                let problem =
                    Problem::error(margin.at, format!("`{grade}` has both a `lift_below` and a `lift_margin`"));
                cx.report(problem.label(format!("the other is at {}", cx.origin(below.at))));
            }
            match (below, margin) {
                (Some(At { value: Bar::Value(value), at }), _) => {
                    let written = At { value: *value, at: *at };
                    *lift_below.get_mut(grade) = amount::convert(cx, &written, rungs.unit);
                }
                (Some(At { value: Bar::Share(share), at }), _) => match raise_at {
                    Some(bar) => *lift_below.get_mut(grade) = Some(bar * share),
                    None => {
                        let problem = Problem::error(*at, "a share needs the thresholds in the rule");
                        cx.report(problem.hint("with ladder = \"station\" write a `lift_margin`"));
                    }
                },
                (None, Some(margin)) => {
                    *lift_margin.get_mut(grade) = rungs.margin(cx, margin);
                }
                // The hazard's word; a margin in metres says nothing to a rule that judges metres an hour.
                (None, None) => {
                    match (defaults.lift_below.get(grade).map(|bar| bar.value), raise_at) {
                        (Some(Bar::Share(share)), Some(bar)) => *lift_below.get_mut(grade) = Some(bar * share),
                        (Some(Bar::Share(_)), None) | (None, _) => {}
                        (Some(Bar::Value(value)), _) => {
                            *lift_below.get_mut(grade) = plainly(value, rungs.unit, Unit::convert)
                        }
                    }
                    if lift_below.get(grade).is_none() {
                        *lift_margin.get_mut(grade) =
                            defaults.lift_margin.get(grade).and_then(|margin| rungs.margin_of(margin.value));
                    }
                }
            }
            self.check_side(table, grade, raise_at, *lift_below.get(grade), rungs.direction);
        }
        let own_or = |grade| self.raise_after.get(grade).or(defaults.raise_after.get(grade));
        let public = |grade| self.public_after.get(grade).or(defaults.public_after.get(grade));
        let usual = doubt::usual();
        Judged {
            lift_below,
            lift_margin,
            raise_after: PerGrade::from_fn(|grade| own_or(grade).map_or(Delay::NONE, |delay| delay.value)),
            public_after: PerGrade::from_fn(|grade| public(grade).map_or(*usual.get(grade), |delay| delay.value)),
            lift_after: spans(&self.lift_after, &defaults.lift_after),
            hold: spans(&self.hold, &defaults.hold),
            coverage: self.coverage.or(defaults.coverage).unwrap_or(COVERAGE),
            suspect_cap: self.suspect_cap.or(defaults.suspect_cap).unwrap_or(Grade::Yellow),
            fast_rise: self.fast_rise.or(defaults.fast_rise).unwrap_or(false),
            corroborate: self.corroborate.clone().or_else(|| defaults.corroborate.clone()),
            max_gap: self.max_gap.as_ref().or(defaults.max_gap.as_ref()).map(|gap| gap.value),
        }
    }

    fn check_side(
        &self,
        table: &Table<'_>,
        grade: Grade,
        raise_at: Option<f64>,
        below: Option<f64>,
        direction: Direction,
    ) {
        let (Some(raise_at), Some(below)) = (raise_at, below) else { return };
        let (wrong, word) = match direction {
            Direction::Rising => (below > raise_at, "below"),
            Direction::Falling => (below < raise_at, "above"),
        };
        if wrong {
            let at = self.lift_below.get(grade).map_or(table.at, |bar| bar.at);
            let problem =
                Problem::error(at, format!("`lift_below` of `{grade}` is on the wrong side of its threshold"));
            table.cx.report(
                problem.label(format!("{grade} is raised at {raise_at}")).hint(format!("it must be {word} {raise_at}")),
            );
        }
    }
}

fn plainly(amount: Amount, unit: Unit, by: impl Fn(Unit, f64, Unit) -> Option<f64>) -> Option<f64> {
    amount.unit.and_then(|from| by(from, amount.value, unit))
}

fn spans(own: &Graded<At<Span>>, defaults: &Graded<At<Span>>) -> PerGrade<Span> {
    PerGrade::from_fn(|grade| own.get(grade).or(defaults.get(grade)).map_or(Span::ZERO, |span| span.value))
}

/// Where a rule's thresholds are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thresholded {
    /// In the rule.
    Here,
    /// At each point.
    Station,
}

/// A rule's thresholds, as far as the rule knows them.
pub(crate) struct Rungs {
    pub(crate) whence: Thresholded,
    pub(crate) raise_at: PerGrade<Option<f64>>,
    pub(crate) unit: Unit,
    pub(crate) direction: Direction,
    /// The coarsest resolution of what is watched and judged in this unit.
    pub(crate) resolution: Option<f64>,
    /// The widest range of it.
    pub(crate) span: Option<f64>,
}

impl Rungs {
    /// A margin in the rule's unit, or what is wrong with it.
    fn margin(&self, cx: &Context<'_>, margin: &At<Margin>) -> Option<f64> {
        let lacking = |key: &str, what: &str| {
            let problem = Problem::error(margin.at, format!("no point that is watched says its `{key}`"));
            cx.report(
                problem.label(format!("a margin in {what} needs it")).hint(format!("write `{key}` at the point")),
            );
        };
        match margin.value {
            Margin::Amount(value) => amount::convert_difference(cx, &At { value, at: margin.at }, self.unit),
            Margin::Steps(_) if self.resolution.is_none() => {
                lacking("resolution", "steps of the resolution");
                None
            }
            Margin::Share(_) if self.span.is_none() => {
                lacking("range", "shares of the range");
                None
            }
            Margin::Steps(_) | Margin::Share(_) => self.margin_of(margin.value),
        }
    }

    /// The same where it says anything to this rule.
    fn margin_of(&self, margin: Margin) -> Option<f64> {
        match margin {
            Margin::Amount(amount) => plainly(amount, self.unit, Unit::convert_difference),
            Margin::Steps(steps) => self.resolution.map(|resolution| resolution * steps),
            Margin::Share(share) => self.span.map(|span| span * share),
        }
    }
}

/// All values in effect.
pub(crate) struct Judged {
    pub(crate) lift_below: PerGrade<Option<f64>>,
    pub(crate) lift_margin: PerGrade<Option<f64>>,
    pub(crate) raise_after: PerGrade<Delay>,
    pub(crate) public_after: PerGrade<Delay>,
    pub(crate) lift_after: PerGrade<Span>,
    pub(crate) hold: PerGrade<Span>,
    pub(crate) coverage: f64,
    pub(crate) suspect_cap: Grade,
    pub(crate) fast_rise: bool,
    pub(crate) corroborate: Option<CorroborateDraft>,
    pub(crate) max_gap: Option<Span>,
}

/// `4.25`, `"4.25 m"`, or `"80% of raise_at"`.
pub(crate) fn bar(node: &Node<'_>) -> Option<At<Bar>> {
    if let Shape::Text(text) = node.shape("")
        && let Some(share) = text.value.strip_suffix("of raise_at")
    {
        let share = share.trim().strip_suffix('%').and_then(|share| share.trim().parse::<f64>().ok());
        let Some(share) = share.filter(|share| *share > 0.0 && share.is_finite()) else {
            return node.refuse("a share such as \"80% of raise_at\"");
        };
        return Some(At { value: Bar::Share(share / 100.0), at: text.at });
    }
    amount::amount(node).map(|amount| amount.map(Bar::Value))
}

/// `"0.05 m"`, `"3 x resolution"`, or `"5% of range"`.
pub(crate) fn margin(node: &Node<'_>) -> Option<At<Margin>> {
    if let Shape::Text(text) = node.shape("") {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| *number >= 0.0 && number.is_finite());
        if let Some(steps) = text.value.strip_suffix("resolution") {
            let steps = steps.trim_end().strip_suffix(['x', '×']).and_then(number);
            let Some(steps) = steps else { return node.refuse("a number of steps such as \"3 x resolution\"") };
            return Some(At { value: Margin::Steps(steps), at: text.at });
        }
        if let Some(share) = text.value.strip_suffix("of range") {
            let share = share.trim_end().strip_suffix('%').and_then(number);
            let Some(share) = share else { return node.refuse("a share such as \"5% of range\"") };
            return Some(At { value: Margin::Share(share / 100.0), at: text.at });
        }
    }
    let margin = amount::amount(node)?;
    if margin.value.value < 0.0 {
        node.cx.report(Problem::error(margin.at, "a margin is a distance: it has no sign"));
        return None;
    }
    Some(margin.map(Margin::Amount))
}
