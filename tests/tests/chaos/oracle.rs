//! What must have come out of it? A second, much smaller reading of the rules, which shares nothing with the product:
//! from values to grades, from grades to the bulletins of each warning.

use std::collections::{BTreeMap, BTreeSet};

use super::platform::Heard;

/// Blue, yellow, orange and red are raised at these values …
pub(crate) const RAISE_AT: [f64; 4] = [10.0, 20.0, 30.0, 40.0];
/// … and left when a value is further below than this.
pub(crate) const MARGIN: f64 = 1.0;
/// The words of no grade and of the four.
pub(crate) const GRADES: [&str; 5] = ["clear", "blue", "yellow", "orange", "red"];

/// A bulletin's class and grade.
pub(crate) type Said = (String, String);

/// The grade after a value: up at once, down step by step while the value is clear of the margin.
fn grade_after(grade: usize, value: f64) -> usize {
    let reached = RAISE_AT.iter().filter(|at| value >= **at).count();
    let mut held = grade;
    while held > 0 && value < RAISE_AT[held - 1] - MARGIN {
        held -= 1;
    }
    held.max(reached)
}

/// The bulletins that the values of one station must bring, warning by warning.
pub(crate) fn expected(values: &[f64]) -> Vec<Vec<Said>> {
    let mut warnings: Vec<Vec<Said>> = Vec::new();
    let mut grade = 0;
    for value in values {
        let next = grade_after(grade, *value);
        let class = match (grade, next) {
            (same, next) if same == next => continue,
            (0, _) => "warning.raised",
            (_, 0) => "warning.cleared",
            (lower, higher) if lower < higher => "warning.upgraded",
            (_, _) => "warning.downgraded",
        };
        if grade == 0 {
            warnings.push(Vec::new());
        }
        // An ending states the grade that ends.
        let stated = GRADES[if next == 0 { grade } else { next }];
        let warning = warnings.last_mut().expect("a warning opens with its first grade");
        warning.push((class.to_owned(), stated.to_owned()));
        grade = next;
    }
    warnings
}

/// What an audience has heard of one area, warning by warning in the order in which they were opened, each in the order
/// of arrival.
pub(crate) fn told(heard: &[Heard], channel: &str, area: &str) -> Vec<Vec<Said>> {
    let mut warnings: BTreeMap<&str, Vec<Said>> = BTreeMap::new();
    for bulletin in heard.iter().filter(|heard| heard.channel == channel && heard.area == area) {
        let said = (bulletin.class.clone(), bulletin.grade.clone());
        // The ids of one day count up, with leading zeros.
        warnings.entry(&bulletin.warning).or_default().push(said);
    }
    warnings.into_values().collect()
}

/// Bulletins that say under a second key what was said under a first one: the same state of the same warning to the same
/// audience.
pub(crate) fn twice(heard: &[Heard]) -> Vec<&Heard> {
    let mut known = BTreeSet::new();
    heard.iter().filter(|h| !known.insert((&h.channel, &h.warning, &h.class, &h.grade, h.version))).collect()
}

#[test]
fn the_reference_says_what_a_child_would() {
    let told = expected(&[1.0, 9.5, 10.0, 9.5, 9.0, 8.9, 45.0, 38.9, 9.2, 8.0, 20.0]);
    let told: Vec<String> =
        told.iter().map(|w| w.iter().map(|(c, g)| format!("{c} {g}")).collect::<Vec<_>>().join(", ")).collect();
    assert_eq!(
        told,
        [
            "warning.raised blue, warning.cleared blue",
            "warning.raised red, warning.downgraded orange, warning.downgraded blue, warning.cleared blue",
            "warning.raised yellow",
        ]
    );
}
