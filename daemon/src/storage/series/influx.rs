//! The remote store: InfluxDB v2, or anything that takes its writes (VictoriaMetrics, InfluxDB 3). Follows the journal
//! by a cursor in a file; a server that is away is a cursor that lags.
//!
//! The only file that names `influxdb2`, of which it uses the raw path: the lines are ours (`line.rs`), so are the
//! time-outs and the compression. A refused batch is halved down to the lines at fault, which go to a file of their own.

mod cursor;
mod dead_letters;
mod line;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use influxdb2::api::write::TimestampPrecision;
use influxdb2::{Client, ClientBuilder, RequestError};
use reqwest011::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};
use tokio::runtime::{self, Runtime};
use watchfire_model::id::Seq;
use watchfire_model::quality::Flag;
use watchfire_model::row::Row;

use self::cursor::CursorFile;
use self::dead_letters::DeadLetters;
use super::{GradeMark, Judge, Progress, SeriesStore, StoreKind, Trouble, Verdict, filed_at};
use crate::config::settings::InfluxConfig;
use crate::storage::DataDir;
use crate::storage::journal::{Commit, Gap, JournalReader, Step};
use crate::storage::names::PointNames;

/// In the list of stores.
pub const KIND: StoreKind =
    StoreKind { name: "influx", what: "an InfluxDB v2 write endpoint, or anything that speaks it" };

/// Grades that wait to be written; the newest stay.
const MAX_GRADES: usize = 10_000;
/// The pause after the first failure; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// So many lines refused one by one, and none taken: then it is not the lines.
const ALL_REFUSED: usize = 8;
/// A batch of which every line is refused is tried so often before its lines are put aside.
const ROUNDS: u32 = 10;

/// A number between 0 and 1, by chance.
pub type Chance = Box<dyn FnMut() -> f64 + Send>;

