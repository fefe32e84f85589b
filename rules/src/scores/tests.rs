mod released;

use watchfire_model::grade::Grade;
use watchfire_model::time::{Span, Timestamp};

use super::{Calls, Course, Difference, Kind, Matching, Occurrence, Verification, compare, verify};

fn hour(hour: i64) -> Timestamp {
    Timestamp(hour * 3_600_000)
}

/// `10 yellow, 20 red, 30 clear`: hours and what was told then.
fn course(name: &str, told: &str) -> Course {
    let (hazard, area) = name.split_once('@').expect("hazard@area");
    let step = |step: &str| {
        let (at, word) = step.trim().split_once(' ').expect("an hour and a grade");
        (hour(at.parse().expect("an hour")), word.parse().ok())
    };
    Course {
        warning: format!("W-{name}-{told}").into(),
        hazard: hazard.into(),
        area: area.into(),
        rules: std::iter::once("r".into()).collect(),
        steps: told.split(',').map(step).collect(),
    }
}

/// `50` happened in that hour; `50-74` some time in these.
fn occurrence(when: &str) -> Occurrence {
    let (from, until) = when.split_once('-').unwrap_or((when, when));
    let at = |text: &str| hour(text.parse().expect("an hour"));
    Occurrence { from: at(from), until: at(until), area: None, hazard: None, name: String::new() }
}

const ALL: (Timestamp, Timestamp) = (Timestamp(0), Timestamp(1_000 * 3_600_000));

fn verified(courses: &[Course], occurrences: &[Occurrence], lead_hours: i64, grade: Grade) -> Verification {
    let matching = Matching { lead: Span::hours(lead_hours), tolerance: Span::ZERO };
    verify(courses, occurrences, matching, ALL, &[grade])
}

/// `hits misses standing / verified false undecided / median lead in hours`.
fn check(told: &[&str], happened: &[&str], expected: &str) {
    let courses: Vec<Course> = told.iter().map(|told| course("flood@a", told)).collect();
    let occurrences: Vec<Occurrence> = happened.iter().map(|when| occurrence(when)).collect();
    let verification = verified(&courses, &occurrences, 24, Grade::Yellow);
    let score = &verification.scores[0];
    let lead = score.lead.median.map_or_else(|| "-".to_owned(), |lead| lead.as_hours().to_string());
    let shown = format!(
        "{} {} {} / {} {} {} / {lead}",
        score.hits, score.misses, score.standing, score.verified, score.false_alarms, score.undecided
    );
    assert_eq!(shown, expected, "{told:?} {happened:?}");
}

#[test]
fn a_warning_in_time_is_a_hit_and_one_in_vain_is_false() {
    check(&["40 yellow, 60 clear"], &["50"], "1 0 0 / 1 0 0 / 10");
    check(&["40 yellow, 60 clear"], &["90"], "0 1 0 / 0 1 0 / -");
    check(&["40 blue, 60 clear"], &["50"], "0 1 0 / 0 0 0 / -");
    check(&["40 red, 60 clear"], &["50"], "1 0 0 / 1 0 0 / 10");
    check(&[], &["50"], "0 1 0 / 0 0 0 / -");
    check(&["40 yellow, 60 clear"], &[], "0 0 0 / 0 1 0 / -");
}

#[test]
fn one_that_is_over_before_still_warned_if_it_rose_within_the_longest_lead() {
    check(&["40 yellow, 45 clear"], &["64"], "1 0 0 / 1 0 0 / 24");
    check(&["40 yellow, 45 clear"], &["65"], "0 1 0 / 0 1 0 / -");
}

#[test]
fn one_that_has_stood_for_long_is_a_hit_without_a_lead_time() {
    check(&["10 yellow, 90 clear"], &["50"], "1 0 1 / 1 0 0 / -");
    check(&["10 yellow, 90 clear"], &["30", "50"], "2 0 1 / 1 0 0 / 20");
}

#[test]
fn one_that_comes_too_late_misses_and_is_false_too() {
    check(&["51 yellow, 90 clear"], &["50"], "0 1 0 / 0 1 0 / -");
    // Of a day whose hour nobody knows it may have been in time.
    check(&["51 yellow, 90 clear"], &["48-72"], "1 0 0 / 1 0 0 / -3");
}

#[test]
fn a_new_rise_within_one_warning_is_a_warning_of_its_own() {
    check(&["10 yellow, 20 blue, 200 yellow, 210 clear"], &["205"], "1 0 0 / 1 1 0 / 5");
}

#[test]
fn lead_counts_from_the_rise_that_stands_when_it_happens() {
    check(&["30 yellow, 35 clear", "48 yellow, 60 clear"], &["50"], "1 0 0 / 2 0 0 / 2");
}

