//! What does a receiver read in a CAP 1.2 message? The fields a dissemination platform files by, checked as strictly as
//! it would; no document type is taken, depth and size are bounded.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::NsReader;
use serde::Serialize;

use crate::dissemination::format::cap::NAMESPACE;

/// Longest message taken.
pub const MESSAGE_MAX: usize = 1 << 20;

/// Deepest element of CAP 1.2: `alert/info/area/geocode/value`.
const DEPTH_MAX: usize = 5;

/// Children of `alert` in the order of the schema (CAP 1.2, 3.2.1).
const ALERT: [&str; 14] = [
    "identifier",
    "sender",
    "sent",
    "status",
    "msgType",
    "source",
    "scope",
    "restriction",
    "addresses",
    "code",
    "note",
    "references",
    "incidents",
    "info",
];

/// A message, read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Unique for its sender.
    pub identifier: String,
    /// Who sent it.
    pub sender: String,
    /// When, with its offset.
    pub sent: String,
    /// Actual, Exercise, Test.
    pub status: String,
    /// Alert, Update, Cancel.
    pub msg_type: String,
    /// Public, Restricted.
    pub scope: String,
    /// Why it was made, where it says so.
    pub note: String,
    /// The identifiers referred to.
    pub references: Vec<String>,
    /// The warning it belongs to.
    pub incidents: String,
    /// One per language.
    pub infos: Vec<Info>,
}

/// One language of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Info {
    /// Such as `zh-CN`.
    pub language: String,
    /// The hazard.
    pub event: String,
    /// What to do in one word.
    pub response_type: String,
    /// Extreme, Severe, Moderate, Minor.
    pub severity: String,
    /// Until when.
    pub expires: String,
    /// One line.
    pub headline: String,
    /// What happens.
    pub description: String,
    /// What to do.
    pub instruction: String,
    /// Where, in words.
    pub area: String,
    /// Where, as rings.
    pub polygons: Vec<String>,
    /// `(valueName, value)` as they came.
    pub parameters: Vec<(String, String)>,
}

impl Info {
    /// The first parameter of a name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Why a message is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCap {
    /// Not XML, or not the kind we read.
    #[error("not well-formed: {0}")]
    Xml(String),
    /// Over a bound.
    #[error("{0}")]
    Bound(&'static str),
    /// XML, but not CAP 1.2.
    #[error("not CAP 1.2: {0}")]
    Cap(String),
}

impl Message {
    /// Reads one message.
    pub fn read(text: &str) -> Result<Self, NotCap> {
        if text.len() > MESSAGE_MAX {
            return Err(NotCap::Bound("longer than 1 MiB"));
        }
        let mut message = Self::default();
        walk(text, |path, content| message.take(path, content))?;
        message.check()?;
        Ok(message)
    }

    /// Takes the text of one element; `path` leads from the root to it.
    fn take(&mut self, path: &[String], content: &str) {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let one = |slot: &mut String| content.clone_into(slot);
        match path.as_slice() {
            ["alert", "identifier"] => one(&mut self.identifier),
            ["alert", "sender"] => one(&mut self.sender),
            ["alert", "sent"] => one(&mut self.sent),
            ["alert", "status"] => one(&mut self.status),
            ["alert", "msgType"] => one(&mut self.msg_type),
            ["alert", "scope"] => one(&mut self.scope),
            ["alert", "note"] => one(&mut self.note),
            ["alert", "references"] => self.references = content.split_whitespace().map(identifier).collect(),
            ["alert", "incidents"] => one(&mut self.incidents),
            // The language is the first child of an info block that we write; it opens the next one.
            ["alert", "info", "language"] => {
                self.infos.push(Info { language: content.to_owned(), ..Info::default() });
            }
            ["alert", "info", rest @ ..] => {
                if let Some(info) = self.infos.last_mut() {
                    info.take(rest, content);
                }
            }
            _ => {}
        }
    }

