//! What is said to whom over a warning's life.

use std::sync::Arc;

use watchfire_model::{
    bulletin::Status,
    grade::{Grade, PerGrade},
    mode::{Exercise, Live, Shadow},
    rule::Release,
    site::{Audience, Site},
    time::{Span, Timestamp},
    warning::{Ending, Publication, Warning, What},
};

use super::super::story::{START, Story, automatic, demo, flood, rule, site};

/// Tells a story, holds what was said against what should be, and holds a restart against both.
pub(super) fn check(site: Site, story: &str, said: &str) {
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
fn what_was_never_published_ends_without_the_public() {
    check(site(), "a red; a clear", "i raised red, i cleared red");
    check(site(), "seep a red; seep a clear", "i raised red, i cleared red");
}

#[test]
fn nothing_waits_where_the_site_says_so_except_the_end_of_orange_and_red() {
    check(automatic(), "a blue; a clear", "i raised blue, p raised blue, i cleared blue, p cleared blue");
    check(automatic(), "a red; a clear", "i raised red, p raised red, i continued red");
    check(demo(), "a red; a clear", "i raised red, p raised red, i cleared red, p cleared red");
}

#[test]
fn a_grade_that_comes_back_keeps_its_public_word() {
    // The renewal fell due while all was clear and only the signature was missing.
    check(
        site(),
        "a blue; zhang signs; a clear; +541m; a blue",
        "i raised blue, p raised blue, i continued blue, i extended blue, i upgraded blue, p extended blue",
    );
    // A person's word ends in the very minute in which the public bulletin does: what was put aside stands again.
    let mut story = Story::<Live>::told(
        site(),
        "c blue; zhang cancels; x blue; +1s; b clear; li sets b blue 1m; zhang signs; +11h",
    );
    let live = story.desk.warnings().find(|warning| warning.grade.is_some() && warning.area.as_str() == "431100000000");
    let publication = live.map(|warning| warning.publication.clone());
    assert!(
        matches!(publication, Some(Publication::Released { expires_steady, .. }) if expires_steady > story.now.steady),
        "{publication:?}"
    );
    story.tell("c clear; x clear; +11h");
    let over = |warning: &&Arc<Warning>| matches!(warning.publication, Publication::Ended { .. });
    assert_eq!(story.desk.warnings().filter(over).count(), story.desk.warnings().count());
}

#[test]
fn a_slope_ends_by_a_person_whatever_is_written() {
    let mut site = automatic();
    flood(&mut site).categories = vec!["Geo".to_owned()];
    check(
        site,
        "a blue; a clear; zhang signs",
        "i raised blue, p raised blue, i continued blue, i cleared blue, p cleared blue",
    );
}

#[test]
fn four_gauges_on_one_reach_are_one_warning() {
    check(
        automatic(),
        "a blue; b yellow; c blue; b blue; b clear; a clear; c clear; x blue",
        "i raised blue, p raised blue, i upgraded yellow, p upgraded yellow, i downgraded blue, p downgraded blue, \
         i cleared blue, p cleared blue, i raised blue, p raised blue",
    );
    let story = Story::<Live>::told(automatic(), "a blue; b yellow; x blue");
    let ids: Vec<&str> = story.desk.warnings().map(|warning| warning.id.as_str()).collect();
    assert_eq!(ids, ["W-20260801-0001", "W-20260801-0002"]);
}

#[test]
fn danger_that_returns_before_the_ending_is_signed_goes_on_in_the_same_warning() {
    check(
        site(),
        "a red; zhang signs; a clear; a blue; zhang signs",
        "i raised red, p raised red, i continued red, i upgraded blue, p downgraded blue",
    );
}

#[test]
fn after_an_ending_a_new_raise_is_a_new_warning() {
    let story = Story::<Live>::told(automatic(), "a blue; a clear; a blue");
    assert_eq!(story.desk.warnings().count(), 2);
    assert_eq!(
        story.said(),
        "i raised blue, p raised blue, i cleared blue, p cleared blue, i raised blue, p raised blue"
    );
}

#[test]
fn a_bulletin_is_extended_while_its_grade_holds_and_runs_out_when_only_a_signature_is_missing() {
    check(site(), "a red; zhang signs; +9h10m", "i raised red, p raised red, i extended red, p extended red");
    let story = Story::<Live>::told(site(), "a red; zhang signs; a clear; +11h");
    assert_eq!(
        story.said(),
        "i raised red, p raised red, i continued red, i extended red, i expired red, p expired red"
    );
    let warning = story.desk.warnings().next().expect("it is kept");
    assert!(matches!(warning.publication, Publication::Ended { how: Ending::Expired, .. }));
    assert_eq!(warning.waiting, None);
}

#[test]
fn every_channel_that_heard_of_it_hears_the_end() {
    let story = Story::<Live>::told(site(), "a red; zhang signs; a blue; zhang signs; a clear; zhang signs");
    let heard = |channel: &str| {
        let notices = story.desk.unsettled().filter(|notice| notice.channel.as_str() == channel);
        notices
            .map(|notice| notice.bulletin.class.event().trim_start_matches("warning.").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(heard("siren"), ["raised", "downgraded", "cleared"]);
    assert_eq!(heard("duty"), ["raised", "downgraded", "continued", "cleared"]);
    let quiet = Story::<Live>::told(site(), "a blue; zhang signs; a clear; zhang signs");
    assert!(quiet.desk.unsettled().all(|notice| notice.channel.as_str() != "siren"));
}

#[test]
fn a_channel_that_is_gone_by_the_end_is_named() {
    let mut story = Story::<Live>::told(site(), "a red; zhang signs");
    let mut smaller = site();
    smaller.channels.retain(|channel| channel.name.as_str() != "siren");
    story.desk.reload(Arc::new(smaller));
    story.tell("a clear; zhang signs");
    let warning = story.desk.warnings().next().expect("it is kept");
    assert!(warning.timeline.iter().any(|entry| entry.what == What::Undelivered && entry.note.contains("siren")));
}

#[test]
fn a_rule_that_is_renamed_keeps_its_warning() {
    let mut story = Story::<Live>::told(site(), "a orange; zhang signs");
    let mut renamed = site();
    let mut new = rule("level", "river_flood");
    new.aliases = vec!["stage".into()];
    renamed.rules[0] = new;
    story.site = Arc::new(renamed);
    story.desk.reload(Arc::clone(&story.site));
    story.tell("level a orange");
    assert_eq!(story.said(), "i raised orange, p raised orange");
    story.tell("level a red; li signs");
    assert_eq!(story.desk.warnings().count(), 1);
    assert_eq!(story.desk.alarms().count(), 1);
    assert!(story.said().ends_with("i upgraded red, p upgraded red"));
    assert!(story.restarted() == story.desk, "even where the site has changed since");
}

#[test]
fn a_rule_on_trial_is_shown_and_says_nothing() {
    let mut site = site();
    site.rules[0].shadow = true;
    let story = Story::<Live>::told(site, "a red; a lost; a back");
    assert_eq!((story.said().as_str(), story.desk.warnings().count()), ("", 0));
    assert_eq!(story.alarm("stage", "a").and_then(|alarm| alarm.standing()), Some(Grade::Red));
}

#[test]
fn a_drill_says_so_and_reaches_only_channels_that_take_drills() {
    let drill = Story::<Exercise>::told(automatic(), "a red");
    assert!(drill.bulletins().all(|bulletin| bulletin.status == Status::Exercise));
    let marked = |words: &str| words.starts_with("【演练】");
    assert!(drill.bulletins().flat_map(|b| &b.texts).all(|t| marked(&t.headline) && marked(&t.description)));
    let reached: Vec<&str> = drill.desk.unsettled().map(|notice| notice.channel.as_str()).collect();
    assert_eq!(reached, ["duty"]);
    let shadow = Story::<Shadow>::told(automatic(), "a red");
    assert_eq!((shadow.said().as_str(), shadow.desk.unsettled().count()), ("i raised red, p raised red", 0));
}

#[test]
fn a_site_that_is_not_in_service_says_test_in_every_text() {
    let story = Story::<Live>::told(demo(), "a red; a clear");
    for bulletin in story.bulletins() {
        assert_eq!((bulletin.status, bulletin.note.is_some()), (Status::Test, true));
        assert!(
            bulletin.texts.iter().all(|t| t.headline.starts_with("【演示】") && t.description.starts_with("【演示】"))
        );
    }
}

#[test]
fn a_bulletin_is_complete() {
    let story = Story::<Live>::told(site(), "a yellow; b orange; +90s; zhang signs");
    let bulletin = story.bulletins().last().expect("the public's first");
    assert_eq!(bulletin.id.as_str(), "qingshi.example---W-20260801-0001-p1");
    assert_eq!((bulletin.audience, bulletin.sent), (Audience::Public, Timestamp(START.0 + 90_000)));
    assert_eq!(bulletin.expires, bulletin.sent + Span::hours(10));
    let [chinese, english] = &bulletin.texts[..] else { panic!("two languages") };
    assert_eq!(chinese.headline, "青石县防汛抗旱指挥部发布洪水橙色预警[Ⅱ级/严重]");
    assert_eq!(chinese.description, "青石镇桥头站、青石站水位47.62m,超过47.5m。");
    assert_eq!(chinese.instruction, "巡堤查险,转移低洼地带群众。");
    assert_eq!(english.headline, "青石县防汛抗旱指挥部 issues orange flood warning");
    let measured: Vec<_> = bulletin.measured.iter().map(|m| (m.name.as_str(), m.value)).collect();
    assert_eq!(measured, [("桥头站", Some(47.62)), ("青石站", Some(45.12))]);
}

#[test]
fn a_change_and_an_ending_are_named_as_such() {
    let story = Story::<Live>::told(demo(), "a yellow; a red; a clear; b blue; zhang cancels");
    let headlines: Vec<&str> = story
        .bulletins()
        .filter(|bulletin| bulletin.audience == Audience::Public)
        .flat_map(|bulletin| &bulletin.texts)
        .map(|text| text.headline.trim_start_matches("【演示】").trim_start_matches("青石县防汛抗旱指挥部").trim())
        .collect();
    assert_eq!(
        headlines,
        [
            "发布洪水黄色预警[Ⅲ级/较重]",
            "issues yellow flood warning",
            "变更发布洪水红色预警[Ⅰ级/特别严重]",
            "upgrades to red flood warning [Ⅰ, extreme]",
            "解除洪水红色预警[Ⅰ级/特别严重]",
            "ends red flood warning [Ⅰ, extreme]",
            "发布洪水蓝色预警[Ⅳ级/一般]",
            "issues blue flood warning",
            "撤销洪水蓝色预警[Ⅳ级/一般]",
            "withdraws blue flood warning [Ⅳ, minor]",
        ]
    );
}

#[test]
fn a_bulletin_without_one_of_its_contents_never_leaves_and_is_made_again_once_mended() {
    let mut broken = automatic();
    flood(&mut broken).texts[0].1.instruction = PerGrade::all(String::new());
    let mut story = Story::<Live>::told(broken, "a yellow; +1h");
    assert_eq!(story.said(), "");
    let warning = story.desk.warnings().next().expect("it is there to be seen");
    let refused: Vec<&str> =
        warning.timeline.iter().filter(|e| e.what == What::Refused).map(|entry| entry.note.as_str()).collect();
    assert!(
        matches!(refused[..], [internal, public] if internal.contains("应采取的措施") && public.contains("-p1")),
        "{refused:?}"
    );
    story.desk.reload(Arc::new(automatic()));
    story.tell("+11m");
    assert_eq!(story.said(), "i raised yellow, p raised yellow");
}

#[test]
fn two_signatures_are_of_two_people() {
    let mut site = site();
    flood(&mut site).release.raise = PerGrade::all(Release::Two);
    let mut story = Story::<Live>::told(site, "a red; zhang signs");
    let refused = story.try_one("zhang signs").map_err(|refusal| refusal.to_string());
    assert_eq!(refused, Err("zhang has signed already; a second person must sign".to_owned()));
    assert_eq!(story.said(), "i raised red");
    story.tell("li signs");
    assert_eq!(story.said(), "i raised red, p raised red");
}

#[test]
fn a_bulletin_says_nothing_of_measurements_that_is_not_so() {
    let last = |story: &str| {
        let story = Story::<Live>::told(site(), story);
        let bulletin = story.bulletins().filter(|bulletin| bulletin.audience == Audience::Public).last().cloned();
        bulletin.map(|bulletin| bulletin.texts[0].description.clone()).expect("the public was told")
    };
    // Red is measured and unsigned: the public's yellow is stated with yellow's threshold.
    let held = "监测中断,等级保持:自13:50起无有效监测数据。";
    assert_eq!(last("a yellow; zhang signs; a red; a lost"), format!("青石镇青石站水位50.12m,超过45m。{held}"));
    // Yellow is measured and the lowering unsigned: nobody is told that the water stands above red.
    assert_eq!(
        last("a red; zhang signs; a yellow; a lost"),
        format!("青石镇洪水红色预警继续有效,等级调整须经签发。{held}")
    );
    assert_eq!(
        last("a blue; zhang sets a orange 3h; zhang signs"),
        "经值班人员研判,青石镇洪水预警等级定为橙色。低洼地带受淹"
    );
    assert_eq!(last("a red; zhang signs; li sets a clear 3h; zhang signs"), "经值班人员研判,青石镇洪水预警解除。");
}
