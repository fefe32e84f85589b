//! What others of the kind say at the same time: too far from the middle of what they lead us to expect, a value is
//! suspect. One neighbour that is wrong moves the middle of three little; with fewer than half of them there is no verdict.

use watchfire_model::quality::{Checks, Flag};
use watchfire_model::scrutiny::{Neighbour, Scrutiny};
use watchfire_model::site::Site;
use watchfire_model::time::Timestamp;

use super::{Closer, Look, exceeds};
use crate::quality::{PointGate, max_gap};

pub(super) const CHECK: Closer = Closer { name: "neighbours", bit: Checks::NEIGHBOUR, judge };

/// Neighbours of one point that are looked at.
pub const MOST_NEIGHBOURS: usize = 16;

fn judge(look: &Look<'_>) -> Option<Flag> {
    let neighbours = look.scrutiny.neighbours.as_ref()?;
    let middle = expected(look.site, look.points, look.scrutiny, look.at)?;
    exceeds((look.value - middle).abs(), neighbours.suspect).then_some(Flag::Suspect)
}

/// The middle of what a point's neighbours lead to expect of it.
pub(crate) fn expected(site: &Site, points: &[PointGate], scrutiny: &Scrutiny, at: Timestamp) -> Option<f64> {
    let neighbours = scrutiny.neighbours.as_ref()?;
    let (mut expected, mut count) = ([0.0; MOST_NEIGHBOURS], 0);
    let expect = |neighbour| expect(site, points, neighbour, at);
    let known = neighbours.points.iter().take(MOST_NEIGHBOURS).filter_map(expect);
    for (place, value) in expected.iter_mut().zip(known) {
        *place = value;
        count += 1;
    }
    if count == 0 || count * 2 < neighbours.points.len() {
        return None;
    }
    let known = expected.get_mut(..count)?;
    known.sort_unstable_by(f64::total_cmp);
    Some(f64::midpoint(*known.get((count - 1) / 2)?, *known.get(count / 2)?))
}

/// What a neighbour's value of the same time says ours should be.
fn expect(site: &Site, points: &[PointGate], neighbour: &Neighbour, at: Timestamp) -> Option<f64> {
    let (point, gate) = (site.point(neighbour.point)?, points.get(neighbour.point.index())?);
    let sample = gate.series().last(at)?;
    let of_now = at - sample.at <= max_gap(point);
    (of_now && sample.flag <= Flag::NotEvaluated).then_some(neighbour.offset + neighbour.scale * sample.value)
}
