//! How does a bulletin read as the body of a webhook? `{type, timestamp, data}` as Standard Webhooks 1.0 asks, the
//! data complete: a receiver needs no second question to act.

use serde::Serialize;
use watchfire_model::bulletin::{Bulletin, Measured, MessageClass, Status};
use watchfire_model::mode::ModeTag;
use watchfire_model::site::Audience;

use super::plain::{line, text};

/// Writes a bulletin as the body of a webhook. Times are RFC 3339 in UTC.
pub fn json(bulletin: &Bulletin) -> String {
    let body = Body {
        kind: bulletin.class.event(),
        timestamp: bulletin.sent.to_string(),
        data: Data {
            bulletin: bulletin.id.as_str(),
            warning: bulletin.warning.as_str(),
            version: bulletin.version,
            class: bulletin.class,
            class_zh: bulletin.class.han(),
            status: bulletin.status,
            mode: bulletin.mode,
            audience: bulletin.audience,
            grade: bulletin.grade.word(),
            level: bulletin.grade.level(),
            numeral: bulletin.grade.numeral(),
            hazard: bulletin.hazard.as_str(),
            event_code: &bulletin.event_code,
            sender: &bulletin.sender,
            issuer: line(&bulletin.issuer),
            contact: line(&bulletin.contact),
            sent: bulletin.sent.to_string(),
            effective: bulletin.effective.to_string(),
            onset: bulletin.onset.to_string(),
            expires: bulletin.expires.to_string(),
            evidence_lost: bulletin.evidence_lost.map(|since| since.to_string()),
            note: bulletin.note.as_deref().map(line),
            area: Area {
                id: bulletin.area.id.as_str(),
                name: line(&bulletin.area.name),
                polygons: &bulletin.area.polygons,
            },
            texts: bulletin
                .texts
                .iter()
                .map(|words| Words {
                    language: &words.language,
                    event: line(&words.event),
                    headline: line(&words.headline),
                    description: text(&words.description).into_owned(),
                    instruction: text(&words.instruction).into_owned(),
                })
                .collect(),
            measured: bulletin.measured.iter().map(Figures::of).collect(),
            references: bulletin.references.iter().map(|earlier| earlier.id.as_str()).collect(),
        },
    };
    serde_json::to_string(&body).expect("text, whole numbers and finite or null doubles are always JSON")
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    bulletin: &'a str,
    warning: &'a str,
    version: u64,
    class: MessageClass,
    class_zh: &'static str,
    status: Status,
    mode: ModeTag,
    audience: Audience,
    grade: &'static str,
    level: u8,
    numeral: &'static str,
    hazard: &'a str,
    event_code: &'a str,
    sender: &'a str,
    issuer: String,
    contact: String,
    sent: String,
    effective: String,
    onset: String,
    expires: String,
    evidence_lost: Option<String>,
    note: Option<String>,
    area: Area<'a>,
    texts: Vec<Words<'a>>,
    measured: Vec<Figures<'a>>,
    references: Vec<&'a str>,
}

/// Rings are `[[latitude, longitude], …]`, as in CAP and unlike GeoJSON.
#[derive(Serialize)]
struct Area<'a> {
    id: &'a str,
    name: String,
    polygons: &'a [Vec<(f64, f64)>],
}

#[derive(Serialize)]
struct Words<'a> {
    language: &'a str,
    event: String,
    headline: String,
    description: String,
    instruction: String,
}

#[derive(Serialize)]
struct Figures<'a> {
    subject: &'a str,
    rule: &'a str,
    name: String,
    grade: Option<&'static str>,
    value: Option<f64>,
    threshold: Option<f64>,
    unit: &'a str,
    at: String,
}

impl<'a> Figures<'a> {
    fn of(measured: &'a Measured) -> Self {
        Self {
            subject: measured.subject.as_str(),
            rule: measured.rule.as_str(),
            name: line(&measured.name),
            grade: measured.grade.map(watchfire_model::grade::Grade::word),
            value: measured.value,
            threshold: measured.threshold,
            unit: &measured.unit,
            at: measured.at.to_string(),
        }
    }
}
