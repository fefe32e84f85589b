//! What many sensors share (a link, a gateway, a power supply, a logger, their station) and whether it has fallen silent as
//! a whole. A reading costs nothing here unless its point had been cut off.

use std::collections::BTreeMap;

use watchfire_model::id::{PointIx, Seq};
use watchfire_model::incident::{About, Outage, Sensor};
use watchfire_model::row::LinkChange;
use watchfire_model::site::{Point, Site};
use watchfire_model::time::{Now, Span, Steady, Timestamp};

use crate::quality::Gate;

/// So many sensors fall silent together before it is the fault of what they share.
const TOGETHER: usize = 2;

/// Everything that sensors share, the widest first, and what of it is out.
#[derive(Clone, Debug, Default)]
pub(super) struct Outages {
    shared: Vec<Shared>,
    /// What each point shares, in the order of points, the widest first.
    shares: Vec<(PointIx, u32)>,
    /// By point: its place among the site's links.
    link_of: Vec<Option<usize>>,
    /// What is out, and since when nothing is heard by it.
    out: BTreeMap<About, Timestamp>,
    /// Whether our own clock is among it.
    lags: bool,
    said: Vec<Outage>,
}

/// Something shared, with the points that are waited for behind it.
#[derive(Clone, Debug)]
struct Shared {
    about: About,
    points: Vec<PointIx>,
}

impl Outages {
    /// What the points of a site share, of those that are `awaited`.
    pub(super) fn new(site: &Site, awaited: impl Iterator<Item = PointIx>) -> Self {
        let mut behind: BTreeMap<About, Vec<PointIx>> = BTreeMap::new();
        let mut link_of = vec![None; site.points.len()];
        for (at, link) in site.links.iter().enumerate() {
            for point in &link.points {
                if let Some(slot) = link_of.get_mut(point.index()) {
                    *slot = Some(at);
                }
            }
        }
        for point in awaited {
            let Some(station) = site.station_of(point) else { continue };
            let link = link_of.get(point.index()).copied().flatten().and_then(|at| site.links.get(at));
            let shared = [
                link.map(|link| About::Link { source: link.source.clone() }),
                station.gateway.clone().map(|gateway| About::Gateway { gateway }),
                station.power.clone().map(|power| About::Power { power }),
                station.logger.clone().map(|logger| About::Logger { logger }),
                (station.points.len() >= TOGETHER).then(|| About::Station { station: station.id.clone() }),
            ];
            for about in shared.into_iter().flatten() {
                behind.entry(about).or_default().push(point);
            }
        }
        let shared: Vec<Shared> = behind
            .into_iter()
            .filter(|(_, points)| points.len() >= TOGETHER)
            .map(|(about, points)| Shared { about, points })
            .collect();
        let pairs = (0_u32..).zip(&shared).flat_map(|(at, it)| it.points.iter().map(move |point| (*point, at)));
        let mut shares: Vec<(PointIx, u32)> = pairs.collect();
        shares.sort_unstable();
        shares.shrink_to_fit();
        Self { shared, shares, link_of, out: BTreeMap::new(), lags: false, said: Vec::new() }
    }

    /// What a point shares, the widest first, by its place in the list.
    fn of_point(&self, point: PointIx) -> impl Iterator<Item = usize> {
        let begin = self.shares.partition_point(|(other, _)| *other < point);
        let its = self.shares.iter().skip(begin).take_while(move |(other, _)| *other == point);
        its.filter_map(|(_, at)| usize::try_from(*at).ok())
    }

    /// What is out, for the disk.
    pub(super) fn state(&self) -> Vec<(About, Timestamp)> {
        self.out.iter().map(|(about, since)| (about.clone(), *since)).collect()
    }

    /// Goes on from what was out.
    pub(super) fn go_on(&mut self, state: Vec<(About, Timestamp)>) {
        self.out = state.into_iter().collect();
        self.lags = self.out.contains_key(&About::HostClock);
    }

