//! What the values of a subject's watched points are held against beside range and rate, in sentences.

use watchfire_model::id::PointIx;
use watchfire_model::rule::Rule;
use watchfire_model::scrutiny::{Flat, Scrutiny};
use watchfire_model::site::{Point, Site};
use watchfire_rules::desk::text::number;
use watchfire_rules::ruleset::SubjectLadder;

use crate::lang::Lang;

/// One line for each watched point of a subject that is looked at more closely.
pub(super) fn lines(site: &Site, rule: &Rule, subject: &SubjectLadder, lang: Lang) -> Vec<String> {
    let id = subject.subject.as_str();
    let (station, own) = id.split_once('/').map_or((id, None), |(station, point)| (station, Some(point)));
    let station = site.stations.iter().find(|known| known.id.as_str() == station);
    let points = station.into_iter().flat_map(|station| &station.points).filter_map(|ix| site.point(*ix));
    let watched = points.filter(|point| own.is_none_or(|own| point.id.as_str() == own) && rule.watch.names(point));
    watched.filter_map(|point| line(site, point, point.scrutiny.as_deref()?, lang)).collect()
}

fn line(site: &Site, point: &Point, scrutiny: &Scrutiny, lang: Lang) -> Option<String> {
    let unit = point.unit.symbol;
    let said = |en: String, zh: String| match lang {
        Lang::En => en,
        Lang::Zh => zh,
    };
    let mut against = Vec::new();
    if let Some(flat) = &scrutiny.flat {
        against.extend(still(site, flat, lang));
    }
    if let Some(spike) = scrutiny.spike {
        let off = number(spike.suspect);
        against.push(said(format!("spikes of {off} {unit}"), format!("尖峰 {off} {unit}")));
    }
    if let Some(faint) = scrutiny.attenuated {
        let (below, over) = (number(faint.below), faint.over);
        against.push(said(
            format!("moving less than {below} {unit} in {over}"),
            format!("{over} 内变幅不足 {below} {unit}"),
        ));
    }
    if let Some(wild) = scrutiny.oscillation {
        let (turns, over) = (wild.turns, wild.over);
        against.push(said(format!("{turns} turns in {over}"), format!("{over} 内振荡 {turns} 次")));
    }
    if !scrutiny.climate.is_empty() {
        against.push(lang.pick("what is usual in the season", "季节常值范围").to_owned());
    }
    if let Some(neighbours) = &scrutiny.neighbours {
        let (names, off) = (names(site, neighbours.points.iter().map(|n| n.point)), number(neighbours.suspect));
        against.push(said(format!("{off} {unit} from {names}"), format!("与 {names} 相差 {off} {unit}")));
    }
    let id = &point.id;
    (!against.is_empty()).then(|| match lang {
        Lang::En => format!("{id} is held against: {}", against.join("; ")),
        Lang::Zh => format!("{id} 的质量检查:{}", against.join(";")),
    })
}

fn still(site: &Site, flat: &Flat, lang: Lang) -> Vec<String> {
    let suspect = flat.suspect_after.map(|after| match lang {
        Lang::En => format!("standing still for {after} (suspect)"),
        Lang::Zh => format!("不变 {after}(存疑)"),
    });
    let stuck = flat.stuck_after.map(|after| match lang {
        Lang::En => format!("standing still for {after} (a fault, the grade is held)"),
        Lang::Zh => format!("不变 {after}(故障,等级保持)"),
    });
    let beside = flat.beside.as_ref().map(|beside| {
        let (after, names) = (beside.after, names(site, beside.points.iter().copied()));
        match lang {
            Lang::En => format!("standing still for {after} while {names} moved (a fault, the grade is held)"),
            Lang::Zh => format!("{names} 变化而其不变 {after}(故障,等级保持)"),
        }
    });
    suspect.into_iter().chain(stuck).chain(beside).collect()
}

fn names(site: &Site, points: impl Iterator<Item = PointIx>) -> String {
    let name = |ix: PointIx| Some(format!("{}/{}", site.station_of(ix)?.id, site.point(ix)?.id));
    points.filter_map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cli::sample::SAMPLE;
    use crate::config;

    #[test]
    fn every_check_of_a_point_is_told_in_both_languages() {
        let checks = [
            "flat_after = \"2d\"",
            "flat = { suspect_after = \"12h\", beside = [\"xiaqing/stage\"], beside_after = \"3h\", moved = \"0.3 m\" }",
            "spike = { suspect = \"0.5 m\" }",
            "neighbours = { suspect = \"0.8 m\", points = [\"xiaqing/stage\"] }",
            "[[station]]\nid = \"xiaqing\"\n[[station.point]]\nid = \"stage\"\nquantity = \"stage\"\nunit = \"m\"\ninterval = \"5m\"",
        ];
        let before = "\n## Stations that a rule judges together";
        let text = SAMPLE.replace(before, &format!("{}\n{before}", checks.join("\n")));
        let examined = config::examine_str("sample.toml", &text, Path::new("."));
        let settings = examined.settings.expect("a sound site");
        let site = settings.site();
        let point = site.point(site.find_point("qingshi", "stage").expect("it is there")).expect("it is there");
        let told = |lang| line(site, point, point.scrutiny.as_deref().expect("it has one"), lang).expect("a line");
        assert_eq!(
            told(Lang::En),
            "stage is held against: standing still for 12h (suspect); standing still for 2d (a fault, the grade is held); \
             standing still for 3h while xiaqing/stage moved (a fault, the grade is held); spikes of 0.5 m; \
             0.8 m from xiaqing/stage"
        );
        assert_eq!(
            told(Lang::Zh),
            "stage 的质量检查:不变 12h(存疑);不变 2d(故障,等级保持);xiaqing/stage 变化而其不变 3h(故障,等级保持);\
             尖峰 0.5 m;与 xiaqing/stage 相差 0.8 m"
        );
    }
}
