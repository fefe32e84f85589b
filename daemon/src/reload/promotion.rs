//! A rule that was judged in the shadow and is to speak: two people put it in force, with what a backtest of that very
//! revision said. The text is kept beside the revision, and its hash stands in the ledger with both names.

use sha2::{Digest, Sha256};
use watchfire_model::id::{Revision, RuleId};
use watchfire_model::rule::Rule;
use watchfire_model::site::Site;

use super::Refused;

/// Longest backtest that is kept.
pub const MOST: usize = 1 << 20;

/// What `watchfire backtest -o json` said of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backtest {
    /// As it was printed.
    pub text: String,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Backtest {
    /// Takes a text that is the report of a backtest of `revision`.
    pub fn of(text: String, revision: &Revision) -> Result<Self, Refused> {
        let wrong = |why: String| Refused::NoBacktest { why };
        if text.len() > MOST {
            return Err(wrong(format!("it has {} bytes, at most {MOST} are kept", text.len())));
        }
        let report: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| wrong(format!("it is no JSON document: {error}")))?;
        match report["revision"].as_str() {
            Some(tested) if tested == revision.0 => {}
            Some(tested) => return Err(wrong(format!("it is of revision {tested}, and {revision} is proposed"))),
            None => return Err(wrong("it names no `revision`".to_owned())),
        }
        let sha256 = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { text, sha256 })
    }
}

/// The rules of `after` that only judged in `before`, under this name or a former one, and are to speak.
pub fn promoted(before: &Site, after: &Site) -> Vec<RuleId> {
    let was_shadow = |rule: &&Rule| {
        let former = |known: &&Rule| known.id == rule.id || rule.aliases.contains(&known.id);
        !rule.shadow && before.rules.iter().find(former).is_some_and(|known| known.shadow)
    };
    after.rules.iter().filter(was_shadow).map(|rule| rule.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_report_of_that_very_revision_is_taken() {
        let revision = Revision("9acc79bf378b".to_owned());
        let said = |text: &str| match Backtest::of(text.to_owned(), &revision) {
            Ok(backtest) => backtest.sha256,
            Err(refused) => refused.to_string(),
        };
        assert_eq!(said("{\"revision\":\"9acc79bf378b\"}").len(), 64);
        assert!(said("{\"revision\":\"000000000000\"}").contains("it is of revision 000000000000"));
        assert!(said("{}").contains("names no `revision`"));
        assert!(said("POD 0.9").contains("no JSON document"));
        assert!(said(&" ".repeat(MOST + 1)).contains("at most 1048576"));
    }
}
