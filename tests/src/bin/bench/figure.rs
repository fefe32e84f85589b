//! A figure beside its target: one line on stdout, and whether it was met.

/// What is asked of a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// Only reported.
    None,
}

/// Prints `value` and its unit beside its target, with whatever is worth saying behind it.
pub(crate) fn figure(name: &str, value: f64, unit: &str, target: Target, more: &str) {
    let (asked, met) = match target {
        Target::AtLeast(least) => (format!("at least {}", short(least)), value >= least),
        Target::AtMost(most) => (format!("at most {}", short(most)), value <= most),
        Target::None => (String::new(), true),
    };
    let verdict = match target {
        Target::None => "",
        Target::AtLeast(_) | Target::AtMost(_) if met => "met",
        Target::AtLeast(_) | Target::AtMost(_) => "MISSED",
    };
    let measured = format!("{} {unit}", short(value));
    println!("{name:<42} {measured:<24} {asked:<18} {verdict:<7} {more}");
}

/// Three digits that count, thousands apart.
pub(crate) fn short(value: f64) -> String {
    if value < 100.0 {
        let text = format!("{value:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The middle one.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How many a second.
#[expect(clippy::cast_precision_loss, reason = "counts of readings")]
pub(crate) fn per_second(readings: usize, seconds: f64) -> f64 {
    readings as f64 / seconds
}
