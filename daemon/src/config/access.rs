//! `[access]`: who may come in, and how. Names, roles and passwords are not configuration: `watchfire people` keeps them.

use std::net::SocketAddr;

use watchfire_model::time::Span;

use crate::config::problem::Problem;
use crate::config::read::{At, Table};
use crate::config::settings::{AccessConfig, Anonymous, Probes};

/// What can be said of session limits.
const IDLE: (Span, Span) = (Span::minutes(1), Span::hours(12));
const LONGEST: (Span, Span) = (Span::minutes(5), Span::hours(24 * 7));

/// Reads `[access]`.
pub(crate) fn access(table: Option<Table<'_>>, listen: SocketAddr) -> AccessConfig {
    let mut config = AccessConfig::default();
    let Some(table) = table else { return config };
    let cx = table.cx;
    let errors = cx.errors();
    let anonymous = table.word("anonymous", &[("none", false), ("viewer", true)]);
    let anywhere = table.flag("anonymous_anywhere");
    if let Some(At { value: true, at }) = anonymous {
        let anywhere = anywhere.as_ref().is_some_and(|anywhere| anywhere.value);
        config.anonymous = Anonymous::Viewer { anywhere };
        if !anywhere && !listen.ip().is_loopback() {
            let message =
                format!("without a name one looks from this machine alone, and the daemon listens on {listen}");
            let hint = "if everybody who reaches it may look, say so twice: anonymous_anywhere = true";
            cx.report(Problem::warning(at, message).hint(hint));
        }
    } else if let (Some(At { value: true, at }), true) = (anywhere, cx.errors() == errors) {
        let problem = Problem::error(at, "`anonymous_anywhere` says from where, and nobody may look without a name");
        cx.report(problem.hint("anonymous = \"viewer\" lets them"));
    }
    const PROBES: &[(&str, Probes)] =
        &[("loopback", Probes::Loopback), ("anywhere", Probes::Anywhere), ("none", Probes::Nobody)];
    config.probes = table.word("probes", PROBES).map_or(config.probes, |probes| probes.value);
    for (key, (low, high), limit) in
        [("idle", IDLE, &mut config.sessions.idle), ("longest", LONGEST, &mut config.sessions.longest)]
    {
        match table.span(key) {
            Some(span) if (low..=high).contains(&span.value) => *limit = span.value,
            Some(span) => cx.report(Problem::error(span.at, format!("`{key}` is from {low} to {high}"))),
            None => {}
        }
    }
    for host in table.texts("hosts") {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if host.value.is_empty() || !host.value.chars().all(plain) {
            let problem = Problem::error(host.at, format!("\"{}\" is not a host's name", host.value));
            cx.report(problem.hint("a name without scheme and port, such as watch.county.example"));
            continue;
        }
        config.hosts.push(host.value);
    }
    config.plain_http = table.flag("plain_http").is_some_and(|plain| plain.value);
    table.finish();
    config
}
