//! A signal that swings to and fro (振荡): a loose contact, a float that knocks, a controller that hunts.

use watchfire_model::quality::{Checks, Flag};

use super::{Closer, Look};

pub(super) const CHECK: Closer = Closer { name: "oscillation", bit: Checks::OSCILLATION, judge };

fn judge(look: &Look<'_>) -> Option<Flag> {
    let oscillation = look.scrutiny.oscillation?;
    (look.course.swings.turns() >= usize::from(oscillation.turns)).then_some(Flag::Suspect)
}
