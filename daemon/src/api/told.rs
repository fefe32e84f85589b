//! How long it took from the reading that raised a warning until somebody was told of it (C13).

use serde::Serialize;
use watchfire_model::id::ChannelName;
use watchfire_model::receipt::Outcome;
use watchfire_model::site::Audience;
use watchfire_model::time::{Span, Timestamp};
use watchfire_model::warning::{NoticeStatus, Warning};

/// With as many notices the earliest may no longer be kept here, and nothing is said.
const ALL_THERE: usize = 1_000;

/// Of one warning.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Told<'a> {
    /// The reading's own time.
    observed_at: Timestamp,
    /// When we heard it.
    heard_at: Timestamp,
    internal: Option<Reached<'a>>,
    public: Option<Reached<'a>>,
}

/// Of one audience: channels that were handed something, and when each first confirmed that it has it.
#[derive(Debug, PartialEq, Serialize)]
struct Reached<'a> {
    /// The first confirmation of all, from where, and how long after the reading and after we heard it.
    first_at: Option<Timestamp>,
    first_channel: Option<&'a ChannelName>,
    first_observed_ms: Option<Span>,
    first_heard_ms: Option<Span>,
    /// The channel that was last to confirm for the first time.
    worst_channel: Option<&'a ChannelName>,
    worst_heard_ms: Option<Span>,
    /// Channels that were handed something and have confirmed nothing.
    unconfirmed: usize,
}

/// None for a warning of which it is not known what raised it.
pub(super) fn told(warning: &Warning) -> Option<Told<'_>> {
    let raised = warning.raised_by.filter(|_| warning.notices.len() < ALL_THERE)?;
    Some(Told {
        observed_at: raised.observed_at,
        heard_at: raised.heard_at,
        internal: reached(&warning.notices, Audience::Internal, (raised.observed_at, raised.heard_at)),
        public: reached(&warning.notices, Audience::Public, (raised.observed_at, raised.heard_at)),
    })
}

fn reached(
    notices: &[NoticeStatus],
    audience: Audience,
    (observed, heard): (Timestamp, Timestamp),
) -> Option<Reached<'_>> {
    let mut channels: Vec<(&ChannelName, Option<Timestamp>)> = Vec::new();
    for notice in notices.iter().filter(|notice| notice.audience == audience) {
        let receipt = notice.receipt.as_ref();
        let delivered = receipt.filter(|receipt| matches!(receipt.outcome, Outcome::Delivered { .. }));
        let at = delivered.map(|receipt| receipt.at);
        match channels.iter_mut().find(|(channel, _)| *channel == &notice.channel) {
            None => channels.push((&notice.channel, at)),
            Some((_, first)) => *first = first.iter().copied().chain(at).min(),
        }
    }
    let confirmed = || channels.iter().filter_map(|(channel, at)| Some((*channel, (*at)?)));
    let (first, worst) = (confirmed().min_by_key(|(_, at)| *at), confirmed().max_by_key(|(_, at)| *at));
    (!channels.is_empty()).then(|| Reached {
        first_at: first.map(|(_, at)| at),
        first_channel: first.map(|(channel, _)| channel),
        first_observed_ms: first.map(|(_, at)| at - observed),
        first_heard_ms: first.map(|(_, at)| at - heard),
        worst_channel: worst.map(|(channel, _)| channel),
        worst_heard_ms: worst.map(|(_, at)| at - heard),
        unconfirmed: channels.len() - confirmed().count(),
    })
}

#[cfg(test)]
mod tests {
    use watchfire_model::receipt::Receipt;

    use super::*;

    fn notice(channel: &str, audience: Audience, delivered: Option<i64>) -> NoticeStatus {
        let outcome = Outcome::Delivered { reference: None, coverage: None };
        let (id, tried) = (format!("n@{channel}").as_str().into(), Vec::new());
        let receipt = delivered.map(|at| Receipt {
            notice: "n".into(),
            channel: channel.into(),
            at: Timestamp(at),
            attempts: 1,
            outcome,
            tried: tried.clone(),
        });
        let (channel, bulletin, issued_at) = (channel.into(), "b".into(), Timestamp(150));
        NoticeStatus { id, channel, bulletin, audience, issued_at, receipt, attempts: 1, tried }
    }

    #[test]
    fn it_counts_from_the_reading_to_the_first_word_of_each_channel() {
        let notices = [
            notice("radio", Audience::Public, Some(900)),
            notice("sms", Audience::Public, None),
            notice("sms", Audience::Public, Some(2_000)),
            notice("radio", Audience::Public, Some(5_000)),
            notice("siren", Audience::Public, None),
        ];
        let (observed, heard) = (Timestamp(0), Timestamp(100));
        let told = reached(&notices, Audience::Public, (observed, heard)).expect("the public was handed something");
        assert_eq!((told.first_observed_ms, told.first_heard_ms), (Some(Span(900)), Some(Span(800))));
        assert_eq!((told.first_channel, told.first_at), (Some(&"radio".into()), Some(Timestamp(900))));
        assert_eq!((told.worst_channel, told.worst_heard_ms), (Some(&"sms".into()), Some(Span(1_900))));
        assert_eq!(told.unconfirmed, 1, "the siren");
        assert_eq!(reached(&notices, Audience::Internal, (observed, heard)), None);
    }
}
