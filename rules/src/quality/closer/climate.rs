//! What is usual in the season and at the hour, by the site's clock: 25 °C in January, three metres of water in the dry
//! season. Unusual is not impossible, and floods are unusual: such a value is suspect, and never thrown out.

use watchfire_model::quality::{Checks, Flag};
use watchfire_model::scrutiny::Season;
use watchfire_model::time::Civil;

use super::{Closer, Look};

pub(super) const CHECK: Closer = Closer { name: "climate", bit: Checks::RANGE, judge };

fn judge(look: &Look<'_>) -> Option<Flag> {
    let local = || look.at.civil(look.site.zone.offset_at(look.at));
    let seasons = &look.scrutiny.climate;
    let local = (!seasons.is_empty()).then(local)?;
    let season = seasons.iter().find(|season| is_in(season, &local))?;
    let (low, high) = season.usual;
    (look.value < low || look.value > high).then_some(Flag::Suspect)
}

fn is_in(season: &Season, local: &Civil) -> bool {
    let number = |(month, day): (u8, u8)| i64::from(month) * 100 + i64::from(day);
    let (first, last) = (number(season.days.0), number(season.days.1));
    let today = local.month * 100 + local.day;
    let of_year = if first <= last { first <= today && today <= last } else { today >= first || today <= last };
    let (begin, end) = (i64::from(season.hours.0), i64::from(season.hours.1));
    let of_day =
        if begin <= end { begin <= local.hour && local.hour < end } else { local.hour >= begin || local.hour < end };
    of_year && of_day
}