    /// What no well-formed message may lack.
    fn check(&self) -> Result<(), NotCap> {
        let refuse = |what: &str| Err(NotCap::Cap(what.to_owned()));
        for (name, value) in [("identifier", &self.identifier), ("sender", &self.sender)] {
            if value.is_empty() || value.contains([' ', ',', '<', '&']) {
                return refuse(&format!("{name} is empty or holds a space, a comma, < or &"));
            }
        }
        if !is_time(&self.sent) || self.infos.iter().any(|info| !is_time(&info.expires)) {
            return refuse("a time is not YYYY-MM-DDThh:mm:ss±hh:mm");
        }
        if !["Actual", "Exercise", "System", "Test", "Draft"].contains(&self.status.as_str()) {
            return refuse("status is not one of the five");
        }
        match self.msg_type.as_str() {
            "Alert" => {}
            "Update" | "Cancel" if self.references.is_empty() => return refuse("references are missing"),
            "Update" | "Cancel" => {}
            _ => return refuse("msgType is not Alert, Update or Cancel"),
        }
        if !["Public", "Restricted", "Private"].contains(&self.scope.as_str()) {
            return refuse("scope is not one of the three");
        }
        if self.infos.is_empty() {
            return refuse("there is no info block");
        }
        Ok(())
    }
}

impl Info {
    fn take(&mut self, path: &[&str], content: &str) {
        let one = |slot: &mut String| content.clone_into(slot);
        match path {
            ["event"] => one(&mut self.event),
            ["responseType"] => one(&mut self.response_type),
            ["severity"] => one(&mut self.severity),
            ["expires"] => one(&mut self.expires),
            ["headline"] => one(&mut self.headline),
            ["description"] => one(&mut self.description),
            ["instruction"] => one(&mut self.instruction),
            ["area", "areaDesc"] => one(&mut self.area),
            ["area", "polygon"] => self.polygons.push(content.to_owned()),
            ["parameter", "valueName"] => self.parameters.push((content.to_owned(), String::new())),
            ["parameter", "value"] => {
                if let Some((_, value)) = self.parameters.last_mut() {
                    one(value);
                }
            }
            _ => {}
        }
    }
}

/// The identifier in a triple `sender,identifier,sent`.
fn identifier(triple: &str) -> String {
    triple.split(',').nth(1).unwrap_or_default().to_owned()
}

/// The schema's pattern, without its stray comma.
fn is_time(text: &str) -> bool {
    text.len() == 25
        && text.bytes().zip("0000-00-00T00:00:00+00:00".bytes()).all(|(given, wanted)| match wanted {
            b'0' => given.is_ascii_digit(),
            b'+' => matches!(given, b'+' | b'-'),
            _ => given == wanted,
        })
}

/// Goes through a document and hands out each element's own text at its end.
fn walk(text: &str, mut element: impl FnMut(&[String], &str)) -> Result<(), NotCap> {
    let xml = |error: &dyn std::fmt::Display| NotCap::Xml(error.to_string());
    let mut reader = NsReader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    let mut content = String::new();
    let mut last = 0;
    loop {
        match reader.read_event().map_err(|error| xml(&error))? {
            Event::Start(start) => {
                open(&reader, &start, &mut path, &mut last)?;
                content.clear();
            }
            Event::Empty(start) => {
                open(&reader, &start, &mut path, &mut last)?;
                element(&path, "");
                path.pop();
            }
            Event::End(_) => {
                element(&path, &content);
                path.pop();
                content.clear();
            }
            Event::Text(piece) => content.push_str(&piece.xml10_content()),
            Event::CData(piece) => content.push_str(&piece.xml10_content()),
            Event::GeneralRef(name) => content.push(resolve(&name)?),
            Event::DocType(_) => return Err(NotCap::Bound("a document type is not taken")),
            Event::Eof if last == 0 => return Err(NotCap::Cap("there is nothing in it".to_owned())),
            Event::Eof => return Ok(()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
}

/// Steps into an element: in CAP's namespace, not too deep, and below `alert` not before what the schema puts first.
fn open(
    reader: &NsReader<&[u8]>,
    start: &BytesStart<'_>,
    path: &mut Vec<String>,
    last: &mut usize,
) -> Result<(), NotCap> {
    let (namespace, local) = reader.resolver().resolve_element(start.name());
    let name = local.as_ref().to_owned();
    let quick_xml::name::ResolveResult::Bound(namespace) = namespace else {
        return Err(NotCap::Cap(format!("{name} is in no namespace")));
    };
    if namespace.as_ref() != NAMESPACE || (path.is_empty() && name != "alert") {
        return Err(NotCap::Cap(format!("{name} is not an element of it")));
    }
    path.push(name);
    if path.len() > DEPTH_MAX {
        return Err(NotCap::Bound("deeper than CAP goes"));
    }
    if let [_, child] = path.as_slice() {
        let place = ALERT.iter().position(|known| known == child).map(|place| place + 1);
        match place {
            Some(place) if place >= *last => *last = place,
            Some(_) => return Err(NotCap::Cap(format!("{child} stands too late"))),
            None => return Err(NotCap::Cap(format!("alert has no {child}"))),
        }
    }
    Ok(())
}

/// A character by number, or one of the five names XML has of itself; no other name is looked up anywhere.
fn resolve(reference: &quick_xml::events::BytesRef<'_>) -> Result<char, NotCap> {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return Ok(c);
    }
    match &**reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        name => Err(NotCap::Xml(format!("&{name}; is not resolved"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(head: &str, tail: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?>{head}<alert xmlns=\"{NAMESPACE}\"><identifier>B1</identifier><sender>s</sender>\
             <sent>2026-08-01T14:32:07+08:00</sent><status>Test</status>{tail}</alert>"
        )
    }

    const REST: &str = "<msgType>Alert</msgType><scope>Public</scope><incidents>W1</incidents><info>\
        <language>zh-CN</language><event>洪水 &lt;&#x6D2A;&gt;</event>\
        <expires>2026-08-01T20:32:07+08:00</expires><parameter><valueName>a</valueName><value>b</value></parameter></info>";

    #[test]
    fn a_message_is_read() {
        let read = Message::read(&message("", REST)).expect("reads");
        assert_eq!((read.identifier.as_str(), read.incidents.as_str()), ("B1", "W1"));
        assert_eq!(read.infos[0].event, "洪水 <洪>");
        assert_eq!(read.infos[0].parameter("a"), Some("b"));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let deep = format!("{}{}", "<info>".repeat(40), "</info>".repeat(40));
        for (text, words) in [
            (String::new(), "nothing in it"),
            ("<alert>".to_owned(), "no namespace"),
            (message("<!DOCTYPE alert [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>", REST), "document type"),
            (message("", &REST.replace("洪水", "&x;")), "&x; is not resolved"),
            (message("", &deep), "deeper"),
            (message("", &format!("{REST}<note>late</note>")), "too late"),
            (message("", &format!("{REST}<sms>x</sms>")), "no sms"),
            (message("", &REST.replace("Alert", "Update")), "references"),
            (message("", &REST.replace("20:32:07+08:00", "20:32:07Z")), "a time"),
            (message("", "<msgType>Alert</msgType><scope>Public</scope>"), "no info"),
            ("x".repeat(MESSAGE_MAX + 1), "1 MiB"),
        ] {
            let refused = Message::read(&text).expect_err(words).to_string();
            assert!(refused.contains(words), "{refused} / {words}");
        }
    }
}
