//! What a rule watches and measures: its points, the number made of them, and the unit of that number.

use std::collections::BTreeSet;

use watchfire_model::grade::Grade;
use watchfire_model::ladder::Direction;
use watchfire_model::rule::{Measure, Watch};
use watchfire_model::site::Point;
use watchfire_model::unit::Unit;

use crate::config::nearest::did_you_mean;
use crate::config::problem::{Place, Problem};
use crate::config::read::{At, Context, Table};
use crate::config::rule::{Known, Ladder};
use crate::config::station::Field;

/// A measure, where its text stands, and the point it plainly is, if it is one.
pub(crate) struct Measured {
    pub(crate) value: Measure,
    pub(crate) at: Place,
    /// The point's name and the window's function, such as `("rain", Some("sum"))`.
    pub(crate) plain: Option<(String, Option<String>)>,
}

pub(crate) fn measure(table: &Table<'_>, watched: Option<&Watched>) -> Option<Measured> {
    let cx = table.cx;
    let expression = table.get("measure").and_then(|node| node.raw_text());
    let script = table.text("script");
    match (expression, script) {
        (Some(text), None) => {
            Some(Measured { plain: plainly(&text.value), value: Measure::Expression(text.value), at: text.at })
        }
        (None, Some(file)) => {
            let (ix, text) = cx.open(&cx.path(&file.value), Some(file.at))?;
            let at = Place { file: ix, start: 0, end: text.len() };
            Some(Measured { value: Measure::Script { file: file.value, text: text.to_string() }, at, plain: None })
        }
        (Some(_), Some(file)) => {
            cx.report(Problem::error(file.at, "a rule has a `measure` or a `script`, not both"));
            None
        }
        (None, None) => {
            if table.get("measure").is_some() || table.get("script").is_some() {
                return None;
            }
            let name = watched.and_then(|watched| watched.common_name.clone());
            if name.is_none() {
                table.missing("measure", "such as measure = \"stage\" or measure = 'stage.rise(\"1h\")'");
            }
            name.map(|name| Measured {
                value: Measure::Expression(name.clone()),
                at: table.at,
                plain: Some((name, None)),
            })
        }
    }
}

/// `stage`, or `stage.rise("1h")`: a point, or one window of it.
fn plainly(text: &str) -> Option<(String, Option<String>)> {
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let text = text.trim();
    if word(text) {
        return Some((text.to_owned(), None));
    }
    let (point, rest) = text.split_once('.')?;
    let (function, arguments) = rest.split_once('(').unwrap_or((rest, ")"));
    let closed = arguments.trim_end().strip_suffix(')')?;
    (word(point) && word(function) && !closed.contains(['(', ')']))
        .then(|| (point.to_owned(), Some(function.to_owned())))
}

/// The points a rule watches.
pub(crate) struct Watched {
    pub(crate) watch: Watch,
    pub(crate) at: Place,
    pub(crate) points: Vec<usize>,
    /// The points' own name, where they share one.
    pub(crate) common_name: Option<String>,
    directions: Vec<Direction>,
}

impl Watched {
    pub(crate) fn read(table: Table<'_>, known: &Known<'_>, from_pack: bool) -> Self {
        let cx = table.cx;
        let field = known.field;
        let errors = cx.errors();
        let quantity = table.text("quantity");
        let point = table.text("point");
        let patterns = table.texts("stations");
        let fits = |at: &usize| {
            field.points.get(*at).is_some_and(|p: &Point| {
                quantity.as_ref().is_none_or(|quantity| *p.quantity == *quantity.value)
                    && point.as_ref().is_none_or(|point| p.id.as_str() == point.value)
            })
        };
        let points: Vec<usize> = if patterns.is_empty() {
            (0..field.points.len()).filter(fits).collect()
        } else {
            // Thousands of rules may each watch a station of their own.
            let stations = patterns.iter().flat_map(|pattern| field.matching(cx, pattern));
            let stations = stations.filter_map(|station| field.stations.get(station.index()));
            let points: BTreeSet<usize> = stations.flat_map(|station| &station.points).map(|ix| ix.index()).collect();
            points.into_iter().filter(fits).collect()
        };
        if points.is_empty() && !from_pack && !field.lacking && cx.errors() == errors {
            let problem = Problem::error(table.at, "this watches no point");
            let hint = |written: &Option<At<String>>, of: fn(&Point) -> &str| {
                let written = written.as_ref()?;
                let mut all: Vec<&str> = field.points.iter().map(of).collect();
                all.sort_unstable();
                all.dedup();
                if all.contains(&written.value.as_str()) {
                    return None;
                }
                did_you_mean(&written.value, all.iter().copied()).or_else(|| {
                    (all.len() <= 12 && !all.is_empty()).then(|| format!("the points have: {}", all.join(", ")))
                })
            };
            let hint = hint(&quantity, |p| &p.quantity).or_else(|| hint(&point, |p| p.id.as_str()));
            cx.report(problem.maybe_hint(hint));
        }
        let name = |at: &usize| field.points.get(*at).map(|p| p.id.as_str());
        let first = points.first().and_then(name);
        let common_name = first.filter(|_| points.iter().all(|at| name(at) == first)).map(str::to_owned);
        let mut directions: Vec<Direction> =
            points.iter().filter_map(|at| field.points.get(*at)).map(|p| p.direction).collect();
        directions.dedup();
        let watch = Watch {
            quantity: quantity.map(|quantity| quantity.value),
            point: point.map(|point| point.value),
            stations: patterns.into_iter().map(|pattern| pattern.value).collect(),
        };
        let at = table.at;
        table.finish();
        Self { watch, at, points, common_name, directions }
    }

