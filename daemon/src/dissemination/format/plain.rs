//! Which characters may leave the house: texts come from templates, station names and people, and all of them are
//! cleaned here before any format escapes them.

use std::borrow::Cow;

/// Several lines of text: control characters, bidirectional overrides and what XML 1.0 can't hold (2.2) are dropped;
/// line ends become `\n`.
pub(super) fn text(raw: &str) -> Cow<'_, str> {
    if raw.chars().all(|c| c == '\n' || is_plain(c)) {
        return Cow::Borrowed(raw);
    }
    let joined = raw.replace("\r\n", "\n").replace('\r', "\n");
    let spaced = joined.chars().map(|c| if c == '\t' { ' ' } else { c });
    Cow::Owned(spaced.filter(|&c| c == '\n' || is_plain(c)).collect())
}

/// One line of text: as [`text`], with line ends as spaces and none at either end.
pub(super) fn line(raw: &str) -> String {
    text(raw).replace('\n', " ").trim().to_owned()
}

/// A name that may stand in CAP's identifier, sender, references and incidents (3.2.1: no spaces, commas, `<`, `&`).
pub(super) fn token(raw: &str) -> String {
    let barred = |c: char| c.is_whitespace() || matches!(c, ',' | '<' | '>' | '&' | '"' | '\'');
    let clean: String = line(raw).chars().map(|c| if barred(c) { '_' } else { c }).collect();
    if clean.is_empty() { "_".to_owned() } else { clean }
}

/// Neither a control character, nor one that turns the reading order around, nor one that XML 1.0 has no place for.
fn is_plain(c: char) -> bool {
    let turns = matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let no_character = matches!(c, '\u{FFFE}' | '\u{FFFF}');
    !c.is_control() && !turns && !no_character
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_leave_is_dropped() {
        assert_eq!(text("水位\u{0}上涨\u{7}\r\n请\u{202E}转移\t快\u{FFFF}"), "水位上涨\n请转移 快");
        assert_eq!(line(" 一\r二\n三 "), "一 二 三");
        assert_eq!(token("a b,c<d>&e"), "a_b_c_d__e");
        assert_eq!(token(" \u{1} "), "_");
    }
}
