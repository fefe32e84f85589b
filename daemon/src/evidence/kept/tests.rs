use std::path::Path;
use std::time::{Duration, SystemTime};

use watchfire_model::finding::{Change, Evidence};
use watchfire_model::grade::Grade;
use watchfire_model::id::Seq;
use watchfire_model::time::{Steady, Timestamp};
use watchfire_rules::evaluator::Evaluator;
use watchfire_rules::evaluator::bundle::FORMAT;

use super::*;
use crate::config;

/// Evidence of the `n`th finding of a rule that nobody has, under a revision of its own for each name of the site.
fn bundle(site: &str, n: u64) -> Bundle {
    let text = format!(
        "[site]\nname = \"{site}\"\nissuer = \"i\"\nsender = \"s.example\"\nzone = \"Asia/Shanghai\"\n\
         [[area]]\nid = \"a\"\nname = \"A\"\n"
    );
    let settings = config::load_str(&text, Path::new(".")).unwrap_or_else(|problems| panic!("{problems}"));
    let rules = settings.rules;
    let finding = Finding {
        rule: "stage".into(),
        subject: "青石/stage".into(),
        n,
        seq: Seq(n),
        revision: rules.site().revision.clone(),
        change: Change::Raised,
        from: None,
        judged: Some(Grade::Red),
        pending: None,
        value: Some(45.0),
        threshold: Some(40.0),
        evidence: Evidence::Good,
        at: Timestamp(0),
        onset: Timestamp(0),
        causes: Vec::new(),
        heard_at: None,
        doubt: None,
    };
    Bundle {
        format: FORMAT,
        finding,
        now: Now { wall: Timestamp(0), steady: Steady(0) },
        row: Row::Tick,
        site: rules.site().as_ref().clone(),
        next: None,
        stopped: Vec::new(),
        state: Evaluator::new(rules).snapshot(),
    }
}

fn files(root: &Path) -> usize {
    let folders = fs::read_dir(evidence_of(root)).expect("it is there");
    folders.map(|folder| fs::read_dir(folder.expect("readable").path()).expect("a folder").count()).sum()
}

#[test]
fn what_is_kept_is_found_whole_and_nothing_else_is() {
    let home = tempfile::tempdir().expect("a folder");
    let kept = Kept::of(home.path());
    let (one, other) = (bundle("one", 1), bundle("other", 2));
    assert!(!kept.has(&one.finding) && kept.find(&one.finding).expect("readable").is_none());
    assert_eq!(kept.prune().expect("nothing to do"), 0);
    for bundle in [&one, &other, &one] {
        kept.keep(bundle).expect("kept");
    }
    assert_eq!(files(home.path()), 4, "a site and a finding of each revision");
    for bundle in [&one, &other] {
        assert!(kept.has(&bundle.finding));
        assert_eq!(kept.find(&bundle.finding).expect("readable").as_ref(), Some(bundle));
    }
    let unknown = Finding { n: 3, ..one.finding.clone() };
    assert!(kept.find(&unknown).expect("readable").is_none());
    let of_another_time = Finding { seq: Seq(99), ..one.finding.clone() };
    assert!(kept.find(&of_another_time).expect("readable").is_none(), "the number alone does not make it the same");
}

#[test]
fn the_oldest_goes_first_and_a_revision_with_its_last() {
    let home = tempfile::tempdir().expect("a folder");
    let kept = Kept::of(home.path());
    let bundles = [bundle("one", 1), bundle("one", 2), bundle("other", 3)];
    let begin = SystemTime::now() - Duration::from_secs(1_000);
    for (bundle, age) in bundles.iter().zip([0, 100, 200]) {
        kept.keep(bundle).expect("kept");
        let folder = evidence_of(home.path()).join(file_word(&bundle.site.revision.0));
        let file = File::options().write(true).open(path_of(&folder, &bundle.finding)).expect("it was written");
        file.set_modified(begin + Duration::from_secs(age)).expect("ours");
    }
    let left = || bundles.iter().map(|bundle| kept.has(&bundle.finding)).collect::<Vec<_>>();
    let in_all = || -> u64 {
        let folders = fs::read_dir(evidence_of(home.path())).expect("it is there");
        let files = folders.flat_map(|folder| fs::read_dir(folder.expect("readable").path()).expect("a folder"));
        files.map(|file| file.expect("readable").metadata().expect("readable").len()).sum()
    };
    assert_eq!(kept.prune().expect("nothing to do"), 0);
    assert_eq!(kept.prune_to(in_all()).expect("nothing to do"), 0);
    assert_eq!(left(), [true, true, true]);
    assert_eq!(kept.prune_to(in_all() - 1).expect("pruned"), 1);
    assert_eq!((left(), files(home.path())), (vec![false, true, true], 4));
    assert_eq!(kept.prune_to(1).expect("pruned"), 2);
    assert_eq!(left(), [false, false, false]);
    assert_eq!(files(home.path()), 0, "no site is left without its findings");
}

#[test]
fn what_is_too_large_is_refused_and_leaves_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("evidence.json");
    let refused = write(&path, 10, &"x".repeat(20)).expect_err("too large");
    assert_eq!(refused.kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 0);
}
