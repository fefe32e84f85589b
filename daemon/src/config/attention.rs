//! What a hazard's profile says of the officer's attention: how it latches, how long taking note of it
//! holds, and how long it may be put aside.

use watchfire_model::attention::{AttentionPolicy, Latching};
use watchfire_model::grade::PerGrade;
use watchfire_model::time::Span;

use crate::config::amount::{self, Graded};
use crate::config::problem::Problem;
use crate::config::read::{At, Node, Shape, Table};

const LATCHINGS: &[(&str, Latching)] =
    &[("none", Latching::None), ("until_ack", Latching::UntilAck), ("until_reset", Latching::UntilReset)];

/// As far as it is written.
#[derive(Default)]
pub(crate) struct AttentionDraft {
    latch: Option<Latching>,
    fault_latch: Option<Latching>,
    reack: Graded<At<Limit>>,
    shelvable: Option<bool>,
    max_shelve: Graded<At<Limit>>,
    flapping: Option<Limit>,
}

/// A length of time, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Within(Span),
    Never,
}

impl Limit {
    const fn span(self) -> Option<Span> {
        match self {
            Self::Within(span) => Some(span),
            Self::Never => None,
        }
    }
}

impl AttentionDraft {
    /// Takes over what `table` says.
    pub(crate) fn apply(&mut self, table: &Table<'_>) {
        self.latch = table.word("latch", LATCHINGS).map(|word| word.value).or(self.latch);
        self.fault_latch = table.word("fault_latch", LATCHINGS).map(|word| word.value).or(self.fault_latch);
        self.shelvable = table.flag("shelvable").map(|flag| flag.value).or(self.shelvable);
        self.flapping = table.get("flapping").and_then(|node| limit(&node)).map(|limit| limit.value).or(self.flapping);
        if let Some(node) = table.get("reack") {
            self.reack.overlay(amount::graded(&node, "`reack`", limit));
        }
        if let Some(node) = table.get("max_shelve") {
            self.max_shelve.overlay(amount::graded(&node, "`max_shelve`", limit));
        }
    }

    /// Fills in what nobody wrote.
    pub(crate) fn settle(&self) -> AttentionPolicy {
        let usual = AttentionPolicy::default();
        AttentionPolicy {
            latch: self.latch.unwrap_or(usual.latch),
            fault_latch: self.fault_latch.unwrap_or(usual.fault_latch),
            reack: limits(&self.reack, usual.reack),
            shelvable: self.shelvable.unwrap_or(usual.shelvable),
            max_shelve: limits(&self.max_shelve, usual.max_shelve),
            flapping: self.flapping.map_or(usual.flapping, Limit::span),
        }
    }
}

fn limits(written: &Graded<At<Limit>>, usual: PerGrade<Option<Span>>) -> PerGrade<Option<Span>> {
    PerGrade::from_fn(|grade| written.get(grade).map_or_else(|| *usual.get(grade), |limit| limit.value.span()))
}

/// Reads a length of time, or `"never"`.
fn limit(node: &Node<'_>) -> Option<At<Limit>> {
    if let Shape::Text(text) = node.shape("")
        && text.value == "never"
    {
        return Some(At { value: Limit::Never, at: text.at });
    }
    let span = node.span()?;
    if span.value <= Span::ZERO {
        let problem = Problem::error(span.at, "it must last for some time");
        node.cx.report(problem.hint("write a length of time such as \"30m\", or \"never\""));
        return None;
    }
    Some(span.map(Limit::Within))
}
