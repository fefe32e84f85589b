//! What a new configuration would change: rules, stations, points, areas, hazards and channels by name, and the grades that
//! stand now, judged again by its rules over the readings that are kept.

use std::sync::Arc;

use serde::Serialize;
use watchfire_model::alarm::AlarmKey;
use watchfire_model::finding::Change;
use watchfire_model::grade::Grade;
use watchfire_model::id::{RuleId, Seq, SubjectId};
use watchfire_model::reload::Orphans;
use watchfire_model::rule::Rule;
use watchfire_model::site::{Point, Site, Station};
use watchfire_rules::engine::Overseer;
use watchfire_rules::evaluator::{Evaluator, EvaluatorState};
use watchfire_rules::ruleset::RuleSet;

/// One thing that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// `rule`, `station`, `point`, `area`, `hazard`, `group` or `channel`.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// How.
    pub how: How,
}

/// How a thing is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It is new.
    Added,
    /// It says something else.
    Changed,
    /// It is gone.
    Removed,
    /// It was called so.
    Renamed(String),
}

/// A grade that would be another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Turned {
    /// Which rule.
    pub rule: RuleId,
    /// On what.
    pub subject: SubjectId,
    /// The grade now.
    pub from: Option<Grade>,
    /// The grade by the new text: at once where it is higher; where it is lower, only after its delay, and from orange on
    /// only once a person agrees.
    pub to: Option<Grade>,
}

/// What of `after` is not as it was in `before`, in the order of the file.
pub fn changes(before: &Site, after: &Site) -> Vec<Changed> {
    let mut changes = Vec::new();
    let rule = |rule: &Rule| Rule { origin: String::new(), ..rule.clone() };
    list(
        &mut changes,
        "rule",
        &before.rules,
        &after.rules,
        |r| r.id.to_string(),
        |r| r.aliases.iter().map(ToString::to_string).collect(),
        |a, b| rule(a) == rule(b),
    );
    let bare =
        |station: &Station| Station { points: Vec::new(), upstream: None, aliases: Vec::new(), ..station.clone() };
    let upstream = |site: &Site, station: &Station| {
        station.upstream.and_then(|ix| site.stations.get(ix.index())).map(|station| station.id.clone())
    };
    list(
        &mut changes,
        "station",
        &before.stations,
        &after.stations,
        |s| s.id.to_string(),
        |s| s.aliases.iter().map(ToString::to_string).collect(),
        |a, b| bare(a) == Station { id: a.id.clone(), ..bare(b) } && upstream(before, a) == upstream(after, b),
    );
    let of = |site: &Site| -> Vec<(String, Point)> {
        let name = |point: &Point| site.stations.get(point.station.index()).map(|s| format!("{}/{}", s.id, point.id));
        site.points
            .iter()
            .filter_map(|point| {
                let anywhere = Point { station: watchfire_model::id::StationIx(0), ..point.clone() };
                Some((name(point)?, anywhere))
            })
            .collect()
    };
    list(&mut changes, "point", &of(before), &of(after), |(name, _)| name.clone(), |_| Vec::new(), |a, b| a.1 == b.1);
    let none = |_: &_| Vec::new();
    list(&mut changes, "area", &before.areas, &after.areas, |a| a.id.to_string(), none, |a, b| a == b);
    let none = |_: &_| Vec::new();
    list(&mut changes, "hazard", &before.hazards, &after.hazards, |h| h.id.to_string(), none, |a, b| a == b);
    let none = |_: &_| Vec::new();
    list(&mut changes, "channel", &before.channels, &after.channels, |c| c.name.to_string(), none, |a, b| a == b);
    changes
}

fn list<T>(
    changes: &mut Vec<Changed>,
    what: &'static str,
    before: &[T],
    after: &[T],
    name: impl Fn(&T) -> String,
    aliases: impl Fn(&T) -> Vec<String>,
    same: impl Fn(&T, &T) -> bool,
) {
    let known: std::collections::BTreeMap<String, &T> = before.iter().map(|one| (name(one), one)).collect();
    let mut gone: std::collections::BTreeSet<&String> = known.keys().collect();
    for one in after {
        let id = name(one);
        let former = aliases(one).into_iter().find(|alias| known.contains_key(alias) && !known.contains_key(&id));
        let was = known.get_key_value(former.as_ref().unwrap_or(&id));
        let how = match (was, former) {
            (None, _) => Some(How::Added),
            (Some((key, _)), Some(former)) => {
                gone.remove(key);
                Some(How::Renamed(former))
            }
            (Some((key, was)), None) => {
                gone.remove(key);
                (!same(was, one)).then_some(How::Changed)
            }
        };
        changes.extend(how.map(|how| Changed { what, name: id, how }));
    }
    changes.extend(gone.into_iter().map(|id| Changed { what, name: id.clone(), how: How::Removed }));
}

/// Whether a site has the rule and the subject of an alarm, under this name or a newer one.
pub fn has(site: &Site, key: &AlarmKey) -> bool {
    let rule = site.rules.iter().any(|rule| rule.id == key.rule || rule.aliases.contains(&key.rule));
    let subject = key.subject.as_str();
    let is = |id: &str| subject == id || subject.strip_prefix(id).is_some_and(|rest| rest.starts_with('/'));
    let there = if let Some(name) = subject.strip_prefix("group:") {
        site.groups.iter().any(|group| group.name == name)
    } else if let Some(id) = subject.strip_prefix("area:") {
        site.areas.iter().any(|area| area.id.as_str() == id)
    } else {
        site.stations.iter().any(|s| is(s.id.as_str()) || s.aliases.iter().any(|alias| is(alias.as_str())))
    };
    rule && there
}

/// The grades that would turn, were `after` in force where things stand as in `state`; `overseer` hears of each script.
pub fn grades(
    state: EvaluatorState,
    before: &Arc<RuleSet>,
    after: &Arc<RuleSet>,
    overseer: Arc<dyn Overseer>,
) -> Vec<Turned> {
    let mut evaluator = Evaluator::restore(Arc::clone(before), state);
    evaluator.oversee(overseer);
    let mut findings = Vec::new();
    evaluator.reload(Arc::clone(after), Seq(0), Orphans::Hold, &mut findings);
    let told = |change| matches!(change, Change::Raised | Change::Rewritten);
    findings
        .into_iter()
        .filter(|finding| told(finding.change))
        .filter_map(|finding| {
            let to = match finding.change {
                Change::Raised => finding.judged,
                _ => evaluator.heads_for(&finding.rule, &finding.subject),
            };
            let from = finding.from;
            (from != to).then_some(Turned { rule: finding.rule, subject: finding.subject, from, to })
        })
        .collect()
}
