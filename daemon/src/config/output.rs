//! Ways out and places to keep: channels, stores, disk, the HTTP address.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use watchfire_connectors::config::Secret;
use watchfire_model::grade::Grade;
use watchfire_model::id::ChannelName;
use watchfire_model::site::Audience;
use watchfire_model::time::Span;

use crate::config::judging::GRADES;
use crate::config::names::{self, Names};
use crate::config::problem::Problem;
use crate::config::read::{At, Context, Table};
use crate::config::settings::{ChannelConfig, ChannelKind, InfluxConfig, Limits};

const AUDIENCES: &[(&str, Audience)] = &[("internal", Audience::Internal), ("public", Audience::Public)];

#[derive(Clone, Copy)]
enum Speaks {
    CapHttp,
    Webhook,
    Spool,
}
const KINDS: &[(&str, Speaks)] =
    &[("cap_http", Speaks::CapHttp), ("webhook", Speaks::Webhook), ("spool", Speaks::Spool)];

/// Reads `[[channel]]`.
pub(crate) fn channels(tables: Vec<Table<'_>>, cx: &Context<'_>) -> Vec<ChannelConfig> {
    let mut channels: Vec<ChannelConfig> = Vec::new();
    let mut known = Names::new("channel");
    for table in tables {
        let name = table.required("name", "");
        if table.get("kind").is_none() {
            table.missing("kind", "cap_http, webhook or spool");
        }
        let kind = table.word("kind", KINDS).and_then(|kind| channel_kind(&table, kind.value));
        if table.get("audience").is_none() {
            table.missing("audience", "internal (told at once) or public (after release)");
        }
        let audience = table.word("audience", AUDIENCES).map(|audience| audience.value);
        let from_grade = table.word("from_grade", GRADES).map_or(Grade::Blue, |grade| grade.value);
        let takes_drills = table.flag("takes_drills").is_some_and(|flag| flag.value);
        let timeout = bounded(&table, "timeout", Span::seconds(10), Span(100), Span::minutes(5));
        let retry_cap = bounded(&table, "retry_cap", Span::seconds(15), Span(100), Span::hours(1));
        table.finish();
        if let (Some(name), Some(kind), Some(audience)) = (name, kind, audience)
            && names::plain(cx, &name, "a channel's name")
            && known.add(cx, &name, channels.len())
        {
            let name = ChannelName::from(name.value);
            channels.push(ChannelConfig { name, kind, audience, from_grade, takes_drills, timeout, retry_cap });
        }
    }
    channels
}

fn channel_kind(table: &Table<'_>, kind: Speaks) -> Option<ChannelKind> {
    match kind {
        Speaks::CapHttp => {
            let url = url(table, "url");
            let token = secret(table, "token", "token_file");
            Some(ChannelKind::CapHttp { url: url?, token })
        }
        Speaks::Webhook => {
            let url = url(table, "url");
            let mut secrets: Vec<At<String>> = table.texts("secret");
            secrets.extend(table.texts("secret_file").iter().filter_map(|file| read_secret(table.cx, file)));
            if secrets.is_empty() {
                table.missing("secret", "whsec_… as Standard Webhooks has it, better as secret_file = \"…\"");
            }
            for secret in &secrets {
                let bad = secret.value.strip_prefix("whsec_").is_none_or(|key| {
                    use base64::Engine as _;
                    base64::engine::general_purpose::STANDARD.decode(key).map_or(true, |key| key.len() < 16)
                });
                if bad {
                    let problem = Problem::error(secret.at, "this is not a Standard Webhooks secret");
                    table.cx.report(problem.hint("`whsec_` and at least 16 bytes (better 24) in base64"));
                }
            }
            let secrets = secrets.into_iter().map(|secret| Secret::new(secret.value)).collect();
            Some(ChannelKind::Webhook { url: url?, secrets })
        }
        Speaks::Spool => {
            let dir = table.required("dir", "the folder into which CAP files are written")?;
            Some(ChannelKind::Spool { dir: table.cx.path(&dir.value) })
        }
    }
}