    pub(crate) fn direction(&self) -> Direction {
        self.directions.first().copied().unwrap_or_default()
    }

    /// The measure's unit: as written, as the points and the window make it, or as the thresholds have it.
    pub(crate) fn unit(
        &self,
        cx: &Context<'_>,
        field: &Field,
        measure: &Measured,
        written: Option<At<Unit>>,
        ladder: &Ladder,
    ) -> Unit {
        let plain = Unit::parse("1").unwrap_or(watchfire_model::unit::UNITS[0]);
        let by_measure = measure.plain.as_ref().and_then(|(name, function)| {
            let units: Vec<Unit> = self
                .points
                .iter()
                .filter_map(|at| field.points.get(*at))
                .filter_map(|watched| {
                    let station = field.stations.get(watched.station.index())?;
                    let own = station.points.iter().filter_map(|ix| field.points.get(ix.index()));
                    Some(own.into_iter().find(|p| named(p, watched, name))?.unit)
                })
                .collect();
            let unit = *units.first()?;
            match function.as_deref() {
                None | Some("last" | "sum" | "mean" | "min" | "max" | "diff") => Some(unit),
                Some("rise") => Unit::parse(&format!("{unit}/h")),
                Some(_) => None,
            }
        });
        if let (Some(written), Some(by_measure)) = (&written, by_measure)
            && written.value.dimension != by_measure.dimension
        {
            let message = format!("the measure is in {by_measure}, which does not convert to {}", written.value);
            cx.report(Problem::error(written.at, message).hint("leave `unit` out: the measure has its own"));
        }
        let by_ladder = match ladder {
            Ladder::Inline(rungs) => {
                Grade::ALL.iter().find_map(|grade| rungs.get(*grade).as_ref().and_then(|amount| amount.value.unit))
            }
            Ladder::Station => self.points.first().and_then(|at| field.points.get(*at)).map(|point| point.unit),
        };
        written.map(|unit| unit.value).or(by_measure).or(by_ladder).unwrap_or(plain)
    }

    /// With `per = "station"` a station may have one matching point only.
    pub(crate) fn one_each(&self, cx: &Context<'_>, field: &Field, rule: &At<String>) {
        let mut seen: Vec<Option<&Point>> = vec![None; field.stations.len()];
        for point in self.points.iter().filter_map(|at| field.points.get(*at)) {
            let Some(slot) = seen.get_mut(point.station.index()) else { continue };
            if let Some(first) = slot {
                let station = field.stations.get(point.station.index()).map_or("", |station| station.id.as_str());
                let message = format!("rule \"{}\" watches two points of station \"{station}\"", rule.value);
                let problem = Problem::error(self.at, message).label(format!("`{}` and `{}`", first.id, point.id));
                cx.report(problem.hint("write per = \"point\", or name the point: watch = { point = \"…\" }"));
                return;
            }
            *slot = Some(point);
        }
    }

    /// With `ladder = "station"` somebody must have thresholds.
    pub(crate) fn has_thresholds(&self, table: &Table<'_>, field: &Field, from_pack: bool) {
        let bare = |at: &&usize| {
            field
                .points
                .get(**at)
                .is_some_and(|point| Grade::ALL.iter().all(|grade| point.thresholds.get(*grade).is_none()))
        };
        let without = self.points.iter().filter(bare).count();
        let at = table.get("ladder").map_or(table.at, |node| node.at());
        if field.lacking {
            return;
        }
        if without == self.points.len() && without > 0 && !from_pack {
            let problem = Problem::error(at, "no watched point has thresholds of its own");
            table.cx.report(problem.hint("write ladder = { … } at the points, or here in the rule"));
        } else if without > 0 && !from_pack {
            let first = self.points.iter().find(bare).and_then(|at| field.points.get(*at).zip(field.places.get(*at)));
            let problem =
                Problem::warning(at, format!("{without} of {} watched points have no thresholds", self.points.len()));
            let label = first.map(|(point, place)| format!("such as `{}` at {}", point.id, table.cx.origin(*place)));
            table.cx.report(problem.label(label.unwrap_or_default()).hint("this rule never warns of them"));
        }
    }
}

/// Whether a measure means a point by `name`: by its id, by its quantity, or as the watched one.
fn named(point: &Point, watched: &Point, name: &str) -> bool {
    let variable = |id: &str| id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).eq(name.chars());
    variable(point.id.as_str()) || &*point.quantity == name || (name == "point" && point.id == watched.id)
}

#[cfg(test)]
mod tests {
    use super::plainly;

    #[test]
    fn a_plain_measure_is_seen_as_one() {
        let named = |name: &str, function: Option<&str>| Some((name.to_owned(), function.map(str::to_owned)));
        assert_eq!(plainly("stage"), named("stage", None));
        assert_eq!(plainly("stage.last"), named("stage", Some("last")));
        assert_eq!(plainly(" rain.sum(\"3h\") "), named("rain", Some("sum")));
        assert_eq!(plainly("rain.sum(\"3h\") + 1.0"), None);
        assert_eq!(plainly("a + b"), None);
        assert_eq!(plainly("upstream.stage.last"), None);
    }
}