#[test]
fn what_the_recording_cannot_tell_counts_as_neither() {
    check(&["990 yellow, 995 clear"], &[], "0 0 0 / 0 0 1 / -");
    let told = verified(&[], &[occurrence("1200")], 24, Grade::Blue);
    assert_eq!((told.outside, told.scores[0].misses), (1, 0));
}

#[test]
fn ratios_are_those_of_the_textbook() {
    let courses = ["40 red, 60 clear", "140 red, 160 clear", "340 red, 360 clear"].map(|told| course("flood@a", told));
    let occurrences = ["50", "150", "250", "850"].map(occurrence);
    let told = verified(&courses, &occurrences, 24, Grade::Red);
    let score = &told.scores[0];
    assert_eq!((score.pod, score.far), (Some(0.5), Some(1.0 / 3.0)));
    // Two hits, two misses, one false: one warning to each, so CSI is 2 / 5.
    assert!((score.csi.expect("there is one") - 0.4).abs() < 1e-12);
    let nothing = verified(&[], &[], 24, Grade::Red);
    assert_eq!((nothing.scores[0].pod, nothing.scores[0].far, nothing.scores[0].csi), (None, None, None));
}

#[test]
fn hazard_and_area_keep_apart_what_does_not_belong_together() {
    let courses = [course("flood@a", "40 yellow, 60 clear"), course("slide@b", "40 yellow, 60 clear")];
    let at = |area: Option<&str>, hazard: Option<&str>| Occurrence {
        area: area.map(Into::into),
        hazard: hazard.map(Into::into),
        ..occurrence("50")
    };
    let shown = |occurrence: Occurrence| {
        let told = verified(&courses, &[occurrence], 24, Grade::Yellow);
        let score = &told.scores[0];
        (score.hits, score.verified, score.false_alarms, told.other_hazards)
    };
    assert_eq!(shown(at(None, None)), (1, 2, 0, 0));
    assert_eq!(shown(at(Some("a"), None)), (1, 1, 1, 0));
    assert_eq!(shown(at(Some("c"), None)), (0, 0, 2, 0));
    // Nobody wrote down floods: those warnings are neither right nor wrong.
    assert_eq!(shown(at(None, Some("slide"))), (1, 1, 0, 1));
}

#[test]
fn each_occurrence_is_told_with_its_highest_grade_and_its_first_rise() {
    let courses = [course("flood@a", "40 blue, 44 orange, 60 clear")];
    let told = verified(&courses, &[occurrence("50")], 24, Grade::Blue);
    let answered = &told.occurrences[0];
    assert_eq!(answered.grade, Some(Grade::Orange));
    assert_eq!((answered.rise, answered.lead), (Some(hour(40)), Some(Span::hours(10))));
}

fn difference(here: &[&str], there: &[&str]) -> Difference {
    let all = |told: &[&str]| told.iter().map(|told| course("flood@a", told)).collect::<Vec<_>>();
    compare(&all(here), &all(there), Span::hours(24))
}

#[test]
fn two_rule_sets_are_compared_warning_by_warning() {
    let kinds = |difference: Difference| difference.pairs.into_iter().map(|pair| pair.kind).collect::<Vec<_>>();
    let hours = Span::hours;
    assert_eq!(kinds(difference(&["10 red, 20 clear"], &["10 red, 20 clear"])), [Kind::Same]);
    assert_eq!(
        kinds(difference(&["10 red, 20 clear"], &["8 red, 21 clear"])),
        [Kind::Moved { begin: hours(-2), end: Some(hours(1)) }]
    );
    assert_eq!(
        kinds(difference(&["10 red, 20 clear"], &["10 blue, 12 red, 20 clear"])),
        [Kind::Graded { begin: hours(0) }]
    );
    assert_eq!(kinds(difference(&["10 red, 20 clear"], &["100 red, 120 clear"])), [Kind::OnlyHere, Kind::OnlyThere]);
    assert!(difference(&["10 red, 20 clear", "200 red"], &["10 red, 20 clear", "200 red"]).is_none());
}

#[test]
fn of_two_that_fit_the_nearer_is_the_same_thing() {
    let difference = difference(&["10 red, 20 clear", "30 red, 40 clear"], &["31 red, 40 clear"]);
    assert_eq!((difference.moved, difference.only_here), (1, 1), "{difference:?}");
}

#[test]
fn calls_are_counted_in_ten_minutes() {
    let mut calls = Calls::default();
    for minute in [0, 1, 2, 15, 31, 32] {
        calls.call(Timestamp(minute * 60_000));
    }
    let told = calls.told(Timestamp(0), Timestamp(3_600_000));
    assert_eq!((told.busy, told.median_when_busy, told.load.most_per_10_min), (3, Some(2), 3));
    assert!((told.load.mean_per_10_min - 1.0).abs() < 1e-12);
}
