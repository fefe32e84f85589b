//! Every CAP message is valid by the OASIS schema, whatever is in its texts; `xmllint` (libxml2-utils) is the judge.

use std::path::Path;
use std::process::Command;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use watchfire::demo::cap::Message;
use watchfire::dissemination::format::{cap, json};
use watchfire_model::bulletin::{Bulletin, BulletinArea, Measured, MessageClass, Reference, Status, Text};
use watchfire_model::grade::Grade;
use watchfire_model::mode::{Live, ModeTag};
use watchfire_model::site::Audience;
use watchfire_model::time::Timestamp;

use crate::stage::bulletin;

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/standards/cap/CAP-v1.2.xsd");

const CLASSES: [MessageClass; 9] = [
    MessageClass::Issue,
    MessageClass::Upgrade,
    MessageClass::Downgrade,
    MessageClass::Continue,
    MessageClass::Extend,
    MessageClass::Correct,
    MessageClass::Cancel,
    MessageClass::AllClear,
    MessageClass::Expire,
];

/// What xmllint says against these messages; nothing if all are valid.
fn complaints(messages: &[String]) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let files: Vec<_> = (0..messages.len()).map(|n| folder.path().join(format!("{n}.xml"))).collect();
    for (file, message) in files.iter().zip(messages) {
        std::fs::write(file, message).expect("written");
    }
    assert!(Path::new(SCHEMA).exists(), "{SCHEMA}");
    let judged = Command::new("xmllint").args(["--noout", "--nonet", "--schema", SCHEMA]).args(&files).output();
    let judged = judged.expect("xmllint is installed (package libxml2-utils)");
    (!judged.status.success()).then(|| String::from_utf8_lossy(&judged.stderr).into_owned())
}

/// Text that hurts: anything at all, or what formats stumble over.
fn nasty() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => any::<String>(),
        1 => select(vec![
            "", " ", "]]>", "<![CDATA[", "<!DOCTYPE x>", "&#0;", "&lt;", "</info>", "<!--", "-->", "<?xml?>", "\0\u{1}\u{1b}",
            "\u{FFFE}\u{FFFF}", "\u{85}\u{2028}", "\u{202E}gnp.exe", "a b,c", "\r\n\t", "青石站 Ⅰ级 ≥ 53.5 m", "'\"", "zh_CN",
        ]).prop_map(str::to_owned),
        1 => "[ -~\\n水位<>&\"']{0,60}",
    ]
}

fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<i64>(), 0_i64..4_102_444_800_000, select(vec![i64::MIN, i64::MAX, -62_135_596_800_001])]
        .prop_map(Timestamp)
}

fn word(known: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![select(known).prop_map(str::to_owned), nasty()]
}

fn any_text() -> impl Strategy<Value = Text> {
    (word(&["zh-CN", "en-US", "zh", "x"]), nasty(), nasty(), nasty(), nasty()).prop_map(
        |(language, event, headline, description, instruction)| Text {
            language,
            event,
            headline,
            description,
            instruction,
        },
    )
}

fn any_measured() -> impl Strategy<Value = Measured> {
    (nasty(), nasty(), nasty(), option::of(select(&Grade::ALL[..])), option::of(any::<f64>()), nasty(), time())
        .prop_map(|(rule, subject, name, grade, value, unit, at)| Measured {
            rule: rule.into(),
            subject: subject.into(),
            name,
            grade,
            value,
            threshold: value,
            unit,
            at,
        })
}

fn any_area() -> impl Strategy<Value = BulletinArea> {
    let coordinate = prop_oneof![-90.0..90.0, any::<f64>()];
    let ring = vec((coordinate.clone(), coordinate), 0..6);
    (word(&["430000000000", "basin-7"]), nasty(), vec(ring, 0..3)).prop_map(|(id, name, polygons)| BulletinArea {
        id: id.into(),
        name,
        polygons,
    })
}

