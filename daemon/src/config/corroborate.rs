//! What speaks for a value in doubt, as a rule or its hazard writes it.

use watchfire_model::rule::{Corroborate, Witness};
use watchfire_model::time::Span;

use crate::config::amount::{self, Amount};
use crate::config::nearest::did_you_mean;
use crate::config::problem::Problem;
use crate::config::read::{At, Context, Table};
use crate::config::station::Field;

/// As written.
#[derive(Clone, Debug)]
pub(crate) struct CorroborateDraft {
    samples: Option<u32>,
    witness: Option<(At<String>, At<Amount>, Span)>,
}

impl CorroborateDraft {
    /// Reads `corroborate = { … }`.
    pub(crate) fn read(table: Table<'_>) -> Self {
        let samples = table.whole("samples", 2_u32, 1_000).map(|samples| samples.value);
        let by = table.text("by");
        let at_least = table.get("at_least").and_then(|node| amount::amount(&node));
        let within = table.span("within");
        if by.is_some() {
            for (key, such_as) in [("at_least", "\"40 mm\""), ("within", "\"3h\"")] {
                if table.get(key).is_none() {
                    table.missing(key, &format!("such as {such_as}"));
                }
            }
        } else if samples.is_none() && table.get("samples").is_none() && table.get("by").is_none() {
            table.missing(
                "samples` or `by",
                "samples = 3, or by = \"rain\" with `at_least` and `within`: else nothing ever speaks for a suspect value",
            );
        }
        table.finish();
        let witness = by.zip(at_least).zip(within).map(|((by, at_least), within)| (by, at_least, within.value));
        Self { samples, witness }
    }

    /// What it comes to; a point that nobody has is reported.
    pub(crate) fn settle(&self, cx: &Context<'_>, field: &Field) -> Corroborate {
        let witness = self.witness.as_ref().map(|(by, at_least, within)| {
            if by.value.contains('/') {
                field.point_names.find(cx, by);
            } else {
                known(cx, field, by);
            }
            let Amount { value, unit } = at_least.value;
            Witness { point: by.value.clone(), at_least: value, unit, within: *within }
        });
        Corroborate { samples: self.samples, witness }
    }
}

/// Reports a name that no point bears, neither as its own nor as its quantity.
fn known(cx: &Context<'_>, field: &Field, by: &At<String>) {
    let named = || field.points.iter().flat_map(|point| [point.id.as_str(), &*point.quantity]);
    if !field.lacking && !named().any(|name| name == by.value) {
        let problem = Problem::error(by.at, format!("no point is called or measures \"{}\"", by.value));
        cx.report(problem.maybe_hint(did_you_mean(&by.value, named())));
    }
}
