//! InfluxDB line protocol: `stage,station=qingshi,point=stage value=52.31,quality=1i 1754006400000`. The unit of the time
//! is told by its number of digits where it is not given; from 1973 to 5138 that leaves no doubt.

use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::time::Timestamp;

use super::field::number;
use super::line::{Fault, Record};

/// Unit of the times of a line-protocol file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Precision {
    /// By the number of digits.
    #[default]
    Auto,
    /// Nanoseconds.
    Ns,
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
}

impl Precision {
    /// Digits are counted without the sign.
    fn milliseconds(self, time: i64, digits: usize) -> Option<Timestamp> {
        let ms = match (self, digits) {
            (Self::S, _) | (Self::Auto, ..=11) => time.checked_mul(1_000)?,
            (Self::Ms, _) | (Self::Auto, 12..=14) => time,
            (Self::Us, _) | (Self::Auto, 15..=17) => time.div_euclid(1_000),
            (Self::Ns, _) | (Self::Auto, _) => time.div_euclid(1_000_000),
        };
        Some(Timestamp(ms))
    }
}

/// Reads lines.
#[derive(Debug, Default)]
pub(super) struct LineProtocol {
    precision: Precision,
    station: Vec<u8>,
    point: Vec<u8>,
}

impl LineProtocol {
    /// With times in `precision`.
    pub(super) fn new(precision: Precision) -> Self {
        Self { precision, ..Self::default() }
    }

    /// Reads one line, without its line break. A comment or an empty line is `Ok(false)`.
    pub(super) fn read(&mut self, line: &[u8], record: &mut Record) -> Result<bool, Fault> {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(false);
        }
        let series = end_of(line, b" ", false).ok_or(Fault::Shape)?;
        let rest = line[series + 1..].trim_ascii_start();
        let fields = end_of(rest, b" ", true).ok_or(Fault::NoTime)?;
        self.tags(&line[..series])?;
        record.value = field_value(&rest[..fields])?;
        record.at = self.time(rest[fields + 1..].trim_ascii())?;
        record.set_name(&self.station, &self.point);
        Ok(true)
    }

    fn tags(&mut self, series: &[u8]) -> Result<(), Fault> {
        let (mut station, mut point) = (false, false);
        let mut rest = series;
        // The measurement comes first; the tags say whose reading it is.
        while let Some(comma) = end_of(rest, b",", false) {
            rest = &rest[comma + 1..];
            let tag = &rest[..end_of(rest, b",", false).unwrap_or(rest.len())];
            let Some(equals) = end_of(tag, b"=", false) else { return Err(Fault::Shape) };
            match &tag[..equals] {
                b"station" => (station, _) = (true, unescape(&tag[equals + 1..], &mut self.station)),
                b"point" => (point, _) = (true, unescape(&tag[equals + 1..], &mut self.point)),
                _ => {}
            }
        }
        match (station, point) {
            (true, true) => Ok(()),
            (false, _) => Err(Fault::Tag("station")),
            (true, false) => Err(Fault::Tag("point")),
        }
    }

    fn time(&self, field: &[u8]) -> Result<Timestamp, Fault> {
        let text = std::str::from_utf8(field).map_err(|_| Fault::NoTime)?;
        let digits = text.trim_start_matches('-').len();
        let time = text.parse().ok().and_then(|time| self.precision.milliseconds(time, digits));
        time.ok_or(Fault::NoTime)
    }
}

/// Where the first of `marks` stands that is neither escaped nor, where strings are allowed, within quotes.
fn end_of(text: &[u8], marks: &[u8], strings: bool) -> Option<usize> {
    let (mut escaped, mut inside) = (false, false);
    text.iter().position(|byte| {
        let is_mark = !escaped && !inside && marks.contains(byte);
        if strings && *byte == b'"' && !escaped {
            inside = !inside;
        }
        escaped = *byte == b'\\' && !escaped;
        is_mark
    })
}

fn unescape(text: &[u8], into: &mut Vec<u8>) {
    into.clear();
    let mut bytes = text.iter().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'\\', Some(next @ (b',' | b'=' | b' ' | b'\\'))) => {
                into.push(**next);
                bytes.next();
            }
            _ => into.push(*byte),
        }
    }
}

/// The field `value`: a float, or an integer with its mark. Text and booleans are no measurement.
fn field_value(fields: &[u8]) -> Result<Result<Finite, Bad>, Fault> {
    let mut rest = Some(fields);
    while let Some(from) = rest {
        let end = end_of(from, b",", true);
        let field = &from[..end.unwrap_or(from.len())];
        rest = end.map(|end| &from[end + 1..]);
        let Some(equals) = end_of(field, b"=", false) else { return Err(Fault::Shape) };
        if &field[..equals] == b"value" {
            let value = &field[equals + 1..];
            return Ok(match value {
                [integer @ .., b'i' | b'u'] if integer.last().is_some_and(u8::is_ascii_digit) => number(integer),
                other => number(other),
            });
        }
    }
    Err(Fault::Field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> Result<String, Fault> {
        let mut record = Record::new();
        if !LineProtocol::default().read(line.as_bytes(), &mut record)? {
            return Ok(String::new());
        }
        let value = record.value.map_or_else(|bad| bad.word().to_owned(), |value| value.get().to_string());
        Ok(format!("{} {} {value}", record.at, String::from_utf8_lossy(&record.name)))
    }

    #[test]
    fn lines_are_read_in_every_precision_and_with_escapes() {
        for (line, expected) in [
            ("stage,station=a,point=stage value=52.31 1754006400000", "2025-08-01T00:00:00Z a/stage 52.31"),
            ("stage,station=a,point=stage value=52i 1754006400", "2025-08-01T00:00:00Z a/stage 52"),
            ("stage,point=p,station=a quality=1i,value=-1e2 1754006400000000000", "2025-08-01T00:00:00Z a/p -100"),
            ("stage,host=x,station=a,point=p value=1 1754006400123456", "2025-08-01T00:00:00.123Z a/p 1"),
            (
                r#"s\ t,station=a\,b,point=p\ q note="a b, \" =",value=1 1754006400000"#,
                "2025-08-01T00:00:00Z a,b/p q 1",
            ),
            (r#"stage,station=a,point=p value="high" 1754006400000"#, "2025-08-01T00:00:00Z a/p wrong_type"),
            ("stage,station=a,point=p value=true 1754006400000", "2025-08-01T00:00:00Z a/p wrong_type"),
            ("# a comment", ""),
            ("  ", ""),
        ] {
            assert_eq!(check(line), Ok(expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn a_line_that_is_no_reading_says_why() {
        for (line, fault) in [
            ("stage,station=a,point=p value=1", Fault::NoTime),
            ("stage,station=a,point=p value=1 soon", Fault::NoTime),
            ("stage,station=a value=1 1754006400000", Fault::Tag("point")),
            ("stage value=1 1754006400000", Fault::Tag("station")),
            ("stage,station=a,point=p level=1 1754006400000", Fault::Field),
            ("stage,station,point=p value=1 1754006400000", Fault::Shape),
            ("stage", Fault::Shape),
        ] {
            assert_eq!(check(line), Err(fault), "{line}");
        }
    }
}