/// A secret: `key` itself, or the file named by `key_file`.
pub(crate) fn secret(table: &Table<'_>, key: &'static str, key_file: &'static str) -> Option<Secret> {
    let plain = table.text(key);
    let file = table.text(key_file);
    match (plain, file) {
        (Some(plain), None) => Some(Secret::new(plain.value)),
        (None, Some(file)) => read_secret(table.cx, &file).map(|text| Secret::new(text.value)),
        (Some(_), Some(file)) => {
            table.cx.report(Problem::error(file.at, format!("`{key}` and `{key_file}` are both written")));
            None
        }
        (None, None) => None,
    }
}

/// Reads a secret from a file without keeping its text for messages.
fn read_secret(cx: &Context<'_>, file: &At<String>) -> Option<At<String>> {
    match std::fs::read_to_string(cx.path(&file.value)) {
        Ok(text) if text.trim().is_empty() => {
            cx.report(Problem::error(file.at, format!("{} is empty", file.value)));
            None
        }
        Ok(text) => Some(At { value: text.trim_end_matches(['\r', '\n']).to_owned(), at: file.at }),
        Err(error) => {
            cx.report(Problem::error(file.at, format!("cannot read {}: {error}", file.value)));
            None
        }
    }
}

/// An absolute http or https URL.
fn url(table: &Table<'_>, key: &'static str) -> Option<String> {
    let url = table.required(key, "http://… or https://…")?;
    let insecure = table.flag("insecure").is_some_and(|flag| flag.value);
    match reqwest::Url::parse(&url.value) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {
            let host = parsed.host_str().unwrap_or_default().trim_matches(['[', ']']);
            if parsed.scheme() == "http" && !is_loopback(host) && !insecure {
                let problem = Problem::error(url.at, format!("{host} would be spoken to without encryption"));
                table.cx.report(problem.hint("write https://, or insecure = true if the network itself is trusted"));
            }
            if !parsed.username().is_empty() || parsed.password().is_some() {
                let problem = Problem::error(url.at, "a URL shows up in logs: no user or password in it");
                table.cx.report(problem.hint("write token_file or secret_file"));
            }
            Some(url.value)
        }
        Ok(_) | Err(_) => {
            table.cx.report(Problem::error(url.at, format!("\"{}\" is not an http or https URL", url.value)));
            None
        }
    }
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A length of time within bounds.
pub(crate) fn bounded(table: &Table<'_>, key: &'static str, usual: Span, low: Span, high: Span) -> Duration {
    let Some(span) = table.span(key) else { return usual.to_std() };
    if span.value < low || span.value > high {
        table.cx.report(Problem::error(span.at, format!("`{key}` is from {low} to {high}")));
    }
    span.value.to_std()
}

/// Where everything is kept.
pub(crate) struct Storage {
    pub(crate) data_dir: PathBuf,
    pub(crate) limits: Limits,
    pub(crate) influx: Vec<InfluxConfig>,
}

