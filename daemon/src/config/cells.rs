//! Cells of a spreadsheet that hold more than one thing: seasons, neighbours, devices. They stand one after the other,
//! apart by semicolons or by lines within the cell; each is written as people would say it:
//!
//! * `seasons`: `11-01..03-31 42..46 m; 22..6h 42..50 m`, days and hours where they are not all;
//! * `neighbours`: `shangqing/stage; -8.2 m + 1.02 x dukou/stage`, what they lead us to expect;
//! * `sensors`: `SN-1 from 2025-01-01; SN-2 from 2026-05-01 08:00 offset 3 cm scale 1.01`, in the site's own time.

use watchfire_model::time::{Civil, Span, Timestamp, Zone};
use watchfire_rules::quality::MOST_NEIGHBOURS;

use crate::config::amount::Amount;
use crate::config::problem::{Place, Problem};
use crate::config::read::{At, Context};
use crate::config::scrutiny::{NeighbourDraft, SeasonDraft, SensorDraft, day};

const SEASON: &str = "write [first..last day] [from..to h] low..high, such as 11-01..03-31 22..6h 42..46 m";
const NEIGHBOUR: &str = "write [offset +] [scale x] station/point, such as -8.2 m + 1.02 x shangqing/stage";
const SENSOR: &str = "write SERIAL from DATE [to DATE] [offset AMOUNT] [scale NUMBER], such as \
                      SN-1 from 2026-05-01 08:00 offset 3 cm";
const MOMENT: &str = "write 2026-05-01, 2026-05-01 08:00 (the site's time) or 2026-05-01T08:00:00+08:00";

/// A part of a cell and where it stands.
#[derive(Clone, Copy)]
struct Piece<'t> {
    text: &'t str,
    at: Place,
}

impl<'t> Piece<'t> {
    /// What lies between two bytes of it, without the space around.
    fn part(self, from: usize, to: usize) -> Self {
        let raw = self.text.get(from..to).unwrap_or_default();
        let text = raw.trim();
        let start = self.at.start + from + (raw.len() - raw.trim_start().len());
        Self { text, at: Place { start, end: start + text.len(), ..self.at } }
    }

    /// What stands before `mark` and after it; none where it is not there.
    fn split(self, mark: &str) -> Option<(Self, Self)> {
        let found = self.text.find(mark)?;
        Some((self.part(0, found), self.part(found + mark.len(), self.text.len())))
    }

    /// The first word and what follows it.
    fn word(self) -> (Self, Self) {
        let end = self.text.find(char::is_whitespace).unwrap_or(self.text.len());
        (self.part(0, end), self.part(end, self.text.len()))
    }

    fn refuse<T>(self, cx: &Context<'_>, what: &str, hint: &str) -> Option<T> {
        cx.report(Problem::error(self.at, format!("\"{}\" is not {what}", self.text)).hint(hint));
        None
    }

    fn amount(self, cx: &Context<'_>) -> Option<At<Amount>> {
        let amount = Amount::parse(self.text).map_err(|error| cx.report(error.at(self.at))).ok()?;
        Some(At { value: amount, at: self.at })
    }

    fn number(self, cx: &Context<'_>, hint: &str) -> Option<f64> {
        let number = self.text.parse().ok().filter(|number: &f64| number.is_finite());
        number.or_else(|| self.refuse(cx, "a number", hint))
    }
}

/// The entries of a cell.
fn entries<'t>(cell: &At<&'t str>) -> Vec<Piece<'t>> {
    let whole = Piece { text: cell.value, at: cell.at };
    let mut found = Vec::new();
    let mut from = 0;
    for (end, mark) in cell.value.match_indices([';', '\n']).chain([(cell.value.len(), "")]) {
        found.push(whole.part(from, end));
        from = end + mark.len();
    }
    found.retain(|piece| !piece.text.is_empty());
    found
}

/// Reads a cell of seasons.
pub(super) fn seasons(cx: &Context<'_>, cell: &At<&str>) -> Vec<SeasonDraft> {
    entries(cell).into_iter().filter_map(|entry| season(cx, entry)).collect()
}

fn season(cx: &Context<'_>, entry: Piece<'_>) -> Option<SeasonDraft> {
    let (mut days, mut hours, mut rest) = (((1, 1), (12, 31)), (0, 24), entry);
    let (word, after) = rest.word();
    // A day has its dash inside, a value below zero has it in front.
    let is_day = |half: &str| half.char_indices().any(|(at, c)| at > 0 && c == '-');
    if let Some((first, last)) = word.split("..").filter(|(first, last)| is_day(first.text) || is_day(last.text)) {
        let one = |piece: Piece<'_>| day(piece.text).or_else(|| piece.refuse(cx, "a day such as 03-31", SEASON));
        days = (one(first)?, one(last)?);
        rest = after;
    }
    let (word, after) = rest.word();
    if let Some(range) = word.text.strip_suffix('h').filter(|_| !after.text.is_empty()) {
        let hour = |text: &str| text.trim().parse::<u8>().ok().filter(|hour| *hour <= 24);
        let read = range.split_once("..").and_then(|(from, to)| hour(from).zip(hour(to)));
        hours = read.or_else(|| word.refuse(cx, "hours from 0 to 24", SEASON))?;
        rest = after;
    }
    let Some((low, high)) = rest.split("..") else { return entry.refuse(cx, "a season", SEASON) };
    let (mut low, high) = (low.amount(cx)?, high.amount(cx)?);
    // Written once, behind both.
    low.value.unit = low.value.unit.or(high.value.unit);
    Some(SeasonDraft { days, hours, usual: (low, high) })
}

