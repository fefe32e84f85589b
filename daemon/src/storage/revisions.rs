//! By what was judged: the site of each revision that was in force, under its name, so that rows from before a reload are
//! judged again by the rules that judged them, and a warning can be explained by the text that raised it.
//!
//! Beside it, for a rule that was put in force by two people, the backtest that they had before them. A site holds no
//! secret. The newest [`KEPT`] are kept on disk; the last few are at hand in memory, compiled.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use watchfire_model::id::Revision;
use watchfire_model::site::Site;
use watchfire_rules::ruleset::RuleSet;

use super::file_word;

/// Revisions kept on disk.
pub const KEPT: usize = 100;
/// Revisions at hand, compiled: the one in force, the one before it, and one that is about to be.
const AT_HAND: usize = 3;
const SUFFIX: &str = "json";
/// What waits for a second person.
const PROPOSAL: &str = "proposal";

/// The revisions of one data directory.
#[derive(Debug)]
pub struct Revisions {
    folder: PathBuf,
    /// Oldest first.
    at_hand: Mutex<VecDeque<Arc<RuleSet>>>,
}

impl Revisions {
    /// Those kept in `folder`.
    pub const fn of(folder: PathBuf) -> Self {
        Self { folder, at_hand: Mutex::new(VecDeque::new()) }
    }

    /// Has rules at hand from now on, and writes their site down; an error says that only the second was not possible.
    pub fn keep(&self, rules: &Arc<RuleSet>) -> io::Result<()> {
        self.hold(Arc::clone(rules));
        let site = rules.site();
        let path = self.path(&site.revision);
        let being_written = path.with_extension("writing");
        // A large site is never in memory as text.
        let mut out = BufWriter::new(File::create(&being_written)?);
        serde_json::to_writer(&mut out, &**site)?;
        out.into_inner()?.sync_all()?;
        fs::rename(&being_written, &path)?;
        File::open(&self.folder)?.sync_all()?;
        self.drop_oldest()
    }

    /// Keeps the backtest that a revision was put in force with, beside it.
    pub fn attach(&self, revision: &Revision, backtest: &str) -> io::Result<()> {
        let path = self.path(revision).with_extension("backtest");
        let mut file = File::create(path)?;
        file.write_all(backtest.as_bytes())?;
        file.sync_all()?;
        File::open(&self.folder)?.sync_all()
    }

    /// Keeps what waits for a second person, in its own words, with the revision that it is about.
    pub fn propose(&self, rules: &Arc<RuleSet>, proposal: &str) -> io::Result<()> {
        self.keep(rules)?;
        let being_written = self.folder.join("proposal.writing");
        let mut file = File::create(&being_written)?;
        file.write_all(proposal.as_bytes())?;
        file.sync_all()?;
        fs::rename(&being_written, self.folder.join(PROPOSAL))?;
        File::open(&self.folder)?.sync_all()
    }

    /// What waits for a second person.
    pub fn proposal(&self) -> Option<String> {
        fs::read_to_string(self.folder.join(PROPOSAL)).ok()
    }

    /// Nothing waits any more.
    pub fn withdraw(&self) -> io::Result<()> {
        match fs::remove_file(self.folder.join(PROPOSAL)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The rules of a revision; none where it is not kept, or this program no longer understands it.
    pub fn rules(&self, revision: &Revision) -> Option<Arc<RuleSet>> {
        let known = {
            let at_hand = self.at_hand.lock().unwrap_or_else(PoisonError::into_inner);
            at_hand.iter().rev().find(|rules| rules.site().revision == *revision).cloned()
        };
        known.or_else(|| {
            let rules = Arc::new(RuleSet::compile(self.site(revision)?).ok()?);
            self.hold(Arc::clone(&rules));
            Some(rules)
        })
    }

    /// The site of a revision, as it is written down.
    pub fn site(&self, revision: &Revision) -> Option<Arc<Site>> {
        serde_json::from_slice(&fs::read(self.path(revision)).ok()?).ok().map(Arc::new)
    }

    fn hold(&self, rules: Arc<RuleSet>) {
        let mut at_hand = self.at_hand.lock().unwrap_or_else(PoisonError::into_inner);
        at_hand.retain(|known| known.site().revision != rules.site().revision);
        at_hand.push_back(rules);
        if at_hand.len() > AT_HAND {
            at_hand.pop_front();
        }
    }

    fn path(&self, revision: &Revision) -> PathBuf {
        self.folder.join(format!("{}.{SUFFIX}", file_word(&revision.0)))
    }

    fn drop_oldest(&self) -> io::Result<()> {
        let is_ours = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|suffix| suffix == SUFFIX);
        let mut kept: Vec<_> = fs::read_dir(&self.folder)?.filter_map(Result::ok).filter(is_ours).collect();
        // By when they were last put in force.
        kept.sort_by_cached_key(|entry| entry.metadata().and_then(|about| about.modified()).ok());
        let most = kept.len().saturating_sub(KEPT);
        kept.iter().take(most).try_for_each(|entry| {
            // Of most there is none.
            let _ = fs::remove_file(entry.path().with_extension("backtest"));
            fs::remove_file(entry.path())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;

    fn rules(name: &str) -> Arc<RuleSet> {
        let text = format!(
            "[site]\nname = \"{name}\"\nauthority = \"county\"\nissuer = \"i\"\nsender = \"s.example\"\ncontact = \"0\"\n\
             zone = \"Asia/Shanghai\"\nlanguages = [\"zh-CN\"]\n"
        );
        let settings = config::load_str(&text, Path::new(".")).unwrap_or_else(|problems| panic!("{problems}"));
        settings.rules
    }

    #[test]
    fn a_revision_is_found_again_by_another_process() {
        let home = tempfile::tempdir().expect("a folder");
        let (one, other) = (rules("one"), rules("other"));
        let revisions = Revisions::of(home.path().to_owned());
        for rules in [&one, &other] {
            revisions.keep(rules).expect("kept");
        }
        let later = Revisions::of(home.path().to_owned());
        let found = later.rules(&one.site().revision).expect("it was kept");
        assert_eq!(**found.site(), **one.site());
        assert!(later.rules(&Revision("nobody's".to_owned())).is_none());
    }

    #[test]
    fn only_so_many_are_kept_and_the_newest_of_them() {
        let home = tempfile::tempdir().expect("a folder");
        let revisions = Revisions::of(home.path().to_owned());
        for n in 0..KEPT {
            fs::write(home.path().join(format!("old-{n}.json")), "{}").expect("written");
        }
        let newest = rules("newest");
        revisions.keep(&newest).expect("kept");
        assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), KEPT);
        assert!(Revisions::of(home.path().to_owned()).rules(&newest.site().revision).is_some());
    }
}