/// Reads `[storage]`.
pub(crate) fn storage(table: Option<Table<'_>>, cx: &Context<'_>) -> Storage {
    let usual = cx.environment("STATE_DIRECTORY").unwrap_or_else(|| "/var/lib/watchfire".into());
    let mut limits = Limits::default();
    let Some(table) = table else {
        return Storage { data_dir: PathBuf::from(usual), limits, influx: Vec::new() };
    };
    let data_dir = table.text("data_dir").map_or_else(|| PathBuf::from(usual), |dir| cx.path(&dir.value));
    if let Some(bytes) = bytes(&table, "journal_max", 256 << 20, 1 << 50) {
        limits.journal_bytes = bytes;
    }
    if let Some(bytes) = bytes(&table, "journal_keep", 0, 1 << 50) {
        limits.journal_keep_bytes = bytes;
    }
    if let Some(bytes) = bytes(&table, "segment", 1 << 20, 1 << 30) {
        limits.segment_bytes = bytes;
    }
    if let Some(offers) = table.whole("intake", 16_i64, 1_000_000) {
        limits.intake = usize::try_from(offers.value).unwrap_or(limits.intake);
    }
    if table.get("retention").is_some() {
        limits.retention = bounded(&table, "retention", Span::days(400), Span::days(1), Span::days(36_525));
    }
    let mut influx = Vec::new();
    let mut known = Names::new("store");
    for store in table.tables("influx", "[[storage.influx]]") {
        let name = store.text("name").unwrap_or(At { value: "influx".into(), at: store.at });
        let url = url(&store, "url");
        let org = store.text("org").map_or_else(|| "watchfire".into(), |org| org.value);
        let bucket = store.required("bucket", "");
        let token = secret(&store, "token", "token_file");
        let timeout = bounded(&store, "timeout", Span::seconds(10), Span(100), Span::minutes(5));
        let batch =
            store.whole("batch", 1_i64, 100_000).and_then(|batch| usize::try_from(batch.value).ok()).unwrap_or(5_000);
        store.finish();
        if let (Some(url), Some(bucket)) = (url, bucket)
            && names::plain(cx, &name, "a store's name")
            && known.add(cx, &name, influx.len())
        {
            let bucket = bucket.value;
            influx.push(InfluxConfig { name: name.value, url, org, bucket, token, timeout, batch });
        }
    }
    table.finish();
    Storage { data_dir, limits, influx }
}

/// A number of bytes: `"4 GiB"`, `"64 MB"`, or a plain number.
pub(crate) fn bytes(table: &Table<'_>, key: &'static str, low: u64, high: u64) -> Option<u64> {
    let node = table.get(key)?;
    let text = node.text()?;
    let parsed = parse_bytes(&text.value);
    match parsed {
        Some(bytes) if (low..=high).contains(&bytes) => Some(bytes),
        Some(_) => {
            let problem = Problem::error(text.at, format!("`{key}` is from {} to {}", size(low), size(high)));
            table.cx.report(problem);
            None
        }
        None => node.refuse("a number of bytes such as \"4 GiB\""),
    }
}

fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim() {
        "" | "B" => 1,
        "kB" => 1_000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" => 1 << 30,
        "TB" => 1_000_000_000_000,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn size(bytes: u64) -> String {
    for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes >= 1 << shift {
            return format!("{} {unit}", bytes >> shift);
        }
    }
    format!("{bytes} B")
}

/// Reads `[reload]`.
pub(crate) fn two_people(table: Option<Table<'_>>) -> bool {
    let Some(table) = table else { return false };
    let two = table.flag("two_people").is_some_and(|two| two.value);
    table.finish();
    two
}

/// Reads `[api]`.
pub(crate) fn listen(table: Option<Table<'_>>) -> SocketAddr {
    let usual = SocketAddr::from(([127, 0, 0, 1], 8420));
    let Some(table) = table else { return usual };
    let address = table.text("listen").map(|text| {
        text.value.parse().unwrap_or_else(|_| {
            let problem = Problem::error(text.at, format!("\"{}\" is not an address with a port", text.value));
            table.cx.report(problem.hint("such as 127.0.0.1:8420 or [::]:8420"));
            usual
        })
    });
    table.finish();
    address.unwrap_or(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown() {
        assert_eq!(parse_bytes("4 GiB"), Some(4 << 30));
        assert_eq!(parse_bytes("250kB"), Some(250_000));
        assert_eq!(parse_bytes("4 GB/s"), None);
        assert_eq!(parse_bytes("99999999999 TiB"), None);
        assert_eq!(size(256 << 20), "256 MiB");
    }

    #[test]
    fn this_machine_is_told_from_others() {
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["example.org", "10.0.0.1", "localhost.example.org"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
