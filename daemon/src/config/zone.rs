//! Local time as a table, so that the pure parts need no zone database.

use jiff::tz::TimeZone;
use watchfire_model::time::{Civil, Timestamp, Zone};

/// The zone of an IANA name, or of a fixed offset such as `+08:00`.
pub(crate) fn zone(name: &str) -> Option<Zone> {
    if let Some(seconds) = fixed(name) {
        return Some(Zone { name: name.to_owned(), offsets: vec![(Timestamp(0), seconds)] });
    }
    let zone = TimeZone::get(name).ok()?;
    let year =
        |year| Timestamp::from_civil(Civil { year, month: 1, day: 1, hour: 0, minute: 0, second: 0, millisecond: 0 });
    let (first, last) = (year(1970), year(2100));
    let start = jiff::Timestamp::from_millisecond(first.0).ok()?;
    let mut offsets = vec![(first, zone.to_offset(start).seconds())];
    for transition in zone.following(start) {
        let at = Timestamp(transition.timestamp().as_millisecond());
        if at >= last {
            break;
        }
        offsets.push((at, transition.offset().seconds()));
    }
    offsets.dedup_by_key(|(_, offset)| *offset);
    Some(Zone { name: name.to_owned(), offsets })
}

fn fixed(name: &str) -> Option<i32> {
    if matches!(name, "UTC" | "Z") {
        return Some(0);
    }
    let sign = match name.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, minutes) = name.get(1..)?.split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_follow_the_year() {
        let shanghai = zone("Asia/Shanghai").expect("the system's zone database has it");
        assert_eq!(shanghai.offset_at(Timestamp(1_732_400_000_000)), 28_800);
        let seattle = zone("America/Los_Angeles").expect("the system's zone database has it");
        assert_eq!(seattle.offset_at(Timestamp(1_732_400_000_000)), -28_800);
        assert_eq!(seattle.offset_at(Timestamp(1_719_800_000_000)), -25_200);
        assert_eq!(zone("+08:00").map(|zone| zone.offset_at(Timestamp(0))), Some(28_800));
        assert_eq!(zone("-03:30").map(|zone| zone.offset_at(Timestamp(0))), Some(-12_600));
        assert_eq!(zone("Asia/Shangai"), None);
    }
}
