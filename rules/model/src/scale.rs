//! Our flags in the words of others, for readings that leave the house (E11).
//!
//! | ours, QARTOD | Delft-FEWS | WaterML 2.0 |
//! | --- | --- | --- |
//! | 1 good | 0 original/reliable | good |
//! | 2 not evaluated | 3 original/doubtful | unchecked |
//! | 3 suspect | 3 original/doubtful | suspect |
//! | 4 fail | 6 original/unreliable | poor |
//! | 9 missing | 9 missing | missing |
//!
//! Sources: IOOS QARTOD flag values; Delft-FEWS documentation, "Quality flags", Table 1 (publicwiki.deltares.nl, page
//! 364478725); OGC 10-126r4, WaterML 2.0 Part 1, 9.12.3.2.1, Table 5. What is ours alone in it: Delft-FEWS has no word for
//! what was not looked at, and its "validity is uncertain" is the nearest; of WaterML's "poor" the table says that the data
//! "may have been rejected", which is what a failed reading was. We correct and complete nothing, so the other six of
//! Delft-FEWS never come. A table of WMO's own is not offered: none was found that says these five.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::quality::Flag;

/// Whose words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// IOOS QARTOD: 1, 2, 3, 4, 9.
    #[default]
    Qartod,
    /// Delft-FEWS: 0 to 9.
    Fews,
    /// WaterML 2.0: an address for each.
    WaterMl,
}

/// A flag in somebody's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Mark {
    /// By number.
    Number(u8),
    /// By address.
    Address(&'static str),
}

impl Scale {
    /// A flag in these words.
    pub const fn mark(self, flag: Flag) -> Mark {
        match self {
            Self::Qartod => Mark::Number(flag.code()),
            Self::Fews => Mark::Number(match flag {
                Flag::Good => 0,
                Flag::NotEvaluated | Flag::Suspect => 3,
                Flag::Fail => 6,
                Flag::Missing => 9,
            }),
            Self::WaterMl => Mark::Address(match flag {
                Flag::Good => "http://www.opengis.net/def/waterml/2.0/quality/good",
                Flag::NotEvaluated => "http://www.opengis.net/def/waterml/2.0/quality/unchecked",
                Flag::Suspect => "http://www.opengis.net/def/waterml/2.0/quality/suspect",
                Flag::Fail => "http://www.opengis.net/def/waterml/2.0/quality/poor",
                Flag::Missing => "http://www.opengis.net/def/nil/OGC/0/missing",
            }),
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Address(address) => f.write_str(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORST_LAST: [Flag; 5] = [Flag::Good, Flag::NotEvaluated, Flag::Suspect, Flag::Fail, Flag::Missing];

    #[test]
    fn a_worse_flag_is_never_a_better_one_elsewhere() {
        let numbers = |scale: Scale| {
            WORST_LAST.map(|flag| match scale.mark(flag) {
                Mark::Number(number) => number,
                Mark::Address(address) => panic!("{address} is no number"),
            })
        };
        assert_eq!(numbers(Scale::Qartod), [1, 2, 3, 4, 9]);
        assert_eq!(numbers(Scale::Fews), [0, 3, 3, 6, 9]);
        let words = WORST_LAST.map(|flag| Scale::WaterMl.mark(flag).to_string());
        let last = words.each_ref().map(|word| word.rsplit('/').next().unwrap_or_default());
        assert_eq!(last, ["good", "unchecked", "suspect", "poor", "missing"]);
    }
}