/// Reads a cell of neighbours.
pub(super) fn neighbours(cx: &Context<'_>, cell: &At<&str>) -> Vec<NeighbourDraft> {
    let all = entries(cell);
    if let Some(beyond) = all.get(MOST_NEIGHBOURS) {
        let _: Option<()> =
            beyond.refuse(cx, &format!("due: there are no more than {MOST_NEIGHBOURS} neighbours"), NEIGHBOUR);
    }
    all.into_iter().take(MOST_NEIGHBOURS).filter_map(|entry| neighbour(cx, entry)).collect()
}

fn neighbour(cx: &Context<'_>, entry: Piece<'_>) -> Option<NeighbourDraft> {
    let start = entry.text.rfind(char::is_whitespace).map_or(0, |space| space + 1);
    let (point, lead) = (entry.part(start, entry.text.len()), entry.part(0, start));
    let point = At { value: point.text.to_owned(), at: point.at };
    if lead.text.is_empty() {
        return Some(NeighbourDraft { point, offset: None, scale: 1.0 });
    }
    if let Some(offset) = lead.text.strip_suffix('+') {
        let offset = lead.part(0, offset.len()).amount(cx)?;
        return Some(NeighbourDraft { point, offset: Some(offset), scale: 1.0 });
    }
    let Some(line) = lead.text.strip_suffix(['x', '×', '*']) else {
        return entry.refuse(cx, "a neighbour", NEIGHBOUR);
    };
    let line = lead.part(0, line.len());
    let (offset, scale) = match line.split(" + ") {
        Some((offset, scale)) => (Some(offset.amount(cx)?), scale),
        None => (None, line),
    };
    Some(NeighbourDraft { point, offset, scale: scale.number(cx, NEIGHBOUR)? })
}

/// Reads a cell of devices, one after the other in time.
pub(super) fn sensors(cx: &Context<'_>, cell: &At<&str>, zone: &Zone) -> Vec<SensorDraft> {
    entries(cell).into_iter().filter_map(|entry| sensor(cx, entry, zone)).collect()
}

fn sensor(cx: &Context<'_>, entry: Piece<'_>, zone: &Zone) -> Option<SensorDraft> {
    const WORDS: [&str; 4] = [" from ", " to ", " offset ", " scale "];
    let mut marks: Vec<(usize, &str)> = WORDS.iter().flat_map(|word| entry.text.match_indices(word)).collect();
    marks.sort_unstable();
    let serial = entry.part(0, marks.first().map_or(entry.text.len(), |(at, _)| *at));
    let mut said: [Option<Piece<'_>>; 4] = [None; 4];
    for (place, (at, word)) in marks.iter().enumerate() {
        let end = marks.get(place + 1).map_or(entry.text.len(), |(next, _)| *next);
        let value = entry.part(at + word.len(), end.max(at + word.len()));
        let slot = WORDS.iter().position(|known| known == word).and_then(|known| said.get_mut(known))?;
        if slot.replace(value).is_some() {
            return entry.refuse(cx, "a device: a word stands twice in it", SENSOR);
        }
    }
    let [Some(from), to, offset, scale] = said else { return entry.refuse(cx, "a device", SENSOR) };
    if serial.text.is_empty() {
        return entry.refuse(cx, "a device: it has no serial number", SENSOR);
    }
    let (from, to) = (moment(cx, from, zone), to.map(|to| moment(cx, to, zone)));
    let offset = offset.map(|offset| offset.amount(cx));
    let scale = scale.map_or(Some(1.0), |scale| scale.number(cx, SENSOR));
    Some(SensorDraft {
        serial: serial.text.to_owned(),
        from: from?,
        to: to.map_or(Some(None), |to| to.map(Some))?,
        offset: offset.map_or(Some(None), |offset| offset.map(Some))?,
        scale: scale?,
    })
}

fn moment(cx: &Context<'_>, piece: Piece<'_>, zone: &Zone) -> Option<At<Timestamp>> {
    let stamped = piece.text.parse::<jiff::Timestamp>().ok().map(|moment| Timestamp(moment.as_millisecond()));
    let by_the_wall = || piece.text.parse::<jiff::civil::DateTime>().ok().map(|wall| in_zone(wall, zone));
    let moment = stamped.or_else(by_the_wall).or_else(|| piece.refuse(cx, "a moment", MOMENT))?;
    Some(At { value: moment, at: piece.at })
}

/// When the clocks of the zone show it.
fn in_zone(wall: jiff::civil::DateTime, zone: &Zone) -> Timestamp {
    let shown = Timestamp::from_civil(Civil {
        year: wall.year().into(),
        month: wall.month().into(),
        day: wall.day().into(),
        hour: wall.hour().into(),
        minute: wall.minute().into(),
        second: wall.second().into(),
        millisecond: wall.millisecond().into(),
    });
    let offset = |at: Timestamp| Span::seconds(i64::from(zone.offset_at(at)));
    // By the offset that holds then, and not the one that holds as long after midnight in Greenwich.
    shown - offset(shown - offset(shown))
}