    /// Whether a point that is heard again can end anything.
    pub(super) fn is_any_out(&self) -> bool {
        !self.out.is_empty()
    }

    /// What the last row showed.
    pub(super) fn said(&self) -> &[Outage] {
        &self.said
    }

    /// Another row begins.
    pub(super) fn clear(&mut self) {
        self.said.clear();
    }

    /// Our own clock was set, by so much.
    pub(super) fn clock_was_set(&mut self, now: Now, seq: Seq, by: Span) {
        let way = if by.0 > 0 { "forward" } else { "back" };
        let reason = format!("our clock was set {way} by {}", Span(by.0.abs()));
        let (since, until) = (now.wall - by, Some(now.wall));
        self.said.push(Outage { about: About::HostClock, seq, since, until, sensors: Vec::new(), reason });
    }

    /// Most sensors that tell a time are ahead of ours, `ahead` of them, or are no longer.
    pub(super) fn clock_lags(&mut self, now: Now, seq: Seq, lags: bool, (ahead, of): (usize, usize)) {
        if lags == self.lags {
            return;
        }
        self.lags = lags;
        let (about, sensors) = (About::HostClock, Vec::new());
        if lags {
            self.out.insert(about.clone(), now.wall);
            let reason = format!("{ahead} of {of} sensors that tell a time are ahead of our clock");
            self.said.push(Outage { about, seq, since: now.wall, until: None, sensors, reason });
        } else {
            let since = self.out.remove(&about).unwrap_or(now.wall);
            self.said.push(Outage { about, seq, since, until: Some(now.wall), sensors, reason: String::new() });
        }
    }

    /// Points have just fallen silent, at the first of `times`; the second is when we began to listen: what they share is out if nothing else is heard by it either.
    pub(super) fn lost(&mut self, site: &Site, gate: &Gate, times: (Now, Now), seq: Seq, points: &[PointIx]) {
        let mut touched: Vec<usize> = points.iter().flat_map(|point| self.of_point(*point)).collect();
        // The widest comes first, and what is part of it need not be told.
        touched.sort_unstable();
        touched.dedup();
        for at in touched {
            let Some(it) = self.shared.get(at) else { continue };
            if self.out.contains_key(&it.about) || self.is_part_of_another(at) {
                continue;
            }
            let Some(since) = silent_since(site, gate, times, &it.points) else { continue };
            let (about, sensors) = (it.about.clone(), sensors(site, &it.points));
            self.out.insert(about.clone(), since);
            self.said.push(Outage { about, seq, since, until: None, sensors, reason: String::new() });
        }
    }

    /// A point that had been cut off is heard again: so is what it shares.
    pub(super) fn heard(&mut self, site: &Site, seq: Seq, point: PointIx, at: Timestamp) {
        let Some(station) = site.station_of(point) else { return };
        // A link may be out that no two awaited points share, so that it is not in the list.
        let link = self.link_of.get(point.index()).copied().flatten().and_then(|at| site.links.get(at));
        let others = [
            link.map(|link| About::Link { source: link.source.clone() }),
            Some(About::Station { station: station.id.clone() }),
        ];
        let listed = self.of_point(point).filter_map(|at| self.shared.get(at)).map(|it| it.about.clone());
        let mut back: Vec<About> = listed.chain(others.into_iter().flatten()).collect();
        back.sort();
        back.dedup();
        for about in back {
            if let Some(since) = self.out.remove(&about) {
                self.said.push(Outage {
                    about,
                    seq,
                    since,
                    until: Some(at),
                    sensors: Vec::new(),
                    reason: String::new(),
                });
            }
        }
    }

