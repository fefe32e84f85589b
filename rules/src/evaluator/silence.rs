//! Which points must be looked at when: each expected point stands in exactly one second, and is moved on only when that
//! second has come, so that a reading costs nothing here.

use std::collections::BTreeMap;

use watchfire_model::id::PointIx;
use watchfire_model::time::Steady;

/// Points by the second in which they may have become silent.
#[derive(Clone, Debug, Default)]
pub(super) struct Silence {
    seconds: BTreeMap<i64, Vec<PointIx>>,
    /// The first of them: every reading asks for it.
    first: Option<i64>,
    expected: Vec<bool>,
}

impl Silence {
    /// For so many points, none of them expected yet.
    pub(super) fn new(points: usize) -> Self {
        Self { seconds: BTreeMap::new(), first: None, expected: vec![false; points] }
    }

    /// Whether a point stands in some second.
    pub(super) fn expects(&self, point: PointIx) -> bool {
        self.expected.get(point.index()).copied().unwrap_or(true)
    }

    /// Looks at a point once the second of `at` has come.
    pub(super) fn expect(&mut self, point: PointIx, at: Steady) {
        if let Some(expected) = self.expected.get_mut(point.index())
            && !*expected
        {
            *expected = true;
            let second = second(at);
            self.seconds.entry(second).or_default().push(point);
            self.first = Some(self.first.map_or(second, |first| first.min(second)));
        }
    }

    /// Whether the second of `at` has come. A point stands in an earlier second when it has been heard since; by this
    /// alone, and never by where it stands, is it silent, so that a restart makes no difference.
    pub(super) fn has_come(now: Steady, at: Steady) -> bool {
        second(at).saturating_mul(1_000) <= now.0
    }

    /// When the next second comes.
    pub(super) fn next(&self) -> Option<Steady> {
        self.first.map(|second| Steady(second.saturating_mul(1_000)))
    }

    /// The points whose second has come, in order; they are expected no more.
    pub(super) fn due(&mut self, now: Steady) -> Vec<PointIx> {
        let mut due = Vec::new();
        while let Some(first) = self.seconds.first_entry()
            && first.key().saturating_mul(1_000) <= now.0
        {
            due.append(&mut first.remove());
        }
        self.first = self.seconds.first_key_value().map(|(second, _)| *second);
        for point in &due {
            if let Some(expected) = self.expected.get_mut(point.index()) {
                *expected = false;
            }
        }
        due.sort_unstable();
        due
    }
}

/// The second at whose beginning `at` is past.
fn second(at: Steady) -> i64 {
    at.0.saturating_add(999).div_euclid(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_looked_at_once_its_second_has_come() {
        let mut silence = Silence::new(3);
        silence.expect(PointIx(2), Steady(1_500));
        silence.expect(PointIx(0), Steady(1_001));
        silence.expect(PointIx(0), Steady(9_000));
        silence.expect(PointIx(1), Steady(5_000));
        assert_eq!(silence.next(), Some(Steady(2_000)));
        assert!(silence.due(Steady(1_999)).is_empty());
        assert_eq!(silence.due(Steady(2_000)), [PointIx(0), PointIx(2)]);
        assert!(!silence.expects(PointIx(0)) && silence.expects(PointIx(1)));
        assert_eq!(silence.next(), Some(Steady(5_000)));
    }
}
