//! `time,station,point,value` under a header, in any order of columns; other columns are passed over. Fields may be
//! quoted (RFC 4180), a line break within quotes is refused.

use super::field::{Times, number};
use super::line::{Fault, Record, shown};

const NAMES: [&str; 4] = ["time", "station", "point", "value"];

/// A header that has not all four columns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no column \"{missing}\"; the header must name time, station, point and value")]
pub(super) struct HeaderError {
    missing: &'static str,
}

/// Reads the lines under one header.
#[derive(Debug)]
pub(super) struct Csv {
    /// Which of `NAMES` stands in each column.
    columns: Vec<Option<usize>>,
    times: Times,
    /// Fields whose quotes had to be undone, by their place in `NAMES`.
    unquoted: [Vec<u8>; 4],
}

impl Csv {
    /// For the lines under `header`.
    pub(super) fn under(header: &[u8]) -> Result<Self, HeaderError> {
        let header = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
        let mut columns: Vec<Option<usize>> = header
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .map(|field| field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\"")).unwrap_or(field))
            .map(|field| NAMES.iter().position(|name| name.as_bytes() == field))
            .collect();
        for (at, missing) in NAMES.into_iter().enumerate() {
            if !columns.contains(&Some(at)) {
                return Err(HeaderError { missing });
            }
        }
        // What stands behind the last column that is needed is never looked at.
        let last = columns.iter().rposition(Option::is_some).unwrap_or(0);
        columns.truncate(last + 1);
        Ok(Self { columns, times: Times::default(), unquoted: Default::default() })
    }

    /// Reads one line, without its line break.
    pub(super) fn read(&mut self, line: &[u8], record: &mut Record) -> Result<(), Fault> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut fields: [&[u8]; 4] = [b""; 4];
        let [time, station, point, value] = &mut self.unquoted;
        let mut unquoted = [Some(time), Some(station), Some(point), Some(value)];
        let mut rest = Some(line);
        for (at, column) in self.columns.iter().enumerate() {
            let from = rest.ok_or(Fault::Columns(at, self.columns.len()))?;
            if let Some(inside) = from.strip_prefix(b"\"") {
                let length = quoted_length(inside).ok_or(Fault::Quote)?;
                rest = match inside.get(length + 1) {
                    None => None,
                    Some(b',') => Some(&inside[length + 2..]),
                    Some(_) => return Err(Fault::Quote),
                };
                if let Some(column) = column {
                    fields[*column] = match unquoted[*column].take() {
                        Some(buffer) => undouble(&inside[..length], buffer),
                        None => &inside[..length],
                    };
                }
            } else {
                let length = from.iter().position(|byte| *byte == b',');
                if let Some(column) = column {
                    fields[*column] = &from[..length.unwrap_or(from.len())];
                }
                rest = length.map(|length| &from[length + 1..]);
            }
        }
        let [time, station, point, value] = fields;
        record.at = self.times.read(time).ok_or_else(|| Fault::Time(shown(time)))?;
        record.set_name(station.trim_ascii(), point.trim_ascii());
        record.value = number(value);
        Ok(())
    }
}

/// Bytes up to the quote that closes; a doubled quote does not.
fn quoted_length(inside: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += inside[at..].iter().position(|byte| *byte == b'"')?;
        if inside.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

fn undouble<'a>(inside: &[u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    buffer.clear();
    let mut bytes = inside.iter();
    while let Some(byte) = bytes.next() {
        buffer.push(*byte);
        if *byte == b'"' {
            bytes.next();
        }
    }
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, line: &str) -> Result<String, Fault> {
        let mut csv = Csv::under(header.as_bytes()).expect("a sound header");
        let mut record = Record::new();
        csv.read(line.as_bytes(), &mut record)?;
        let value = record.value.map_or_else(|bad| bad.word().to_owned(), |value| value.get().to_string());
        Ok(format!("{} {} {value}", record.at, String::from_utf8_lossy(&record.name)))
    }

    #[test]
    fn lines_are_read_in_any_order_of_columns_and_with_quotes() {
        let plain = "time,station,point,value";
        let expected = Ok("2026-08-01T00:00:00Z qingshi/stage 52.31".to_owned());
        for (header, line) in [
            (plain, "2026-08-01T00:00:00Z,qingshi,stage,52.31"),
            (plain, "2026-08-01T00:00:00Z,qingshi,stage,52.31,more,columns"),
            (plain, "2026-08-01T08:00:00+08:00,qingshi,stage,52.31\r"),
            (plain, "\"2026-08-01T00:00:00Z\",\"qingshi\",\"stage\",\"52.31\""),
            ("value,quality,point,station,time", "52.31,1,stage,qingshi,2026-08-01T00:00:00Z"),
            ("\u{feff}\"time\",\"station\",\"point\",\"value\"", "2026-08-01T00:00:00Z, qingshi ,stage, 52.31"),
        ] {
            assert_eq!(check(header, line), expected, "{line}");
        }
        let odd = check(plain, "2026-08-01T00:00:00Z,\"a \"\"b\"\", c\",stage,");
        assert_eq!(odd, Ok("2026-08-01T00:00:00Z a \"b\", c/stage absent".to_owned()));
    }

    #[test]
    fn a_line_that_is_no_reading_says_why() {
        let plain = "time,station,point,value";
        for (line, fault) in [
            ("", Fault::Columns(1, 4)),
            ("2026-08-01T00:00:00Z,qingshi,stage", Fault::Columns(3, 4)),
            ("yesterday,qingshi,stage,1", Fault::Time("yesterday".to_owned())),
            ("2026-08-01T00:00:00Z,\"qingshi,stage,1", Fault::Quote),
            ("2026-08-01T00:00:00Z,\"qing\"shi,stage,1", Fault::Quote),
        ] {
            assert_eq!(check(plain, line), Err(fault), "{line}");
        }
    }

    #[test]
    fn a_header_without_a_column_is_refused() {
        let refused = |header: &str| Csv::under(header.as_bytes()).map(|_| ());
        assert_eq!(refused("time,station,value"), Err(HeaderError { missing: "point" }));
        assert_eq!(refused("2026-08-01T00:00:00Z,qingshi,stage,1"), Err(HeaderError { missing: "time" }));
    }
}
