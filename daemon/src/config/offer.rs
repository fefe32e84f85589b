//! Rules that a pack offers: they judge only where the site takes them by name.

use crate::config::names;
use crate::config::nearest::did_you_mean;
use crate::config::problem::Problem;
use crate::config::read::Table;

/// An offer that was taken.
pub(crate) struct Taken<'a> {
    pub(crate) table: Table<'a>,
    /// Taken with others by a pattern, such as `methane-*`: it may find nothing to watch.
    pub(crate) by_pattern: bool,
}

/// The offers that `take` names, each once.
pub(crate) fn taken<'a>(root: &Table<'a>, offers: Vec<Table<'a>>) -> Vec<Taken<'a>> {
    let id = |offer: &Table<'a>| offer.text("id").map(|id| id.value).unwrap_or_default();
    let wanted = root.texts("take");
    for name in &wanted {
        let is_offered = offers.iter().any(|offer| names::matches(&name.value, &id(offer)));
        if is_offered {
            continue;
        }
        let ids: Vec<String> = offers.iter().map(id).collect();
        let hint = if ids.is_empty() {
            Some("name the pack that offers it, such as packs = [\"river\"]".to_owned())
        } else {
            let near = did_you_mean(&name.value, ids.iter().map(String::as_str));
            near.or_else(|| Some(format!("the packs offer: {}", ids.join(", "))))
        };
        let problem = Problem::error(name.at, format!("no pack offers a rule \"{}\"", name.value));
        root.cx.report(problem.maybe_hint(hint));
    }
    let take = |table: Table<'a>| {
        let id = id(&table);
        let by_name = wanted.iter().any(|name| name.value == id);
        let by_pattern = wanted.iter().any(|name| names::matches(&name.value, &id));
        (by_name || by_pattern).then_some(Taken { table, by_pattern: !by_name })
    };
    offers.into_iter().filter_map(take).collect()
}
