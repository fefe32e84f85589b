//! A configuration that one person proposed, while it waits for another. It is written down, so that a restart between the
//! two does not lose it: what was proposed is what is published, whatever the file says by then.

use std::io;

use serde::{Deserialize, Serialize};
use tracing::warn;
use watchfire_model::id::{PersonId, Revision};

use super::Cases;
use super::promotion::Backtest;
use crate::config::settings::Settings;
use crate::storage::revisions::Revisions;

/// What waits.
#[derive(Clone)]
pub(crate) struct Proposal {
    pub(crate) next: Settings,
    pub(crate) who: PersonId,
    pub(crate) backtest: Option<Backtest>,
    /// What the site's own cases said when it was proposed.
    pub(crate) cases: Cases,
}

/// What is written of it: all that a running daemon does not know already. What else may differ takes a restart.
#[derive(Serialize, Deserialize)]
struct Written {
    revision: Revision,
    who: PersonId,
    two_people: bool,
    backtest: Option<String>,
    cases: Cases,
}

impl Proposal {
    /// Writes it down with its revision.
    pub(crate) fn keep(&self, revisions: &Revisions) -> io::Result<()> {
        let written = Written {
            revision: self.next.site().revision.clone(),
            who: self.who.clone(),
            two_people: self.next.two_people,
            backtest: self.backtest.as_ref().map(|backtest| backtest.text.clone()),
            cases: self.cases.clone(),
        };
        revisions.propose(&self.next.rules, &serde_json::to_string(&written)?)
    }

    /// What waited when the last run ended, for a daemon that runs by `running` now.
    pub(crate) fn kept(revisions: &Revisions, running: &Settings) -> Option<Self> {
        let text = revisions.proposal()?;
        let proposal = Self::read(&text, revisions, running);
        if proposal.is_none() {
            warn!("what was proposed can no longer be read: propose it again");
        }
        proposal
    }

    fn read(text: &str, revisions: &Revisions, running: &Settings) -> Option<Self> {
        let Written { revision, who, two_people, backtest, cases } = serde_json::from_str(text).ok()?;
        let rules = revisions.rules(&revision)?;
        let backtest = backtest.map(|text| Backtest::of(text, &revision)).transpose().ok()?;
        let next = Settings { rules, two_people, ..running.clone() };
        Some(Self { next, who, backtest, cases })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;

    fn settings(name: &str) -> Settings {
        let text = format!(
            "[site]\nname = \"{name}\"\nauthority = \"county\"\nissuer = \"i\"\nsender = \"s.example\"\ncontact = \"0\"\n\
             zone = \"Asia/Shanghai\"\nlanguages = [\"zh-CN\"]\n[reload]\ntwo_people = true\n"
        );
        config::load_str(&text, Path::new(".")).unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    fn what_waits_is_found_again_by_another_process_until_it_is_withdrawn() {
        let home = tempfile::tempdir().expect("a folder");
        let (running, next) = (settings("one"), settings("other"));
        let revision = next.site().revision.clone();
        let report = format!("{{\"revision\":\"{revision}\"}}");
        let backtest = Some(Backtest::of(report, &revision).expect("a report of it"));
        let mut cases = Cases { told: 3, ..Cases::default() };
        cases.fail("a.test.toml".to_owned(), Some("rises".to_owned()), "blue was expected".to_owned());
        let proposal = Proposal { next, who: "wang".into(), backtest, cases };
        let revisions = || Revisions::of(home.path().to_owned());
        assert!(Proposal::kept(&revisions(), &running).is_none());
        proposal.keep(&revisions()).expect("kept");
        let again = Proposal::kept(&revisions(), &running).expect("it was kept");
        assert_eq!((again.who, again.backtest, again.cases), (proposal.who, proposal.backtest, proposal.cases));
        assert_eq!((again.next.site().name.as_str(), again.next.two_people), ("other", true));
        revisions().withdraw().expect("withdrawn");
        revisions().withdraw().expect("twice is no fault");
        assert!(Proposal::kept(&revisions(), &running).is_none());
    }
}
