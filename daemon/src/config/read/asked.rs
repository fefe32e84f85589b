//! What the reader asks for, table by table: for the schema, which must say the same.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

thread_local! {
    static ASKED: RefCell<BTreeMap<&'static str, BTreeSet<&'static str>>> = RefCell::default();
}

pub(super) fn note(what: &'static str, known: &[&'static str]) {
    ASKED.with_borrow_mut(|asked| asked.entry(what).or_default().extend(known));
}

/// The keys asked for in this thread so far, by the tables they stand in.
pub(crate) fn asked() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    ASKED.with_borrow(Clone::clone)
}
