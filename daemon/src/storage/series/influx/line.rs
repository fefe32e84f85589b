//! Line protocol: a reading, or a grade, as one line. Whatever a name holds, it is one line with these tags and no other.
//!
//! Measurement = quantity, tags `point` and `station`, fields `value` (always a float; none where the device sent no
//! number) and `quality` (an integer), time in milliseconds. No text in fields: some stores keep it as 0.

use watchfire_model::quality::Flag;
use watchfire_model::time::Timestamp;

use super::super::GradeMark;
use crate::storage::names::PointName;

/// Appends a reading.
pub(super) fn reading(out: &mut Vec<u8>, name: &PointName, at: Timestamp, value: Option<f64>, quality: Flag) {
    start(out, &name.quantity, [("point", name.point.as_str()), ("station", name.station.as_str())]);
    if let Some(value) = value {
        out.extend_from_slice(b"value=");
        number(out, value);
        out.push(b',');
    }
    out.extend_from_slice(format!("quality={}i {}\n", quality.code(), at.0).as_bytes());
}

/// Appends a grade: 0 clear, 1 blue … 4 red.
pub(super) fn grade(out: &mut Vec<u8>, mark: &GradeMark) {
    start(out, "watchfire_grade", [("rule", mark.rule.as_str()), ("station", mark.subject.as_str())]);
    let height = mark.grade.map_or(0, |grade| 1 + watchfire_model::grade::Grade::ALL.partition_point(|g| *g < grade));
    out.extend_from_slice(format!("value={height} {}\n", mark.at.0).as_bytes());
}

fn start(out: &mut Vec<u8>, measurement: &str, tags: [(&str, &str); 2]) {
    if measurement.starts_with('#') {
        // Else the line is a comment.
        out.push(b'_');
    }
    name(out, measurement, &[',', ' ']);
    for (key, value) in tags {
        out.push(b',');
        out.extend_from_slice(key.as_bytes());
        out.push(b'=');
        name(out, value, &[',', ' ', '=']);
    }
    out.push(b' ');
}

/// Escapes what the syntax escapes. A backslash can't be written so that every store reads it back, nor can a line
/// break: they become `/` and `_`. Configuration refuses such names; this is the second wall.
fn name(out: &mut Vec<u8>, text: &str, special: &[char]) {
    if text.is_empty() {
        out.push(b'-');
    }
    for c in text.chars() {
        let c = match c {
            '\\' => '/',
            c if c.is_control() => '_',
            c => c,
        };
        if special.contains(&c) {
            out.push(b'\\');
        }
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// The shortest digits that read back as the same number.
fn number(out: &mut Vec<u8>, value: f64) {
    let size = value.abs();
    let text = if value == 0.0 || (1e-5..1e15).contains(&size) { format!("{value}") } else { format!("{value:e}") };
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use watchfire_model::grade::Grade;

    use super::*;

    /// Splits at an unescaped mark, as InfluxDB's own description of the protocol has it.
    fn split(text: &str, mark: char) -> Vec<String> {
        let (mut parts, mut escaped) = (vec![String::new()], false);
        for c in text.chars() {
            if c == mark && !escaped {
                parts.push(String::new());
            } else if let Some(last) = parts.last_mut() {
                last.push(c);
            }
            escaped = c == '\\' && !escaped;
        }
        parts
    }

    fn plain(text: &str) -> String {
        text.replace("\\,", ",").replace("\\ ", " ").replace("\\=", "=")
    }

    type Pairs = Vec<(String, String)>;

    /// Measurement, tags, fields, time: of the one line that `text` must be.
    fn parse(text: &str) -> (String, Pairs, Pairs, i64) {
        let line = text.strip_suffix('\n').expect("ends the line");
        assert!(!line.contains('\n'), "more than one line");
        assert!(!line.starts_with('#'), "a comment");
        let parts = split(line, ' ');
        let [series, fields, time] = parts.as_slice() else { panic!("three parts: {line:?}") };
        let mut series = split(series, ',').into_iter();
        let measurement = plain(&series.next().expect("a measurement"));
        let pair = |text: String| {
            let parts = split(&text, '=');
            let [key, value] = parts.as_slice() else { panic!("key=value: {text:?}") };
            assert!(!key.is_empty() && !value.is_empty());
            (plain(key), plain(value))
        };
        let fields = split(fields, ',').into_iter().map(pair).collect();
        (measurement, series.map(pair).collect(), fields, time.parse().expect("milliseconds"))
    }

    fn any_name() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z_]{1,8}",
            ".{0,8}",
            "[,= \\\\\n\r\t\"#a]{0,8}",
            prop::sample::select(vec!["青石站", "#", "\\", "a\\", "a\\ b", "🌊", "x=1,y=2 z=3 4\nevil v=1"])
                .prop_map(str::to_owned),
        ]
    }

    proptest! {
        #[test]
        fn any_name_is_one_line_and_nobody_else_s(
            station in any_name(), point in any_name(), quantity in any_name(),
            value in prop::option::of(any::<f64>().prop_filter("finite", |v| v.is_finite())), at in any::<i64>(),
        ) {
            let name = PointName { station: station.into(), point: point.into(), quantity: quantity.into() };
            let mut out = Vec::new();
            reading(&mut out, &name, Timestamp(at), value, Flag::Suspect);
            let (measurement, tags, fields, time) = parse(std::str::from_utf8(&out).expect("text"));
            prop_assert_eq!(time, at);
            prop_assert_eq!(tags.len(), 2);
            prop_assert_eq!(fields.last(), Some(&("quality".to_owned(), "3i".to_owned())));
            let read = fields.iter().find(|(key, _)| key == "value").map(|(_, v)| v.parse::<f64>().expect("a float").to_bits());
            prop_assert_eq!(read, value.map(f64::to_bits));
            let exact = |text: &str| !text.is_empty() && !text.contains('\\') && !text.chars().any(char::is_control);
            if exact(name.station.as_str()) { prop_assert_eq!(&tags[1], &("station".to_owned(), name.station.to_string())); }
            if exact(name.point.as_str()) { prop_assert_eq!(&tags[0], &("point".to_owned(), name.point.to_string())); }
            if exact(&name.quantity) && !name.quantity.starts_with('#') { prop_assert_eq!(measurement, &*name.quantity); }
        }
    }

    #[test]
    fn lines_look_as_users_of_influxdb_expect() {
        let name = PointName { station: "青石 3".into(), point: "stage".into(), quantity: "stage".into() };
        let mut out = Vec::new();
        reading(&mut out, &name, Timestamp(1_700_000_000_123), Some(3.0), Flag::Good);
        reading(&mut out, &name, Timestamp(1_700_000_000_124), None, Flag::Missing);
        let red = GradeMark { rule: "r".into(), subject: "s1".into(), grade: Some(Grade::Red), at: Timestamp(5) };
        grade(&mut out, &red);
        grade(&mut out, &GradeMark { grade: None, ..red });
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "stage,point=stage,station=青石\\ 3 value=3,quality=1i 1700000000123\n\
             stage,point=stage,station=青石\\ 3 quality=9i 1700000000124\n\
             watchfire_grade,rule=r,station=s1 value=4 5\nwatchfire_grade,rule=r,station=s1 value=0 5\n"
        );
    }
}
