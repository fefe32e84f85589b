//! What is said to whom over a warning's life.

use watchfire_model::{command::Refusal, grade::PerGrade, mode::Live, rule::Release, site::Site};

use super::super::story::{Story, automatic, demo, flood, site};

/// Tells a story, holds what was said against what should be, and holds a restart against both.
fn check(site: Site, story: &str, said: &str) {
    let told = Story::<Live>::told(site, story);
    assert_eq!(told.said(), said, "{story}");
    assert!(told.restarted() == told.desk, "a restart differs after: {story}");
}

#[test]
fn duty_hears_at_once_and_the_public_after_a_signature() {
    check(site(), "a yellow", "i raised yellow");
    check(site(), "a yellow; zhang signs", "i raised yellow, p raised yellow");
    check(
        site(),
        "a yellow; zhang signs; a red; li signs; a yellow; li signs; a clear; zhang signs",
        "i raised yellow, p raised yellow, i upgraded red, p upgraded red, i downgraded yellow, p downgraded yellow, \
         i continued yellow, i cleared yellow, p cleared yellow",
    );
}

#[test]
fn an_upgrade_takes_the_place_of_what_waits() {
    check(site(), "a yellow; a red; zhang signs", "i raised yellow, i upgraded red, p raised red");
}

#[test]
fn nothing_waits_where_the_site_says_so_except_the_end_of_orange_and_red() {
    check(automatic(), "a blue; a clear", "i raised blue, p raised blue, i cleared blue, p cleared blue");
    check(automatic(), "a red; a clear", "i raised red, p raised red, i continued red");
    check(demo(), "a red; a clear", "i raised red, p raised red, i cleared red, p cleared red");
}

#[test]
fn two_signatures_are_of_two_people() {
    let mut site = site();
    flood(&mut site).release.raise = PerGrade::all(Release::Two);
    let mut story = Story::<Live>::told(site, "a red; zhang signs");
    assert_eq!(story.try_one("zhang signs"), Err(Refusal::SamePerson { who: "zhang".to_owned() }));
    assert_eq!(story.said(), "i raised red");
    story.tell("li signs");
    assert_eq!(story.said(), "i raised red, p raised red");
}