/// Why a store cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum InfluxError {
    /// The address is not one.
    #[error("store \"{name}\": {url} is not an address to write to: {why}")]
    Address {
        /// Which store.
        name: String,
        /// As configured.
        url: String,
        /// What would be.
        why: String,
    },
    /// The client could not be made.
    #[error("store \"{name}\": cannot make its client")]
    Client {
        /// Which store.
        name: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file with its place in the journal can't be used.
    #[error("store \"{name}\": cannot keep its place in the journal in {}", .path.display())]
    Cursor {
        /// Which store.
        name: String,
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Checks an address without opening anything. The client behind would panic at a bad one, and drop a path.
pub fn check_url(name: &str, url: &str) -> Result<(), InfluxError> {
    let refuse = |why: &str| InfluxError::Address { name: name.to_owned(), url: url.to_owned(), why: why.to_owned() };
    let parsed = reqwest011::Url::parse(url).map_err(|error| refuse(&error.to_string()))?;
    match parsed.scheme() {
        "http" => {}
        "https" => return Err(refuse("TLS is ended at a proxy on this machine; write http:// to that proxy")),
        _ => return Err(refuse("it must begin with http://")),
    }
    if parsed.host_str().is_none_or(str::is_empty) {
        return Err(refuse("it names no host"));
    }
    if !matches!(parsed.path(), "" | "/") || parsed.query().is_some() {
        return Err(refuse("it may have no path; /api/v2/write is added"));
    }
    Ok(())
}

/// The files that a store keeps.
#[derive(Clone, Debug)]
pub struct InfluxFiles {
    /// The journal's folder.
    pub journal: PathBuf,
    /// Its place in the journal.
    pub cursor: PathBuf,
    /// Lines it will never take.
    pub dead_letters: PathBuf,
}

impl InfluxFiles {
    /// Those in a data directory, by the store's name.
    pub fn of(data: &DataDir, store: &str) -> Self {
        Self { journal: data.journal(), cursor: data.cursor(store), dead_letters: data.dead_letters(store) }
    }
}

/// The store's one writer.
pub struct Writer {
    config: InfluxConfig,
    client: Client,
    // The client is asynchronous, the thread waits for each write anyway. Made at the first one: on that thread.
    runtime: Option<Runtime>,
    reader: JournalReader,
    judge: Judge,
    chance: Chance,
    cursor: CursorFile,
    dead: DeadLetters,
    grades: VecDeque<GradeMark>,
    commit: Commit,
    batch: Option<Batch>,
    gap: Option<Gap>,
    failures: u32,
    /// The last batch was taken, at least in part: address, token and bucket are right.
    trusted: bool,
}

/// Lines on their way, and what is still to be sent of them.
#[derive(Default)]
struct Batch {
    text: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
    readings: u64,
    until: Seq,
    /// What is to be sent; the last first.
    parts: Vec<Part>,
    taken: usize,
    /// Lines refused one by one, with the server's word.
    refused: Vec<(usize, String)>,
    rounds: u32,
}

/// Some of a batch's lines.
struct Part {
    lines: Range<usize>,
    /// The one below it in the stack is the other half of a part that was refused.
    first_half: bool,
    /// It is known that it would be refused as a whole.
    refused: bool,
}

/// What a server makes of some lines, by what is done next.
enum Answer {
    Taken,
    /// Later, all of it.
    Later(String),
    /// Smaller.
    TooLarge(String),
    /// Something in it is not to be had.
    Poison(String),
    /// Never, until a person acts.
    Refused(String),
}

impl Writer {
    /// Sets the store up; opens no connection. Points come in the numbers of `names`, which are those that `judge` knows.
    pub fn open(
        config: &InfluxConfig,
        files: &InfluxFiles,
        names: Arc<PointNames>,
        judge: Judge,
        chance: Chance,
    ) -> Result<Self, InfluxError> {
        check_url(&config.name, &config.url)?;
        let no_client = |source: Box<dyn std::error::Error + Send + Sync>| InfluxError::Client {
            name: config.name.clone(),
            source,
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let http = reqwest011::ClientBuilder::new()
            .default_headers(headers)
            .timeout(config.timeout)
            .connect_timeout(config.timeout)
            .redirect(reqwest011::redirect::Policy::none())
            .no_proxy();
        let token = config.token.as_ref().map_or("", |token| token.reveal());
        let client = ClientBuilder::with_builder(http, &config.url, &config.org, token)
            .build()
            .map_err(|error| no_client(Box::new(error)))?;
        let cursor = CursorFile::open(&files.cursor).map_err(|source| InfluxError::Cursor {
            name: config.name.clone(),
            path: files.cursor.clone(),
            source,
        })?;
        Ok(Self {
            client,
            runtime: None,
            reader: JournalReader::after(&files.journal, cursor.at(), names),
            judge,
            chance,
            cursor,
            dead: DeadLetters::at(&files.dead_letters),
            grades: VecDeque::new(),
            commit: Commit::default(),
            batch: None,
            gap: None,
            failures: 0,
            trusted: false,
            config: config.clone(),
        })
    }

    /// Lines put aside since the start because the server will never take them.
    pub const fn dead_letters(&self) -> u64 {
        self.dead.lines
    }

    /// Takes lines from the journal, and the grades that wait.
    fn gather(&mut self, durable: Seq) -> Result<Batch, Progress> {
        let mut batch = Batch::default();
        while batch.ends.len() < self.config.batch.max(1) {
            match self.reader.read(durable, &mut self.commit) {
                Ok(Step::Idle) => break,
                Ok(Step::Gap(gap)) => {
                    self.gap = Some(gap);
                    break;
                }
                Ok(Step::Commit) => {}
                Err(error) => return Err(self.outage(error.to_string())),
            }
            let names = Arc::clone(self.reader.names());
            for (seq, row) in self.commit.numbered() {
                let Row::Reading(reading) = row else {
                    (self.judge)(seq, row, self.commit.now);
                    continue;
                };
                let Some(name) = names.get(reading.point) else { continue };
                let verdict = if reading.point.index() < self.reader.configured() {
                    (self.judge)(seq, row, self.commit.now)
                } else {
                    Some(Verdict::of(Flag::NotEvaluated, reading))
                };
                let Some(verdict) = verdict else { continue };
                if let Some((at, value, flag)) = verdict.before {
                    line::reading(&mut batch.text, name, at, Some(value), flag);
                    batch.ends.push(batch.text.len());
                }
                line::reading(&mut batch.text, name, filed_at(reading), verdict.value, verdict.flag);
                batch.ends.push(batch.text.len());
                batch.readings += 1;
            }
        }
        for mark in self.grades.drain(..) {
            line::grade(&mut batch.text, &mark);
            batch.ends.push(batch.text.len());
        }
        batch.until = self.reader.position();
        batch.begin();
        Ok(batch)
    }

    /// Sends one part of the batch.
    fn send_some(&mut self, batch: &mut Batch) -> Option<Progress> {
        let part = batch.parts.pop()?;
        if part.refused && part.lines.len() > 1 {
            batch.halve(part.lines);
            return None;
        }
        match self.send(batch.bytes(&part.lines)) {
            Answer::Taken => {
                (self.failures, self.trusted) = (0, true);
                batch.taken += part.lines.len();
                // The whole was refused and this half was not: then it is the other.
                if part.first_half
                    && let Some(other) = batch.parts.last_mut()
                {
                    other.refused = true;
                }
                None
            }
            Answer::TooLarge(_) | Answer::Poison(_) if part.lines.len() > 1 => {
                self.failures = 0;
                batch.halve(part.lines);
                None
            }
            Answer::TooLarge(why) | Answer::Poison(why) => {
                self.failures = 0;
                batch.refused.push((part.lines.start, why));
                self.doubt(batch)
            }
            Answer::Later(why) => {
                batch.parts.push(part);
                Some(self.outage(why))
            }
            Answer::Refused(why) => {
                batch.parts.push(part);
                self.trusted = false;
                Some(Progress::Trouble { trouble: Trouble::Refused, why, pause: LONGEST_PAUSE })
            }
        }
    }

    /// Whether it may be the server that is set up wrongly, and not the lines that are.
    fn doubt(&mut self, batch: &mut Batch) -> Option<Progress> {
        let all = batch.ends.len();
        let many = batch.refused.len() >= ALL_REFUSED.min(all);
        let few_after_good = self.trusted && all < ALL_REFUSED;
        if batch.taken > 0 || !many || few_after_good || batch.rounds >= ROUNDS {
            return None;
        }
        self.trusted = false;
        batch.rounds += 1;
        let why = batch.refused.last().map_or_else(String::new, |(_, why)| why.clone());
        batch.begin();
        let why = format!("every line is refused: {why}");
        Some(Progress::Trouble { trouble: Trouble::Refused, why, pause: LONGEST_PAUSE })
    }

    fn send(&mut self, lines: &[u8]) -> Answer {
        let mut packed = GzEncoder::new(Vec::with_capacity(lines.len() / 8), Compression::fast());
        let packed = packed.write_all(lines).and_then(|()| packed.finish());
        let body = match packed {
            Ok(body) => body,
            Err(error) => return Answer::Later(error.to_string()),
        };
        let sending = self.client.write_line_protocol_with_precision(
            &self.config.org,
            &self.config.bucket,
            body,
            TimestampPrecision::Milliseconds,
        );
        let runtime = match self.runtime.take() {
            Some(runtime) => Ok(runtime),
            None => runtime::Builder::new_current_thread().enable_all().build(),
        };
        match runtime {
            Ok(runtime) => {
                let answer = runtime.block_on(sending).map_or_else(classify, |()| Answer::Taken);
                self.runtime = Some(runtime);
                answer
            }
            Err(error) => Answer::Later(error.to_string()),
        }
    }

    /// A pause that doubles with each failure, up to half of it by chance, so that many daemons don't return as one.
    fn outage(&mut self, why: String) -> Progress {
        let longest = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        let pause = longest.mul_f64(0.5 + 0.5 * (self.chance)().clamp(0.0, 1.0));
        Progress::Trouble { trouble: Trouble::Outage, why, pause }
    }

    /// Puts what was refused aside and moves the cursor.
    fn finish(&mut self, batch: &mut Batch) -> Result<(), io::Error> {
        while let Some((line, why)) = batch.refused.pop() {
            let kept = self.dead.keep(batch.bytes(&(line..line + 1)), &why);
            if let Err(error) = kept {
                // Counted; a full disk must not stop the store for good.
                tracing::warn!(store = %self.config.name, %error, "a refused line could not be kept");
            }
        }
        if batch.until > self.cursor.at() {
            self.cursor.save(batch.until)?;
        }
        Ok(())
    }
}

impl SeriesStore for Writer {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn cursor(&self) -> Seq {
        self.cursor.at()
    }

    fn step(&mut self, durable: Seq) -> Progress {
        let mut batch = match self.batch.take() {
            Some(batch) => batch,
            None => match self.gap.take() {
                Some(gap) => return Progress::Lost(gap),
                None => match self.gather(durable) {
                    Ok(batch) => batch,
                    Err(trouble) => return trouble,
                },
            },
        };
        if let Some(trouble) = self.send_some(&mut batch) {
            self.batch = Some(batch);
            return trouble;
        }
        if !batch.parts.is_empty() {
            self.batch = Some(batch);
            return Progress::Wrote { readings: 0, more: true };
        }
        if let Err(error) = self.finish(&mut batch) {
            self.batch = Some(batch);
            return self.outage(format!("cannot keep the place in the journal: {error}"));
        }
        if batch.ends.is_empty() && self.gap.is_none() {
            return Progress::Idle;
        }
        Progress::Wrote { readings: batch.readings, more: true }
    }

    fn mark(&mut self, mark: GradeMark) {
        if self.grades.len() == MAX_GRADES {
            self.grades.pop_front();
        }
        self.grades.push_back(mark);
    }
}

impl Batch {
    /// All of it is to be sent.
    fn begin(&mut self) {
        self.parts.clear();
        self.refused.clear();
        if !self.ends.is_empty() {
            self.parts.push(Part { lines: 0..self.ends.len(), first_half: false, refused: false });
        }
    }

    fn halve(&mut self, lines: Range<usize>) {
        let middle = lines.start + lines.len() / 2;
        self.parts.push(Part { lines: middle..lines.end, first_half: false, refused: false });
        self.parts.push(Part { lines: lines.start..middle, first_half: true, refused: false });
    }

    fn bytes(&self, lines: &Range<usize>) -> &[u8] {
        let begin = lines.start.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = lines.end.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(begin);
        self.text.get(begin..end).unwrap_or(&[])
    }
}

/// InfluxDB's own table of what a status means for the writer, and what was met beside it.
fn classify(error: RequestError) -> Answer {
    match error {
        RequestError::Http { status, text } => {
            let mut why = format!("{status}: {}", text.trim());
            why.truncate(why.char_indices().nth(300).map_or(why.len(), |(at, _)| at));
            match status.as_u16() {
                400 | 422 => Answer::Poison(why),
                413 => Answer::TooLarge(why),
                408 | 425 | 429 | 500..=599 => Answer::Later(why),
                // Some servers say 200 or 202 where 204 is meant.
                200 | 202 => Answer::Taken,
                _ => Answer::Refused(why),
            }
        }
        RequestError::ReqwestProcessing { source } => Answer::Later(chain(&source)),
        RequestError::Serializing { source } => Answer::Later(source.to_string()),
        RequestError::Deserializing { text } => Answer::Later(text),
    }
}

/// An error with its causes: `error sending request` alone says nothing.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
