//! How does a bulletin read as CAP 1.2? The order of elements is the schema's and is fixed; what no schema checks
//! (references that exist, an expiry after the start) is the Desk's to refuse before a bulletin gets here.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use watchfire_model::bulletin::{Bulletin, BulletinArea, Measured, MessageClass, Status, Text};
use watchfire_model::grade;
use watchfire_model::site::Audience;
use watchfire_model::time::{Civil, Timestamp};

use super::plain::{line, text, token};

/// The media type of what [`cap`] writes.
pub const MEDIA_TYPE: &str = "application/cap+xml";

/// The namespace of CAP 1.2.
pub const NAMESPACE: &str = "urn:oasis:names:tc:emergency:cap:1.2";

/// Alarms written out in one message; a message beyond that says how many there are.
const MEASURED_MAX: usize = 100;

// CAP 1.2, 3.2.2.
const CATEGORIES: [&str; 12] =
    ["Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"];
const RESPONSES: [&str; 9] =
    ["Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"];
const URGENCIES: [&str; 5] = ["Immediate", "Expected", "Future", "Past", "Unknown"];
const CERTAINTIES: [&str; 5] = ["Observed", "Likely", "Possible", "Unlikely", "Unknown"];

/// Writes a bulletin as CAP 1.2, UTF-8, valid by the OASIS schema whatever its texts hold.
pub fn cap(bulletin: &Bulletin) -> String {
    let mut sheet = Sheet(Writer::new_with_indent(Vec::with_capacity(8_192), b' ', 2));
    sheet.put(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    let mut alert = BytesStart::new("alert");
    alert.push_attribute(("xmlns", NAMESPACE));
    sheet.put(Event::Start(alert));
    head(&mut sheet, bulletin);
    for words in &bulletin.texts {
        sheet.nest("info", |sheet| info(sheet, bulletin, words));
    }
    sheet.put(Event::End(BytesEnd::new("alert")));
    String::from_utf8(sheet.0.into_inner()).expect("only str was written")
}

/// From identifier to incidents (CAP 1.2, 3.2.1).
fn head(sheet: &mut Sheet, bulletin: &Bulletin) {
    sheet.leaf("identifier", &token(bulletin.id.as_str()));
    sheet.leaf("sender", &token(&bulletin.sender));
    sheet.leaf("sent", &at(bulletin.sent, bulletin.offset_seconds));
    sheet.leaf("status", status(bulletin.status));
    sheet.leaf("msgType", bulletin.class.cap());
    sheet.leaf("source", "watchfire");
    match bulletin.audience {
        Audience::Public => sheet.leaf("scope", "Public"),
        Audience::Internal => {
            sheet.leaf("scope", "Restricted");
            sheet.leaf("restriction", "内部预警: 值班与责任人员 / internal: those on duty and those responsible");
        }
    }
    if let Some(note) = note(bulletin) {
        sheet.leaf("note", &note);
    }
    if !bulletin.references.is_empty() {
        let triple = |r: &watchfire_model::bulletin::Reference| {
            format!("{},{},{}", token(&r.sender), token(r.id.as_str()), at(r.sent, bulletin.offset_seconds))
        };
        sheet.leaf("references", &bulletin.references.iter().map(triple).collect::<Vec<_>>().join(" "));
    }
    sheet.leaf("incidents", &token(bulletin.warning.as_str()));
}

/// The bulletin's own note; a withdrawal and a drill never go without one (CAP 1.2, 3.2.1).
fn note(bulletin: &Bulletin) -> Option<String> {
    let own = bulletin.note.as_deref().map(line).filter(|note| !note.is_empty());
    own.or_else(|| match (bulletin.class, bulletin.status) {
        (MessageClass::Cancel, _) => Some("issued in error / 误发撤销".to_owned()),
        (_, Status::Exercise) => Some("exercise / 演练".to_owned()),
        (_, Status::Actual | Status::Test) => None,
    })
}

/// One language (CAP 1.2, 3.2.2).
fn info(sheet: &mut Sheet, bulletin: &Bulletin, words: &Text) {
    let when = |t| at(t, bulletin.offset_seconds);
    sheet.leaf("language", language(&words.language));
    let mut categories: Vec<&str> = bulletin.categories.iter().filter_map(|c| among(&CATEGORIES, c)).collect();
    if categories.is_empty() {
        categories.push("Other");
    }
    for category in categories {
        sheet.leaf("category", category);
    }
    sheet.leaf("event", &line(&words.event));
    if let Some(response) = response(bulletin) {
        sheet.leaf("responseType", response);
    }
    sheet.leaf("urgency", among(&URGENCIES, &bulletin.urgency).unwrap_or("Unknown"));
    sheet.leaf("severity", bulletin.grade.severity());
    sheet.leaf("certainty", among(&CERTAINTIES, &bulletin.certainty).unwrap_or("Unknown"));
    let code = line(&bulletin.event_code);
    if !code.is_empty() {
        sheet.pair("eventCode", "GB/T 35561", &code);
    }
    sheet.leaf("effective", &when(bulletin.effective));
    sheet.leaf("onset", &when(bulletin.onset));
    sheet.leaf("expires", &when(bulletin.expires));
    sheet.leaf("senderName", &line(&bulletin.issuer));
    sheet.leaf("headline", &line(&words.headline));
    sheet.leaf("description", &text(&words.description));
    sheet.leaf("instruction", &text(&words.instruction));
    let contact = line(&bulletin.contact);
    if !contact.is_empty() {
        sheet.leaf("contact", &contact);
    }
    parameters(sheet, bulletin);
    sheet.nest("area", |sheet| area(sheet, &bulletin.area));
}

/// What a machine above wants to know without reading prose.
fn parameters(sheet: &mut Sheet, bulletin: &Bulletin) {
    let mut say = |name: &str, value: &str| sheet.pair("parameter", &format!("watchfire:{name}"), value);
    say("warning", &line(bulletin.warning.as_str()));
    say("version", &bulletin.version.to_string());
    say("class", bulletin.class.event());
    say("grade", bulletin.grade.word());
    say("grade_zh", &format!("{}{}", bulletin.grade.numeral(), bulletin.grade.han()));
    say("hazard", &line(bulletin.hazard.as_str()));
    if let Some(since) = bulletin.evidence_lost {
        say("evidence_lost", &at(since, bulletin.offset_seconds));
    }
    for measured in bulletin.measured.iter().take(MEASURED_MAX) {
        say("measured", &figures(measured, bulletin.offset_seconds));
    }
    if bulletin.measured.len() > MEASURED_MAX {
        say("measured_in_all", &bulletin.measured.len().to_string());
    }
}

/// `subject=qingshi; rule=river-stage; name=青石站; grade=red; value=53.62 m; threshold=53.5 m; at=…`.
fn figures(measured: &Measured, offset_seconds: i32) -> String {
    let word = |raw: &str| line(raw).replace([';', '='], " ");
    let unit = word(&measured.unit);
    let number = |value: Option<f64>| match value {
        Some(value) => format!("{value} {unit}").trim_end().to_owned(),
        None => "unknown".to_owned(),
    };
    format!(
        "subject={}; rule={}; name={}; grade={}; value={}; threshold={}; at={}",
        word(measured.subject.as_str()),
        word(measured.rule.as_str()),
        word(&measured.name),
        grade::word(measured.grade),
        number(measured.value),
        number(measured.threshold),
        at(measured.at, offset_seconds),
    )
}

/// Where (CAP 1.2, 3.2.4). A ring that is none is left out; the code still names the place.
fn area(sheet: &mut Sheet, area: &BulletinArea) {
    sheet.leaf("areaDesc", &line(&area.name));
    for ring in area.polygons.iter().filter_map(|points| ring(points)) {
        sheet.leaf("polygon", &ring);
    }
    let code = line(area.id.as_str());
    let is_division = code.len() == 12 && code.bytes().all(|b| b.is_ascii_digit());
    sheet.pair("geocode", if is_division { "CPEAS Geographic Code" } else { "watchfire:area" }, &code);
}

/// `lat,lon lat,lon …`, at least four pairs, first = last; nothing if a coordinate is off the globe.
fn ring(points: &[(f64, f64)]) -> Option<String> {
    let on_globe = |&(lat, lon): &(f64, f64)| lat.abs() <= 90.0 && lon.abs() <= 180.0;
    if !points.iter().all(on_globe) {
        return None;
    }
    let mut pairs: Vec<String> =
        points.iter().map(|&(lat, lon)| format!("{},{}", degrees(lat), degrees(lon))).collect();
    if pairs.first() != pairs.last() {
        pairs.push(pairs.first()?.clone());
    }
    (pairs.len() >= 4).then(|| pairs.join(" "))
}

/// Six decimals are a tenth of a metre.
fn degrees(value: f64) -> String {
    let text = format!("{value:.6}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// An ending by danger over says so; a withdrawal asks nothing of anyone; else the hazard's own word.
fn response(bulletin: &Bulletin) -> Option<&'static str> {
    match bulletin.class {
        MessageClass::AllClear => Some("AllClear"),
        MessageClass::Cancel => Some("None"),
        MessageClass::Issue
        | MessageClass::Upgrade
        | MessageClass::Downgrade
        | MessageClass::Continue
        | MessageClass::Extend
        | MessageClass::Correct
        | MessageClass::Expire => among(&RESPONSES, &bulletin.response_type),
    }
}

/// The word of a closed list that `word` is.
fn among(list: &[&'static str], word: &str) -> Option<&'static str> {
    list.iter().copied().find(|known| *known == word)
}

/// A language tag as the schema wants it; `und` (RFC 3066: undetermined) for anything else.
fn language(tag: &str) -> &str {
    let mut parts = tag.split('-');
    let first = parts.next().is_some_and(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphabetic()));
    let rest = parts.all(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()));
    if first && rest { tag } else { "und" }
}

/// The words of CAP 1.2, 3.2.1.
const fn status(status: Status) -> &'static str {
    match status {
        Status::Actual => "Actual",
        Status::Exercise => "Exercise",
        Status::Test => "Test",
    }
}

/// A time as the schema wants it: years 0001 to 9999, an offset of whole minutes within 14 hours.
fn at(time: Timestamp, offset_seconds: i32) -> String {
    let year = |year| Civil { year, month: 1, day: 2, hour: 0, minute: 0, second: 0, millisecond: 0 };
    let time = time.clamp(Timestamp::from_civil(year(1)), Timestamp::from_civil(year(9999)));
    time.to_cap((offset_seconds / 60).clamp(-840, 840) * 60)
}

/// The page under the pen.
struct Sheet(Writer<Vec<u8>>);

impl Sheet {
    fn put(&mut self, event: Event<'_>) {
        self.0.write_event(event).expect("a vector takes every write");
    }
    fn nest(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.put(Event::Start(BytesStart::new(name)));
        inside(self);
        self.put(Event::End(BytesEnd::new(name)));
    }
    fn leaf(&mut self, name: &str, content: &str) {
        self.nest(name, |sheet| sheet.put(Event::Text(BytesText::new(content))));
    }
    fn pair(&mut self, name: &str, key: &str, value: &str) {
        self.nest(name, |sheet| {
            sheet.leaf("valueName", key);
            sheet.leaf("value", value);
        });
    }
}
