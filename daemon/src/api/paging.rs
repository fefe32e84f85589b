//! How a long list is handed out: a page at a time, with a cursor to the next one.

use axum::response::Response;
use serde::Serialize;

use super::problem::{Problem, json};

/// A page where no limit is asked for.
const USUAL: usize = 200;
/// The longest page; more is cut to this.
const LONGEST: usize = 1_000;

/// Answers with one page of `all`, which is in a fixed order with a key for each item. The cursor is the last key of a
/// page; it stays good when items come and go. `before` tells whether a key stands at or before the cursor.
pub(super) fn page<T, S: Serialize>(
    all: impl Iterator<Item = T>,
    limit: Option<u32>,
    mut at_or_before_cursor: impl FnMut(&T) -> bool,
    key: impl Fn(&T) -> String,
    show: impl Fn(T) -> S,
) -> Result<Response, Problem> {
    let limit = limit.map_or(USUAL, |limit| usize::try_from(limit).unwrap_or(LONGEST)).clamp(1, LONGEST);
    let mut rest = all.skip_while(|item| at_or_before_cursor(item)).peekable();
    let mut items = Vec::new();
    let mut last = None;
    while items.len() < limit {
        let Some(item) = rest.next() else { break };
        last = Some(key(&item));
        items.push(show(item));
    }
    let next = if rest.peek().is_some() { last } else { None };
    write(&Page { items, next })
}

#[derive(Serialize)]
struct Page<S> {
    items: Vec<S>,
    /// Give this as `after` for the next page; none on the last.
    next: Option<String>,
}

/// Answers with one value.
pub(super) fn write(value: &impl Serialize) -> Result<Response, Problem> {
    serde_json::to_string(value).map(json).map_err(|error| {
        tracing::error!(%error, "an answer cannot be written as JSON");
        Problem::unavailable("the answer can't be written")
    })
}
