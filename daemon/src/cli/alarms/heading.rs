//! How it reads where an alarm is on its way to: the pending grade with its progress, and the recovery.

use serde_json::Value;
use watchfire_model::time::Span;

use crate::cli::warnings::table::{grade, time};
use crate::lang::Lang;

/// `pending ■ Ⅱ Orange, 2 of 3 samples, expected 2026-05-01T…`, and the same of a recovery; nothing where nothing is.
pub(super) fn under_way(item: &Value, lang: Lang) -> Vec<String> {
    let mut said = Vec::new();
    if item["pending"].is_string() {
        let rising = &item["rising"];
        let mut parts = vec![format!("{} {}", lang.pick("pending", "待定"), grade(&item["pending"], lang))];
        if let (Some(met), Some(of)) = (rising["samples"].as_u64(), rising["of_samples"].as_u64()) {
            parts.push(match lang {
                Lang::En => format!("{met} of {of} samples"),
                Lang::Zh => format!("已有 {met}/{of} 个样本"),
            });
        }
        parts.extend(shares(rising));
        parts.extend(expected(&rising["over_at"], rising, lang));
        said.push(parts.join(lang.pick(", ", ",")));
    }
    let recovering = &item["recovering"];
    if recovering.is_object() {
        let towards = grade(&recovering["towards"], lang);
        let since = time(&recovering["since"]);
        let mut parts = vec![match lang {
            Lang::En => format!("recovering towards {towards} since {since}"),
            Lang::Zh => format!("自 {since} 起回落,趋向 {towards}"),
        }];
        parts.extend(shares(recovering));
        parts.extend(expected(&recovering["lower_at"], recovering, lang));
        said.push(parts.join(lang.pick(", ", ",")));
    }
    said
}

/// `4m/10m`.
fn shares(of: &Value) -> Option<String> {
    let (covered, needed) = (of["covered_ms"].as_i64()?, of["of_covered_ms"].as_i64()?);
    Some(format!("{}/{}", Span(covered), Span(needed)))
}

/// `expected 2026-05-01T…`, or that it has not come when it was due.
fn expected(at: &Value, of: &Value, lang: Lang) -> Option<String> {
    let said = |at: &Value, words: &str| Some(time(at)).filter(|at| !at.is_empty()).map(|at| format!("{words} {at}"));
    let overdue = || said(&of["overdue_since"], lang.pick("overdue since", "逾期未至,应于"));
    said(at, lang.pick("expected", "预计")).or_else(overdue)
}
