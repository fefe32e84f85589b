//! Where the readings of a backtest come from. Opened anew for each pass, so that two rule sets hear the same.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use watchfire_model::id::PointIx;
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::site::Site;
use watchfire_model::time::Timestamp;

use super::line::{Fault, Record};
use super::line_protocol::{LineProtocol, Precision};
use super::map::Map;
use super::points::Points;
use super::recording::{Format, Line, Recording};
use super::store::{self, Store, StoreFeed};
use super::{BacktestArgs, InputFormat};

/// Files that are read side by side, each through a buffer of its own.
const FILES_MOST: usize = 4_096;

/// What the command line names.
#[derive(Clone, Debug)]
pub(super) struct Source {
    inputs: Vec<PathBuf>,
    format: Option<InputFormat>,
    precision: Precision,
    map: Option<Arc<Map>>,
    store: Option<Store>,
}

/// Readings, one after the other.
pub(super) enum Feed {
    /// From files.
    Texts(Box<Texts>),
    /// From the daemon's own store.
    Stored(Box<StoreFeed>),
}

/// Files that are read side by side.
pub(super) struct Texts {
    texts: Vec<Text>,
    points: Points,
    /// Those whose next reading is still to be read.
    to_read: Vec<usize>,
    /// The next reading of each of the others, earliest first.
    next: BinaryHeap<Reverse<(Timestamp, usize)>>,
    length: Option<u64>,
}

/// One file.
struct Text {
    path: PathBuf,
    recording: Recording<Box<dyn Read + Send>>,
    record: Record,
}

/// What came next.
pub(super) enum Given {
    /// A reading of a point.
    Reading(PointIx, Timestamp, Result<Finite, Bad>),
    /// A line that says nothing of any point here.
    Nothing,
    /// A line that cannot be read: which, and why.
    Bad(BadLine),
}

/// A line that cannot be read.
#[derive(Clone, Debug)]
pub(super) struct BadLine {
    /// `file:line`.
    pub(super) place: String,
    /// What is wrong with it.
    pub(super) fault: Fault,
}

impl Source {
    /// What `args` names.
    pub(super) fn of(args: &BacktestArgs) -> anyhow::Result<Self> {
        anyhow::ensure!(args.input.len() <= FILES_MOST, "at most {FILES_MOST} files are read side by side");
        let map = args.map.as_deref().map(Map::read).transpose()?.map(Arc::new);
        let store = args.data_dir.as_deref().map(|dir| Store::of(dir, args.from, args.to));
        Ok(Self { inputs: args.input.clone(), format: args.format, precision: args.precision, map, store })
    }

    /// Whether it can be read a second time.
    pub(super) fn is_repeatable(&self) -> bool {
        !self.inputs.iter().any(|input| input == Path::new("-"))
    }

    /// As people name it.
    pub(super) fn name(&self) -> String {
        match (&self.store, self.inputs.as_slice()) {
            (Some(store), _) => store.name(),
            (None, [only]) => only.display().to_string(),
            (None, inputs) => inputs.iter().map(|input| input.display().to_string()).collect::<Vec<_>>().join(", "),
        }
    }

    /// A site as it judges this: what is stored has been corrected already, by what was known of each sensor.
    pub(super) fn as_recorded(&self, site: Arc<Site>) -> Arc<Site> {
        if self.store.is_some() { store::as_stored(site) } else { site }
    }

    /// From the beginning, for the points of `site`.
    pub(super) fn open(&self, site: &Arc<Site>) -> anyhow::Result<Feed> {
        if let Some(store) = &self.store {
            return Ok(Feed::Stored(Box::new(store.open(site)?)));
        }
        let (mut texts, mut length) = (Vec::with_capacity(self.inputs.len()), Some(0));
        for path in &self.inputs {
            let (from, bytes) = open(path)?;
            length = length.zip(bytes).map(|(all, one)| all + one);
            let recording = Recording::sharing(from, self.format(path, site)?, self.inputs.len());
            texts.push(Text { path: path.clone(), recording, record: Record::new() });
        }
        let to_read = (0..texts.len()).rev().collect();
        let points = Points::of(site);
        Ok(Feed::Texts(Box::new(Texts { texts, points, to_read, next: BinaryHeap::new(), length })))
    }

