//! What was really released, hazard by hazard and in a stretch of a longer record.

use super::*;
use crate::scores::{Graded, Released, Window};

/// Of the hours 100 to 200, looked at in hour `now`; half an hour of lead is asked for.
fn released(courses: &[Course], occurrences: &[Occurrence], now: i64) -> Released {
    let matching = Matching { lead: Span::hours(24), tolerance: Span::ZERO };
    let window = Window { from: hour(100), to: hour(200), known_until: hour(now) };
    Released::score(courses, occurrences, matching, Span::minutes(30), window, &[Grade::Yellow, Grade::Red])
}

fn of(hazard: &str, when: &str) -> Occurrence {
    Occurrence { hazard: (!hazard.is_empty()).then(|| hazard.into()), ..occurrence(when) }
}

/// `hazard: hits misses in time percent / verified false undecided / n`, yellow and then red.
fn lines(released: &Released) -> Vec<String> {
    let graded = |Graded { score, in_time, in_time_percent }: &Graded| {
        format!(
            "{} {} {in_time} {} / {} {} {} / {}",
            score.hits,
            score.misses,
            in_time_percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.0}")),
            score.verified,
            score.false_alarms,
            score.undecided,
            score.lead.count
        )
    };
    let line = |outcome: &crate::scores::Outcome| {
        let hazard = outcome.hazard.as_ref().map_or("all", |hazard| hazard.as_str());
        format!("{hazard}: {}", outcome.scores.iter().map(graded).collect::<Vec<_>>().join(", "))
    };
    released.outcomes.iter().map(line).collect()
}

fn minutes(hours: i64, minutes: i64) -> Timestamp {
    hour(hours) + Span::minutes(minutes)
}

#[test]
fn each_hazard_is_scored_by_itself_and_all_together() {
    let courses = [course("flood@a", "110 yellow, 119 red, 130 clear"), course("slide@a", "150 yellow, 160 clear")];
    let happened = [of("flood", "120"), of("flood", "180"), of("slide", "190")];
    let told = released(&courses, &happened, 1_000);
    assert_eq!(
        lines(&told),
        [
            "flood: 1 1 1 50 / 1 0 0 / 1, 1 1 1 50 / 1 0 0 / 1",
            "slide: 0 1 0 0 / 0 1 0 / 0, 0 1 0 0 / 0 0 0 / 0",
            "all: 1 2 1 33 / 1 1 0 / 1, 1 2 1 33 / 1 0 0 / 1",
        ]
    );
    assert_eq!(told.unverified.iter().map(|it| it.hazard.as_str()).collect::<Vec<_>>(), ["slide"]);
}

#[test]
fn a_warning_that_came_in_time_and_one_that_came_too_late_are_both_hits() {
    let early = [course("flood@a", "119 yellow, 130 clear")];
    for (lead, in_time) in [(29, 0), (30, 1), (31, 1)] {
        let happened = Occurrence { from: minutes(119, lead), until: minutes(119, lead), ..of("flood", "119") };
        let told = released(&early, &[happened], 1_000);
        let yellow = &told.outcomes[0].scores[0];
        assert_eq!((yellow.score.hits, yellow.in_time), (1, in_time), "{lead} minutes before");
    }
    // One that has stood for longer than the longest lead was there long before.
    let long = [course("flood@a", "102 yellow, 190 clear")];
    let told = released(&long, &[of("flood", "180")], 1_000);
    assert_eq!(lines(&told)[0], "flood: 1 0 1 100 / 1 0 0 / 0, 0 1 0 0 / 0 0 0 / 0");
}

#[test]
fn what_rose_before_the_window_warns_and_only_what_rose_in_it_is_right_or_wrong() {
    let courses = [
        course("flood@a", "50 yellow, 60 clear"),
        course("flood@a", "95 yellow, 110 clear"),
        course("flood@a", "195 yellow, 198 clear"),
        course("flood@a", "210 yellow, 220 clear"),
    ];
    let happened = [of("flood", "105"), of("flood", "205")];
    let told = released(&courses, &happened, 1_000);
    // The third answers what came after the window; the first and the last belong to other reports.
    assert_eq!(lines(&told)[0], "flood: 1 0 1 100 / 1 0 0 / 1, 0 1 0 0 / 0 0 0 / 0");
    assert_eq!((told.outside, told.unverified.len()), (1, 0));
}

#[test]
fn nothing_is_called_false_before_its_longest_lead_is_over() {
    let courses = [course("flood@a", "190 yellow, 195 clear")];
    let of_them = |now| lines(&released(&courses, &[of("flood", "50")], now)).remove(0);
    assert_eq!(of_them(213), "flood: 0 0 0 - / 0 0 1 / 0, 0 0 0 - / 0 0 0 / 0");
    assert_eq!(of_them(214), "flood: 0 0 0 - / 0 1 0 / 0, 0 0 0 - / 0 0 0 / 0");
}

#[test]
fn what_names_no_hazard_counts_for_whichever_warned_of_it() {
    let courses = [course("flood@a", "110 yellow, 130 clear"), course("slide@a", "150 yellow, 160 clear")];
    let told = released(&courses, &[of("", "120"), of("", "180")], 1_000);
    assert_eq!(
        lines(&told),
        [
            "flood: 1 0 1 100 / 1 0 0 / 1, 0 1 0 0 / 0 0 0 / 0",
            "slide: 0 0 0 - / 0 1 0 / 0, 0 0 0 - / 0 0 0 / 0",
            "all: 1 1 1 50 / 1 1 0 / 1, 0 2 0 0 / 0 0 0 / 0",
        ]
    );
    // Where each names its own, of other hazards nobody wrote anything down.
    let told = released(&courses, &[of("flood", "120")], 1_000);
    assert_eq!((told.outcomes.len(), told.other_hazards), (2, 1));
}