    /// A link went down or came up. Down is an outage at once; up is none before something is heard, unless what was sent
    /// meanwhile is lost.
    pub(super) fn link(&mut self, site: &Site, now: Now, seq: Seq, change: &LinkChange) {
        if change.points.is_empty() {
            return;
        }
        let about = named(site, change);
        match (change.up, change.gap) {
            (false, _) => {
                let since = *self.out.entry(about.clone()).or_insert(change.since);
                let (sensors, reason) = (sensors(site, &change.points), change.reason.clone());
                self.said.push(Outage { about, seq, since, until: None, sensors, reason });
            }
            (true, true) => {
                let since = self.out.remove(&about).unwrap_or(change.since);
                let reason = "what was sent meanwhile may be lost: the broker had forgotten our session".to_owned();
                let sensors = sensors(site, &change.points);
                self.said.push(Outage { about, seq, since, until: Some(now.wall), sensors, reason });
            }
            (true, false) => {}
        }
    }

    /// Whether something wider that holds all of these points is out already.
    fn is_part_of_another(&self, at: usize) -> bool {
        let Some(points) = self.shared.get(at).map(|it| &it.points) else { return false };
        let wider = points.first().into_iter().flat_map(|point| self.of_point(*point));
        wider.filter(|wider| *wider < at).filter_map(|wider| self.shared.get(wider)).any(|wider| {
            self.out.contains_key(&wider.about) && points.iter().all(|point| wider.points.binary_search(point).is_ok())
        })
    }
}

/// Since when nothing is heard of any of the points, if most of them should have been heard since. One that died alone
/// long before is no witness either way.
fn silent_since(site: &Site, gate: &Gate, (now, started): (Now, Now), points: &[PointIx]) -> Option<Timestamp> {
    let seen = |ix: &PointIx| {
        let (plan, point) = (site.point(*ix)?, gate.point(*ix)?);
        let heard = point.heard().unwrap_or(started.steady);
        let overdue = (now.steady - heard).0 > plan.interval.0.saturating_mul(3) / 2;
        let quiet = point.is_cut_off() || overdue;
        Some(Witness { heard, at: point.heard_at().unwrap_or(started.wall), plan, cut_off: point.is_cut_off(), quiet })
    };
    let witnesses: Vec<Witness<'_>> = points.iter().filter_map(seen).collect();
    let last = witnesses.iter().filter(|it| it.quiet).max_by_key(|it| it.heard)?;
    let alive = || witnesses.iter().filter(|it| !it.cut_off || it.heard + it.plan.stale_after() >= last.heard);
    let spoke_since = alive().any(|it| !it.quiet && it.heard > last.heard);
    let (cut_off, quiet) = (alive().filter(|it| it.cut_off).count(), alive().filter(|it| it.quiet).count());
    (!spoke_since && cut_off >= TOGETHER && quiet * 2 > alive().count()).then_some(last.at)
}

/// One point, asked whether it was heard.
struct Witness<'s> {
    plan: &'s Point,
    heard: Steady,
    at: Timestamp,
    cut_off: bool,
    /// Cut off, or later than it should be.
    quiet: bool,
}

/// What a link's change is about: the whole source, or of a source with many units the one station that does not answer.
fn named(site: &Site, change: &LinkChange) -> About {
    let all = site.links.iter().find(|link| link.source == change.source).map_or(0, |link| link.points.len());
    let first = change.points.first().and_then(|point| site.station_of(*point));
    let one_station = |id| change.points.iter().all(|point| site.station_of(*point).is_some_and(|it| it.id == id));
    match first {
        Some(station) if change.points.len() < all && one_station(station.id.clone()) => {
            About::Station { station: station.id.clone() }
        }
        Some(_) | None => About::Link { source: change.source.clone() },
    }
}

fn sensors(site: &Site, points: &[PointIx]) -> Vec<Sensor> {
    let sensor =
        |ix: &PointIx| Some(Sensor { station: site.station_of(*ix)?.id.clone(), point: site.point(*ix)?.id.clone() });
    points.iter().filter_map(sensor).collect()
}
