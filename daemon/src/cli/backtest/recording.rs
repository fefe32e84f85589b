//! A recording, line by line, in bounded memory: a file of any length is read through one buffer.

use std::io::{ErrorKind, Read};

use super::line::{Fault, Record};
use super::map::Mapped;
use super::{csv, line_protocol};

/// One buffer's worth; also the longest line, far above any reading.
const BUFFER: usize = 1 << 20;
/// What many recordings that are read side by side share, and the least that each has of it.
const SHARED: usize = 64 << 20;
const LEAST: usize = 1 << 14;

/// How the lines of a recording are read.
pub(super) enum Format {
    /// Under a header that has been read.
    Csv(csv::Csv),
    /// The header comes first.
    CsvHeader,
    /// Line protocol.
    LineProtocol(line_protocol::LineProtocol),
    /// As a map says; a line may hold several readings.
    Mapped(Box<Mapped>),
}

/// What a line was.
#[derive(Debug)]
pub(super) enum Line {
    /// A reading, in the record.
    Reading,
    /// A header, a comment, an empty line.
    Nothing,
    /// Not what the format says.
    Bad(Fault),
}

/// Why a recording can't be read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordingError {
    /// The file.
    #[error("cannot read on after line {line}")]
    Read {
        /// The last line that was read.
        line: u64,
        /// Why.
        source: std::io::Error,
    },
    /// The header.
    #[error("line 1: {0}")]
    Header(#[from] csv::HeaderError),
}

/// Reads a recording from any stream of bytes.
pub(super) struct Recording<R> {
    from: R,
    format: Format,
    buffer: Vec<u8>,
    /// What of the buffer is filled and not yet handed out.
    start: usize,
    end: usize,
    ended: bool,
    /// The rest of a line that was too long is passed over.
    skipping: bool,
    /// Lines handed out.
    line: u64,
    /// Bytes read.
    read: u64,
}

impl<R: Read> Recording<R> {
    /// From the beginning.
    #[cfg(test)]
    fn new(from: R, format: Format) -> Self {
        Self::sharing(from, format, 1)
    }

    /// From the beginning, as one of so many that are read side by side.
    pub(super) fn sharing(from: R, format: Format, all: usize) -> Self {
        let buffer = vec![0; (SHARED / all.max(1)).clamp(LEAST, BUFFER)];
        Self { from, format, buffer, start: 0, end: 0, ended: false, skipping: false, line: 0, read: 0 }
    }

    /// The line last handed out, from 1.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// Bytes read from the stream so far.
    pub(super) const fn bytes(&self) -> u64 {
        self.read
    }

    /// Reads the next line into `record`; nothing at the end.
    pub(super) fn next(&mut self, record: &mut Record) -> Result<Option<Line>, RecordingError> {
        if let Format::Mapped(mapped) = &mut self.format
            && mapped.go_on(record)
        {
            return Ok(Some(Line::Reading));
        }
        loop {
            let filled = &self.buffer[self.start..self.end];
            if let Some(length) = filled.iter().position(|byte| *byte == b'\n') {
                let (from, to) = (self.start, self.start + length);
                self.start = to + 1;
                if std::mem::take(&mut self.skipping) {
                    continue;
                }
                return self.parse(from, to, record).map(Some);
            }
            if self.ended {
                let (from, to) = (self.start, self.end);
                self.start = self.end;
                return if from == to || self.skipping { Ok(None) } else { self.parse(from, to, record).map(Some) };
            }
            if filled.len() == self.buffer.len() {
                (self.start, self.end) = (0, 0);
                if !std::mem::replace(&mut self.skipping, true) {
                    self.line += 1;
                    return Ok(Some(Line::Bad(Fault::Length(self.buffer.len()))));
                }
            }
            self.fill()?;
        }
    }

    fn parse(&mut self, from: usize, to: usize, record: &mut Record) -> Result<Line, RecordingError> {
        self.line += 1;
        let line = &self.buffer[from..to];
        let outcome = match &mut self.format {
            Format::Csv(csv) if line.trim_ascii().is_empty() => {
                let _ = csv;
                return Ok(Line::Nothing);
            }
            Format::Csv(csv) => csv.read(line, record).map(|()| true),
            Format::LineProtocol(lines) => lines.read(line, record),
            Format::Mapped(mapped) => mapped.read(line, record),
            Format::CsvHeader => {
                self.format = Format::Csv(csv::Csv::under(line)?);
                return Ok(Line::Nothing);
            }
        };
        Ok(match outcome {
            Ok(true) => Line::Reading,
            Ok(false) => Line::Nothing,
            Err(fault) => Line::Bad(fault),
        })
    }

    /// Moves what is left to the front and reads behind it.
    fn fill(&mut self) -> Result<(), RecordingError> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        loop {
            match self.from.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    self.end += count;
                    self.read += u64::try_from(count).unwrap_or(u64::MAX);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(source) => return Err(RecordingError::Read { line: self.line, source }),
            }
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time, so that lines lie across the ends of reads.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let count = self.1.min(self.0.len()).min(into.len());
            let (now, later) = self.0.split_at(count);
            into[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    fn told(text: &[u8], at_once: usize) -> Vec<String> {
        let mut recording = Recording::new(Trickle(text, at_once), Format::CsvHeader);
        let mut record = Record::new();
        let mut told = Vec::new();
        while let Some(line) = recording.next(&mut record).expect("memory can be read") {
            match line {
                Line::Reading => told.push(format!("{}:{}", recording.line(), String::from_utf8_lossy(&record.name))),
                Line::Nothing => {}
                Line::Bad(_) => told.push(format!("{}:bad", recording.line())),
            }
        }
        told
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_come() {
        let text = b"time,station,point,value\n2026-08-01T00:00:00Z,a,p,1\n\nbad\n2026-08-01T00:00:00Z,b,p,1\r\n2026-08-01T00:00:00Z,c,p,1";
        for at_once in [1, 7, 1_000] {
            assert_eq!(told(text, at_once), ["2:a/p", "4:bad", "5:b/p", "6:c/p"], "{at_once} bytes at once");
        }
    }

    #[test]
    fn a_line_without_end_is_one_bad_line_and_costs_one_buffer() {
        let mut text = b"time,station,point,value\n2026-08-01T00:00:00Z,".to_vec();
        text.extend(std::iter::repeat_n(b'x', 3 * BUFFER));
        text.extend_from_slice(b"\n2026-08-01T00:00:00Z,b,p,1\n");
        assert_eq!(told(&text, 1 << 16), ["2:bad", "3:b/p"]);
    }

    #[test]
    fn a_recording_without_a_header_is_refused() {
        let mut recording = Recording::new(&b"2026-08-01T00:00:00Z,a,p,1\n"[..], Format::CsvHeader);
        assert!(matches!(recording.next(&mut Record::new()), Err(RecordingError::Header(_))));
    }
}
