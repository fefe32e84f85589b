//! One pass of a recording through both machines: what would have been told, and when.

use std::sync::Arc;

use anyhow::bail;
use indicatif::ProgressBar;
use watchfire_model::site::Audience;
use watchfire_model::time::Timestamp;
use watchfire_rules::evaluator::Evaluator;
use watchfire_rules::replay::{Replay, Word};
use watchfire_rules::ruleset::RuleSet;
use watchfire_rules::scores::{Docket, OutOfTurn, Rehearsal, Told};

use super::PAUSE;
use super::report::Summary;
use super::source::{BadLine, Feed, Given};
use super::traces::Traces;

/// What a pass came to.
pub(super) struct Rehearsed {
    /// The warnings.
    pub(super) told: Told,
    /// From the first reading to the last.
    pub(super) span: (Timestamp, Timestamp),
    /// What was judged, and what could not be.
    pub(super) summary: Summary,
}

/// Why a pass cannot be scored, for people.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotScored {
    /// A line cannot be read, and all must be (`--strict`).
    #[error("{}: {}", .0.place, .0.fault)]
    Line(BadLine),
    /// Nothing of it is of any point of the configuration.
    #[error("{0} holds no reading of any point of the configuration")]
    Empty(String),
    /// Too much of it is out of turn.
    #[error(transparent)]
    OutOfTurn(#[from] OutOfTurn),
}

/// Judges all of `feed`, which people call `name`, by `rules`.
pub(super) fn rehearse(
    rules: Arc<RuleSet>,
    feed: &mut Feed,
    name: &str,
    to: Audience,
    strict: bool,
    bar: &ProgressBar,
    mut traces: Option<&mut Traces>,
) -> anyhow::Result<Rehearsed> {
    let mut docket = Docket::new(Rehearsal::new(rules.site(), to));
    let mut replay = Replay::new(Evaluator::new(rules));
    let (mut summary, mut given_so_far) = (Summary::default(), 0_u64);
    let mut heard = Ok(());
    while let Some(given) = feed.next()? {
        match given {
            Given::Nothing => {}
            Given::Bad(bad) if strict => bail!(NotScored::Line(bad)),
            Given::Bad(bad) => summary.bad_line(bad),
            Given::Reading(point, at, value) => {
                summary.reading(at, value.is_ok());
                replay.hear(point, at, value, |now, word| {
                    if let Word::Finding(finding) = word {
                        summary.finding(finding);
                    }
                    if heard.is_ok() {
                        heard = docket.hear(now.wall, word);
                    }
                });
                if let Some(traces) = &mut traces {
                    replay.evaluator().readers(point).for_each(|(place, view)| traces.see(place, at, &view));
                }
            }
        }
        given_so_far += 1;
        if given_so_far.is_multiple_of(PAUSE) {
            bar.set_position(feed.bytes());
        }
        if let Err(error) = heard {
            bail!(NotScored::OutOfTurn(error));
        }
    }
    let Some(span) = summary.span() else { bail!(NotScored::Empty(name.to_owned())) };
    Ok(Rehearsed { told: docket.end(span.0, span.1), span, summary })
}
