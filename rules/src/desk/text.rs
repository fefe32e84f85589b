//! Templates: which placeholders there are, whether a template is sound, and filling one in. Numbers and times as people
//! read them. Which words a bulletin uses is `wording.rs`'s.

use watchfire_model::time::{Timestamp, Zone};

/// What a template may name in braces.
pub const PLACEHOLDERS: [&str; 17] = [
    "area",
    "station",
    "stations",
    "value",
    "unit",
    "threshold",
    "grade",
    "numeral",
    "weight",
    "hazard",
    "issuer",
    "time",
    "onset",
    "response",
    "consequence",
    "lost_since",
    "act",
];

/// Checks that a template names only placeholders that exist and closes every brace; says what is wrong with it.
pub fn validate(template: &str) -> Result<(), String> {
    for piece in pieces(template) {
        match piece {
            Piece::Plain(_) => {}
            Piece::Name(name) if PLACEHOLDERS.contains(&name) => {}
            Piece::Name(name) => {
                return Err(format!("there is no placeholder {{{name}}}; there are {{{}}}", PLACEHOLDERS.join("} {")));
            }
            Piece::Open(rest) => {
                let shown: String = rest.chars().take(20).collect();
                return Err(format!("a brace is not closed at \"{shown}\""));
            }
        }
    }
    Ok(())
}

/// Fills a template in one pass: what is filled in is never read again. A name without a value stays as written.
/// Control characters other than line ends are left out.
pub(super) fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(template.len() * 2);
    for piece in pieces(template) {
        match piece {
            Piece::Plain(text) | Piece::Open(text) => filled.push_str(text),
            Piece::Name(name) => match value(name) {
                Some(text) => filled.push_str(&text),
                None => {
                    filled.push('{');
                    filled.push_str(name);
                    filled.push('}');
                }
            },
        }
    }
    filled.retain(|c| c == '\n' || !c.is_control());
    filled
}

enum Piece<'t> {
    Plain(&'t str),
    Name(&'t str),
    /// From a brace that is never closed to the end.
    Open(&'t str),
}

fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(open) = rest.find('{') else { return Some(Piece::Plain(std::mem::take(&mut rest))) };
        if open > 0 {
            let (plain, after) = rest.split_at(open);
            rest = after;
            return Some(Piece::Plain(plain));
        }
        let Some((name, after)) = rest[1..].split_once('}') else {
            return Some(Piece::Open(std::mem::take(&mut rest)));
        };
        rest = after;
        Some(Piece::Name(name))
    })
}

/// A number as people read it: `4.62`, `0.0123`, `12500.5`; never in powers of ten, never with idle zeros.
pub fn number(value: f64) -> String {
    let size = value.abs();
    let decimals = if size >= 1_000.0 {
        1
    } else if size >= 1.0 {
        3
    } else {
        // Three digits that count, as far as the ninth place.
        let (mut decimals, mut scaled) = (3, size);
        while scaled < 0.1 && decimals < 9 {
            scaled *= 10.0;
            decimals += 1;
        }
        decimals
    };
    let written = format!("{value:.decimals$}");
    let trimmed = written.trim_end_matches('0').trim_end_matches('.');
    if trimmed == "-0" { "0".to_owned() } else { trimmed.to_owned() }
}

/// A moment at the site's offset, for a reader of `language`.
pub(super) fn moment(at: Timestamp, zone: &Zone, chinese: bool) -> String {
    let c = at.civil(zone.offset_at(at));
    if chinese {
        format!("{}年{}月{}日{:02}:{:02}", c.year, c.month, c.day, c.hour, c.minute)
    } else {
        format!("{:04}-{:02}-{:02} {:02}:{:02}", c.year, c.month, c.day, c.hour, c.minute)
    }
}

/// The time of day, with the date only where it is another day than `seen_from`.
pub(super) fn clock(at: Timestamp, seen_from: Timestamp, zone: &Zone, chinese: bool) -> String {
    let c = at.civil(zone.offset_at(at));
    let today = seen_from.civil(zone.offset_at(seen_from));
    if (c.year, c.month, c.day) == (today.year, today.month, today.day) {
        format!("{:02}:{:02}", c.hour, c.minute)
    } else {
        moment(at, zone, chinese)
    }
}

/// Cuts a text at `most` characters, with an ellipsis where something is missing.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_with_an_unknown_name_or_an_open_brace_is_refused() {
        assert_eq!(validate("{area}{station} {value} {unit}"), Ok(()));
        assert!(validate("{vlaue}").is_err_and(|why| why.contains("{vlaue}") && why.contains("{value}")));
        assert!(validate("水位 {value").is_err_and(|why| why.contains("{value")));
        assert_eq!(validate("plain } text"), Ok(()));
    }

    #[test]
    fn what_is_filled_in_is_not_read_again() {
        let value = |name: &str| (name == "area").then(|| "{issuer}\u{7}".to_owned());
        assert_eq!(fill("<{area}>{other}\n", value), "<{issuer}>{other}\n");
    }

    #[test]
    fn numbers_are_trimmed_and_never_in_powers_of_ten() {
        for (value, text) in [
            (4.62, "4.62"),
            (4.0, "4"),
            (53.500_000_000_1, "53.5"),
            (0.000_012_3, "0.0000123"),
            (12_500.46, "12500.5"),
            (1e21, "1000000000000000000000"),
            (-0.0, "0"),
            (-0.25, "-0.25"),
            (1e-30, "0"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn times_are_the_sites_own() {
        let zone = Zone { name: "Asia/Shanghai".to_owned(), offsets: vec![(Timestamp(0), 28_800)] };
        let at = Timestamp(1_785_565_927_000); // 2026-08-01T06:32:07Z
        assert_eq!(moment(at, &zone, true), "2026年8月1日14:32");
        assert_eq!(clock(at, at, &zone, false), "14:32");
        assert_eq!(clock(Timestamp(at.0 - 86_400_000), at, &zone, false), "2026-07-31 14:32");
    }
}