    fn format(&self, path: &Path, site: &Arc<Site>) -> anyhow::Result<Format> {
        if let Some(map) = &self.map {
            return Ok(Format::Mapped(Box::new(map.begin(Arc::clone(site))?)));
        }
        let by_ending =
            || if path.extension().is_some_and(|end| end == "lp") { InputFormat::Lp } else { InputFormat::Csv };
        Ok(match self.format.unwrap_or_else(by_ending) {
            InputFormat::Csv => Format::CsvHeader,
            InputFormat::Lp => Format::LineProtocol(LineProtocol::new(self.precision)),
        })
    }
}

/// A recording and how long it is, where that is known.
fn open(input: &Path) -> anyhow::Result<(Box<dyn Read + Send>, Option<u64>)> {
    if input == Path::new("-") {
        return Ok((Box::new(std::io::stdin()), None));
    }
    let file = File::open(input).with_context(|| format!("cannot open the recording {}", input.display()))?;
    let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|data| data.len());
    Ok((Box::new(file), length))
}

impl Feed {
    /// The next reading, or what else stands there; nothing at the end.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Given>> {
        match self {
            Self::Texts(texts) => texts.next(),
            Self::Stored(stored) => stored.next(),
        }
    }

    /// Bytes read so far; of a store the readings.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Texts(texts) => texts.texts.iter().map(|text| text.recording.bytes()).sum(),
            Self::Stored(stored) => stored.given(),
        }
    }

    /// Bytes there are, where that is known.
    pub(super) const fn length(&self) -> Option<u64> {
        match self {
            Self::Texts(texts) => texts.length,
            Self::Stored(_) => None,
        }
    }

    /// The points, and the names that are none.
    pub(super) const fn points(&self) -> &Points {
        match self {
            Self::Texts(texts) => &texts.points,
            Self::Stored(stored) => stored.points(),
        }
    }
}

impl Texts {
    /// The next reading, or what else stands there; nothing at the end. Several files are told in the order of time, as
    /// far as each of them is in it; one file in its own order.
    fn next(&mut self) -> anyhow::Result<Option<Given>> {
        if let [only] = self.texts.as_mut_slice() {
            return only.next(&mut self.points);
        }
        while let Some(place) = self.to_read.pop() {
            let Some(text) = self.texts.get_mut(place) else { continue };
            match text.next(&mut self.points)? {
                Some(Given::Reading(_, at, _)) => self.next.push(Reverse((at, place))),
                Some(given @ (Given::Nothing | Given::Bad(_))) => {
                    self.to_read.push(place);
                    return Ok(Some(given));
                }
                None => {}
            }
        }
        let Some(Reverse((_, place))) = self.next.pop() else { return Ok(None) };
        self.to_read.push(place);
        let Some(text) = self.texts.get(place) else { return Ok(None) };
        Ok(Some(match self.points.known(&text.record.name) {
            Some(point) => Given::Reading(point, text.record.at, text.record.value),
            None => Given::Nothing,
        }))
    }
}

impl Text {
    fn next(&mut self, points: &mut Points) -> anyhow::Result<Option<Given>> {
        let unreadable = || format!("cannot judge {}", self.path.display());
        let Some(line) = self.recording.next(&mut self.record).with_context(unreadable)? else { return Ok(None) };
        Ok(Some(match line {
            Line::Nothing => Given::Nothing,
            Line::Bad(fault) => {
                let place = format!("{}:{}", self.path.display(), self.recording.line());
                Given::Bad(BadLine { place, fault })
            }
            Line::Reading => match points.find(&self.record.name) {
                Some(point) => Given::Reading(point, self.record.at, self.record.value),
                None => Given::Nothing,
            },
        }))
    }
}
