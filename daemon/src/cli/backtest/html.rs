//! A scored backtest as one HTML file: tables and charts, no script, nothing from elsewhere.

mod chart;
mod curve;
mod svg;

use watchfire_model::site::Site;

use self::chart::chart;
use self::curve::curve;
use self::svg::escaped;
use super::scoring::Assessment;
use super::told::{self, Part};
use super::traces::Traces;
use crate::lang::Lang;

/// Subjects that are drawn.
const DRAWN: usize = 24;

/// The console's own colours.
pub(super) const STYLE: &str = "
:root { color-scheme: dark; --ground: #14181d; --panel: #1b2027; --line: #2c343d; --ink: #d7dce2; --muted: #98a2ad;
  --red: #e0182d; --orange: #f08a00; --yellow: #ffe65c; --blue: #4c9bff; }
body { margin: 0 auto; max-width: 1180px; padding: 24px; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 28px 0 8px; color: var(--muted); }
p { margin: 4px 0; } .muted { color: var(--muted); }
table { border-collapse: collapse; margin: 12px 0; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 4px 18px 4px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--muted); font-weight: 600; } div.wide { overflow-x: auto; }
figure { margin: 0 0 18px; padding: 10px 12px; background: var(--panel); border: 1px solid var(--line); border-radius: 4px; }
figcaption { font-weight: 600; } svg { display: block; width: 100%; height: auto; }
svg text { font: 11px system-ui, 'Noto Sans CJK SC', sans-serif; fill: var(--muted); }
.grid { stroke: var(--line); } .trace { fill: none; stroke: #b9c4d0; stroke-width: 1.2; stroke-linejoin: round; }
.rung { stroke-dasharray: 6 4; fill: none; } .event { stroke: #fff; stroke-width: 1.2; } .event.missed { stroke-dasharray: 2 3; }
.blue { stroke: var(--blue); } .yellow { stroke: var(--yellow); } .orange { stroke: var(--orange); } .red { stroke: var(--red); }
rect.blue { fill: var(--blue); } rect.yellow { fill: var(--yellow); } rect.orange { fill: var(--orange); } rect.red { fill: var(--red); }
rect.blue, rect.yellow, rect.orange, rect.red { stroke: none; } rect.veil { opacity: .13; }
.pod { stroke: #7bd88f; } .far { stroke: #ff7b72; } .csi { stroke: #d7dce2; } .lead { stroke: #9ad0ff; }
.line { fill: none; stroke-width: 1.8; } @media print { :root { color-scheme: light; } }
";

/// The whole page.
pub(super) fn page(assessment: &Assessment, traces: &Traces, site: &Site, lang: Lang) -> String {
    let title = format!("{} · {}", lang.pick("Backtest", "回测"), site.name);
    let mut body = format!("<h1>{}</h1>\n<p class=\"muted\">{}</p>\n", escaped(&title), escaped(&assessment.recording));
    // What is told is what the terminal tells: it is said in one place.
    told::parts(assessment, site, lang).iter().for_each(|part| body.push_str(&told_part(part)));
    if let Some(sweep) = assessment.sweep.as_ref() {
        body.push_str(&format!("<h2>{}: {}</h2>\n", lang.pick("Trade-off", "权衡曲线"), escaped(&sweep.of)));
        body.push_str(&curve(sweep, lang));
    }
    let eventful = traces.eventful();
    body.push_str(&format!("<h2>{}</h2>\n", lang.pick("What was measured", "测值过程")));
    let key = lang.pick(
        "▼ what really happened, ▽ missed; veils and bands are the judged grade",
        "▼ 实际发生,▽ 漏报;色带为判定等级",
    );
    body.push_str(&format!("<p class=\"muted\">{key}</p>\n"));
    for trace in eventful.iter().take(DRAWN) {
        body.push_str(&chart(trace, assessment, site, lang));
    }
    let left = eventful.len().saturating_sub(DRAWN) + traces.left_out;
    if left > 0 {
        let what = lang.pick("more subjects are not drawn", "个对象未绘制");
        body.push_str(&format!("<p class=\"muted\">{left} {what}</p>\n"));
    }
    let language = lang.pick("en", "zh-CN");
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n",
        escaped(&title)
    )
}

fn told_part(part: &Part) -> String {
    match part {
        Part::Line(line) => format!("<p>{}</p>\n", escaped(line)),
        Part::Table(head, rows) => {
            let row = |cells: &[String], tag: &str| {
                let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect();
                format!("<tr>{cells}</tr>\n")
            };
            let rows: String = rows.iter().map(|cells| row(cells, "td")).collect();
            format!("<div class=\"wide\"><table>\n{}{rows}</table></div>\n", row(head, "th"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_of_the_grades_are_the_consoles() {
        let console = include_str!("../../../../dashboards/console/src/console.css");
        for token in ["--red: ", "--orange: ", "--yellow: ", "--blue: ", "--ground: ", "--panel: "] {
            let value = |css: &str| css.split_once(token).and_then(|(_, rest)| Some(rest.get(..7)?.to_owned()));
            assert_eq!(value(STYLE), value(console), "{token}");
        }
    }
}
