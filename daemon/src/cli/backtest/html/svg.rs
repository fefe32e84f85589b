//! A drawing with two axes: from times and numbers to places on the page.

use std::fmt::Write as _;

use watchfire_model::time::{Timestamp, Zone};

/// How wide a drawing is, and where in it the axes are.
pub(super) const WIDTH: f64 = 1_100.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = WIDTH - 12.0;
const TOP: f64 = 14.0;

/// A drawing.
pub(super) struct Svg {
    text: String,
    height: f64,
    x: (f64, f64),
    y: (f64, f64),
}

impl Svg {
    /// With `x` and `y` from the least to the greatest.
    pub(super) fn new(height: f64, x: (f64, f64), y: (f64, f64)) -> Self {
        let open = |(low, high): (f64, f64)| if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
        Self { text: String::new(), height, x: open(x), y: open(y) }
    }

    fn bottom(&self) -> f64 {
        self.height - 34.0
    }

    pub(super) fn across(&self, x: f64) -> f64 {
        let (low, high) = self.x;
        (LEFT + (x - low) / (high - low) * (RIGHT - LEFT)).clamp(LEFT, RIGHT)
    }

    fn up(&self, y: f64) -> f64 {
        let (low, high) = self.y;
        (self.bottom() - (y - low) / (high - low) * (self.bottom() - TOP)).clamp(TOP, self.bottom())
    }

    fn put(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{element}");
    }

    /// Lines across with the numbers that they stand for.
    pub(super) fn grid(&mut self) {
        for mark in ticks(self.y, 5) {
            let y = self.up(mark);
            self.put(format_args!("<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"));
            self.put(format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                y + 4.0,
                shown(mark)
            ));
        }
    }

    /// Numbers under the drawing.
    pub(super) fn numbers(&mut self) {
        for mark in ticks(self.x, 10) {
            self.under(mark, &shown(mark));
        }
    }

    /// Dates under the drawing, by the clock on the wall of `zone`.
    pub(super) fn dates(&mut self, zone: &Zone) {
        const HOUR: f64 = 3_600_000.0;
        let span = self.x.1 - self.x.0;
        let steps =
            [1.0, 3.0, 6.0, 12.0, 24.0, 48.0, 168.0, 336.0, 730.0, 1_461.0, 2_922.0, 8_766.0, 17_532.0, 87_660.0];
        let step = steps.into_iter().map(|hours| hours * HOUR).find(|step| span / step <= 9.0).unwrap_or(span / 8.0);
        let offset = f64::from(zone.offset_at(moment(self.x.0))) * 1_000.0;
        let mut at = ((self.x.0 + offset) / step).ceil() * step - offset;
        while at <= self.x.1 {
            let text = moment(at).to_cap(zone.offset_at(moment(at)));
            let (date, time) = text.split_at(text.len().min(10));
            let label = if step < 24.0 * HOUR {
                format!("{} {}", &date[5.min(date.len())..], time.get(1..6).unwrap_or(""))
            } else {
                date.to_owned()
            };
            self.under(at, &label);
            at += step;
        }
    }

    fn under(&mut self, x: f64, label: &str) {
        let (x, bottom) = (self.across(x), self.bottom());
        self.put(format_args!(
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{bottom:.1}\" y2=\"{:.1}\"/>",
            bottom + 4.0
        ));
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            bottom + 17.0,
            escaped(label)
        ));
    }

    /// A line through points.
    pub(super) fn path(&mut self, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let places =
            points.map(|(x, y)| format!("{:.1},{:.1}", self.across(x), self.up(y))).collect::<Vec<_>>().join(" ");
        self.put(format_args!("<polyline class=\"{class}\" points=\"{places}\"/>"));
    }

    /// A line all across at `y`, named at its end.
    pub(super) fn level(&mut self, class: &str, y: f64, name: &str) {
        let y = self.up(y);
        self.put(format_args!(
            "<line class=\"rung {class}\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
        ));
        self.put(format_args!("<text x=\"{:.1}\" y=\"{:.1}\">{}</text>", LEFT + 6.0, y - 4.0, escaped(name)));
    }

    /// A stretch of time: a veil over the whole height, or a band along the bottom.
    pub(super) fn stretch(&mut self, class: &str, from: f64, until: f64, veil: bool, title: &str) {
        let (left, right) = (self.across(from), self.across(until));
        let (y, height) = if veil { (TOP, self.bottom() - TOP) } else { (self.bottom() - 7.0, 7.0) };
        let veil = if veil { " veil" } else { "" };
        let width = (right - left).max(1.0);
        self.put(format_args!(
            "<rect class=\"{class}{veil}\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"><title>{}</title></rect>",
            escaped(title)
        ));
    }

    /// Something that happened.
    pub(super) fn event(&mut self, at: f64, missed: bool, title: &str) {
        let (x, bottom) = (self.across(at), self.bottom());
        let class = if missed { "event missed" } else { "event" };
        let title = escaped(title);
        self.put(format_args!("<g><title>{title}</title><line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom:.1}\"/>"));
        let mark = if missed { "▽" } else { "▼" };
        self.put(format_args!("<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{mark}</text></g>", TOP - 3.0));
    }

    /// The drawing as an element.
    pub(super) fn done(self, about: &str) -> String {
        let height = self.height;
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n{}</svg>\n",
            escaped(about),
            self.text
        )
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a time within the drawing")]
fn moment(x: f64) -> Timestamp {
    Timestamp(x as i64)
}

/// A time as a number along the page.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a millennium fit a double exactly")]
pub(super) const fn along(at: Timestamp) -> f64 {
    at.0 as f64
}

/// Round numbers within a range, about so many.
fn ticks((low, high): (f64, f64), about: u32) -> Vec<f64> {
    let rough = (high - low) / f64::from(about);
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|part| part * power).into_iter().find(|step| *step >= rough).unwrap_or(rough);
    let mut marks = Vec::new();
    let mut mark = (low / step).ceil() * step;
    while mark <= high && marks.len() < 50 {
        marks.push(mark);
        mark += step;
    }
    marks
}

/// At most six digits behind the point, and no zeros at the end.
fn shown(value: f64) -> String {
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text within HTML, in attributes too.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter if letter.is_control() && letter != '\n' => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_numbers_within_the_range() {
        assert_eq!(ticks((0.0, 1.0), 5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks((48.0, 61.0), 5), [50.0, 55.0, 60.0]);
        assert_eq!(shown(0.6000000000000001), "0.6");
    }

    #[test]
    fn what_people_wrote_is_no_markup() {
        assert_eq!(escaped("<b onclick='x'>&\"\u{7}"), "&lt;b onclick=&#39;x&#39;&gt;&amp;&quot; ");
    }
}
