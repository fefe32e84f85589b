//! What others of the kind say at the same time: too far from the middle of what they lead us to expect, a value is
//! suspect. One neighbour that is wrong moves the middle of three little; with fewer than half of them there is no verdict.

use watchfire_model::quality::{Checks, Flag};
use watchfire_model::scrutiny::Neighbour;

use super::{Closer, Look, exceeds};
use crate::quality::max_gap;

pub(super) const CHECK: Closer = Closer { name: "neighbours", bit: Checks::NEIGHBOUR, judge };

/// Neighbours of one point that are looked at.
pub const MOST_NEIGHBOURS: usize = 16;

fn judge(look: &Look<'_>) -> Option<Flag> {
    let neighbours = look.scrutiny.neighbours.as_ref()?;
    let (mut expected, mut count) = ([0.0; MOST_NEIGHBOURS], 0);
    let known = neighbours.points.iter().take(MOST_NEIGHBOURS).filter_map(|neighbour| expect(look, neighbour));
    for (place, value) in expected.iter_mut().zip(known) {
        *place = value;
        count += 1;
    }
    if count == 0 || count * 2 < neighbours.points.len() {
        return None;
    }
    let known = expected.get_mut(..count)?;
    known.sort_unstable_by(f64::total_cmp);
    let middle = f64::midpoint(*known.get((count - 1) / 2)?, *known.get(count / 2)?);
    exceeds((look.value - middle).abs(), neighbours.suspect).then_some(Flag::Suspect)
}

/// What a neighbour's value of the same time says ours should be.
fn expect(look: &Look<'_>, neighbour: &Neighbour) -> Option<f64> {
    let (point, gate) = (look.site.point(neighbour.point)?, look.points.get(neighbour.point.index())?);
    let sample = gate.series().last(look.at)?;
    let of_now = look.at - sample.at <= max_gap(point);
    (of_now && sample.flag <= Flag::NotEvaluated).then_some(neighbour.offset + neighbour.scale * sample.value)
}