prop_compose! {
    fn any_bulletin()(
        names in (nasty(), nasty(), nasty(), nasty(), nasty(), nasty()),
        class in select(&CLASSES[..]),
        status in select(&[Status::Actual, Status::Exercise, Status::Test][..]),
        audience in select(&[Audience::Public, Audience::Internal][..]),
        grade in select(&Grade::ALL[..]),
        times in (time(), time(), time(), time(), option::of(time()), any::<i32>()),
        references in vec((nasty(), nasty(), time()), 0..4),
        words in (
            vec(word(&["Met", "Geo", "Safety"]), 0..3),
            word(&["Evacuate", "Prepare"]),
            word(&["Immediate", "Expected"]),
            word(&["Observed", "Likely"]),
            word(&["11A01", ""]),
        ),
        note in option::of(nasty()),
        texts in vec(any_text(), 0..3),
        area in any_area(),
        measured in vec(any_measured(), 0..4),
    ) -> Bulletin {
        let (id, sender, warning, hazard, issuer, contact) = names;
        let (sent, effective, onset, expires, evidence_lost, offset_seconds) = times;
        let (categories, response_type, urgency, certainty, event_code) = words;
        let refer = |(sender, id, sent): (String, String, Timestamp)| Reference { sender, id: id.into(), sent };
        Bulletin {
            id: id.into(), sender, warning: warning.into(), version: 1, class, mode: ModeTag::Live, status, audience, grade,
            hazard: hazard.into(), sent, effective, onset, expires,
            references: references.into_iter().map(refer).collect(),
            note, evidence_lost, event_code, categories, response_type, urgency, certainty, issuer, contact, offset_seconds,
            texts, area, measured,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_bulletin_is_valid_cap(bulletins in vec(any_bulletin(), 60)) {
        let messages: Vec<_> = bulletins.iter().map(cap::cap).collect();
        let complaints = complaints(&messages);
        prop_assert!(complaints.is_none(), "{}", complaints.unwrap_or_default());
    }
}

proptest! {
    #[test]
    fn any_bulletin_is_json(bulletin in any_bulletin()) {
        let body: serde_json::Value = serde_json::from_str(&json::json(&bulletin)).expect("JSON");
        prop_assert_eq!(&body["type"], bulletin.class.event());
        prop_assert_eq!(body["data"]["texts"].as_array().map(Vec::len), Some(bulletin.texts.len()));
    }

    #[test]
    fn what_a_receiver_reads_is_what_was_meant(
        class in select(&CLASSES[..]),
        grade in select(&Grade::ALL[..]),
        description in "[ -~\\n水位Ⅰ≥<>&\"']{0,200}",
        headline in "[!-~水<>&\"'][ -~水位<>&]{0,80}[!-~]",
        minutes in -840_i32..840,
    ) {
        let mut meant = bulletin::<Live>("W-20260801-0001", 3, grade);
        meant.class = class;
        meant.offset_seconds = minutes * 60;
        meant.evidence_lost = Some(meant.onset);
        meant.texts[0].description.clone_from(&description);
        meant.texts[0].headline.clone_from(&headline);
        let read = Message::read(&cap::cap(&meant)).expect("a receiver reads it");
        prop_assert_eq!(read.identifier.as_str(), meant.id.as_str());
        prop_assert_eq!(read.incidents.as_str(), meant.warning.as_str());
        prop_assert_eq!(read.msg_type.as_str(), class.cap());
        prop_assert_eq!(&read.references, &["W-20260801-0001-1", "W-20260801-0001-2"]);
        prop_assert_eq!(read.sent, meant.sent.to_cap(minutes * 60));
        let info = &read.infos[0];
        prop_assert_eq!(&info.description, &description);
        prop_assert_eq!(&info.headline, &headline);
        prop_assert_eq!(info.severity.as_str(), grade.severity());
        prop_assert_eq!(info.response_type == "AllClear", class == MessageClass::AllClear);
        let lost = meant.onset.to_cap(minutes * 60);
        prop_assert_eq!(info.parameter("watchfire:evidence_lost"), Some(lost.as_str()));
        prop_assert_eq!(&info.polygons, &["25.1,111.5 25.3,111.5 25.3,111.7 25.1,111.5"]);
        prop_assert_eq!(read.infos[1].language.as_str(), "en-US");
        prop_assert!(class != MessageClass::Cancel || read.note.contains("issued in error"));
    }
}

#[test]
fn the_judge_can_say_no() {
    let good = cap::cap(&bulletin::<Live>("W-1", 2, Grade::Red));
    assert_eq!(complaints(std::slice::from_ref(&good)), None);
    for (from, to) in [
        ("<status>Test</status>", "<status>Fine</status>"),
        ("+08:00</sent>", "Z</sent>"),
        ("<urgency>", "<note>late</note><urgency>"),
        ("<scope>Public</scope>", ""),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from} is in the message");
        assert!(complaints(&[good.clone(), bad]).is_some(), "{to}");
    }
}

#[test]
fn a_message_looks_like_this() {
    let mut withdrawn = bulletin::<Live>("W-20260801-0001", 2, Grade::Red);
    withdrawn.class = MessageClass::Cancel;
    withdrawn.audience = Audience::Internal;
    withdrawn.evidence_lost = Some(withdrawn.onset);
    withdrawn.texts.truncate(1);
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dissemination/cancel.xml");
    let message = cap::cap(&withdrawn);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(golden, &message).expect("written");
    }
    assert_eq!(message, std::fs::read_to_string(golden).expect("the golden file"));
}
