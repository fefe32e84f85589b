//! Notices and their receipts.

use watchfire_model::{
    attention::Attention,
    mode::Live,
    receipt::{Attempt, Outcome, Receipt},
    site::Channel,
    time::Timestamp,
    warning::What,
};

use super::super::{
    Input,
    outbox::CROWDED,
    story::{Story, automatic, site},
};

fn open(story: &Story<Live>) -> Vec<String> {
    let short = |id: &str| id.rsplit_once("-W-20260801-").map_or("", |(_, rest)| rest).to_owned();
    story.desk.unsettled().map(|notice| short(notice.id.as_str())).collect()
}

#[test]
fn red_goes_first_and_each_channel_in_order() {
    let story = Story::<Live>::told(automatic(), "x blue; a yellow; a red");
    assert_eq!(
        open(&story),
        [
            "0002-p1@board",
            "0002-p2@board",
            "0002-i1@duty",
            "0002-i2@duty",
            "0002-p2@siren",
            "0001-p1@board",
            "0001-i1@duty"
        ]
    );
}

#[test]
fn a_notice_is_open_until_its_final_receipt_and_is_the_same_after_a_restart() {
    let mut story = Story::<Live>::told(site(), "a red; failing");
    assert_eq!(open(&story), ["0001-i1@duty"]);
    let again: Vec<_> = story.restarted().unsettled().cloned().collect();
    assert_eq!(again, story.desk.unsettled().cloned().collect::<Vec<_>>());
    story.tell("delivered");
    assert_eq!(open(&story), [""; 0]);
    let warning = story.desk.warnings().next().expect("live");
    let [status] = &warning.notices[..] else { panic!("one notice") };
    assert!(status.receipt.as_ref().is_some_and(|receipt| receipt.outcome.is_final()));
    assert!(warning.timeline.iter().any(|entry| entry.what == What::Delivered && entry.note == "duty R-1"));
}

#[test]
fn a_refused_notice_is_put_before_people() {
    let story = Story::<Live>::told(site(), "a red; zhang acks; refused");
    assert_eq!(open(&story), [""; 0], "it will never be taken as it stands");
    let warning = story.desk.warnings().next().expect("live");
    assert!(warning.timeline.iter().any(|entry| entry.what == What::Undelivered && entry.note == "duty: 400"));
    let alarm = story.alarm("stage", "a").expect("it stands");
    assert!(matches!(alarm.fault_attention, Attention::Unacked { .. }));
    assert!(matches!(alarm.attention, Attention::Acked { .. }));
}

#[test]
fn a_receipt_that_comes_twice_or_for_nothing_of_ours_changes_nothing() {
    let mut story = Story::<Live>::told(site(), "a red");
    let notice = story.desk.unsettled().next().cloned().expect("one is open");
    let receipt = |notice, channel| {
        let outcome = Outcome::Delivered { reference: None, coverage: None };
        let (at, tried) = (Timestamp(0), Vec::new());
        Input::Receipt(Receipt { notice, channel, at, attempts: 1, outcome, tried })
    };
    assert_eq!(story.step(receipt("other".into(), notice.channel.clone())), []);
    assert_eq!(story.step(receipt(notice.id.clone(), "siren".into())), []);
    assert_ne!(story.step(receipt(notice.id.clone(), notice.channel.clone())), []);
    assert_eq!(story.step(receipt(notice.id, notice.channel)), []);
}

#[test]
fn a_newer_bulletin_does_not_overtake_or_drop_an_unsent_one() {
    let mut story = Story::<Live>::told(automatic(), "a blue; a yellow; a orange");
    let orders = |story: &Story<Live>| {
        story.desk.unsettled().filter(|n| n.channel.as_str() == "duty").map(|n| n.order).collect::<Vec<_>>()
    };
    assert_eq!(orders(&story), [1, 2, 3]);
    story.tell("all delivered; a red");
    assert_eq!(orders(&story), [4]);
}

#[test]
fn past_the_limit_of_what_is_under_way_every_orange_and_red_is_still_said() {
    let mut site = automatic();
    let duty = site.channels.iter().find(|channel| channel.name.as_str() == "duty").cloned().expect("it is there");
    site.channels.extend((0..CROWDED / 4).map(|n| Channel { name: format!("duty {n}").into(), ..duty.clone() }));
    let mut story = Story::<Live>::told(site, "x blue; x yellow; x orange; x red");
    assert!(story.desk.unsettled().count() > CROWDED);
    story.record.clear();
    story.tell("b orange; b red");
    assert_eq!(story.said(), "i raised orange, p raised orange, i upgraded red, p upgraded red");
}

#[test]
fn each_attempt_is_kept_with_its_outcome_and_of_many_the_first_and_the_last() {
    let mut story = Story::<Live>::told(site(), "a red");
    let notice = story.desk.unsettled().next().cloned().expect("one is open");
    let failed = |at: i64| Attempt { at: Timestamp(at), outcome: Outcome::Failing { reason: format!("{at}") } };
    let mut hear = |attempts: u32, at: i64, tried: Vec<Attempt>, outcome: Outcome| {
        let (notice, channel) = (notice.id.clone(), notice.channel.clone());
        let _ = story.step(Input::Receipt(Receipt { notice, channel, at: Timestamp(at), attempts, outcome, tried }));
        let warning = story.desk.warnings().next().expect("live");
        let [status] = &warning.notices[..] else { panic!("one notice") };
        assert!(story.restarted() == story.desk);
        (status.attempts, status.tried.iter().map(|attempt| attempt.at.0).collect::<Vec<_>>())
    };
    assert_eq!(hear(1, 1, Vec::new(), failed(1).outcome), (1, vec![1]));
    assert_eq!(hear(4, 4, vec![failed(2), failed(3)], failed(4).outcome), (4, vec![1, 2, 3, 4]));
    // The daemon was started again: its courier counts anew.
    assert_eq!(hear(1, 5, Vec::new(), failed(5).outcome), (5, vec![1, 2, 3, 4, 5]));
    let more = (6..36).map(failed).collect();
    let delivered = Outcome::Delivered { reference: None, coverage: None };
    let kept = (1..9).chain(29..37).collect::<Vec<_>>();
    assert_eq!(hear(32, 36, more, delivered), (36, kept), "and all are counted");
}

#[test]
fn ended_warnings_are_forgotten_here_once_all_is_delivered() {
    let mut story = Story::<Live>::told(automatic(), "b blue; b clear");
    for _ in 0..220 {
        story.tell("a blue; a clear");
        let open: Vec<_> =
            story.desk.unsettled().filter(|n| n.bulletin.warning.as_str() != "W-20260801-0001").cloned().collect();
        for notice in open {
            let outcome = Outcome::Delivered { reference: None, coverage: None };
            let (at, tried) = (story.now.wall, Vec::new());
            let receipt = Receipt { notice: notice.id, channel: notice.channel, at, attempts: 1, outcome, tried };
            let _ = story.step(Input::Receipt(receipt));
        }
        story.tell("+1s");
    }
    assert_eq!(story.desk.warnings().count(), 200);
    let first = story.desk.warnings().next().map(|warning| warning.id.to_string());
    assert_eq!(first.as_deref(), Some("W-20260801-0001"), "its notices have not been delivered");
    assert_eq!(story.desk.unsettled().count(), 4);
    assert!(story.restarted() == story.desk);
}
