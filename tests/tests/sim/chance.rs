//! Chance from a seed: what a seed has once rolled it rolls again.

use watchfire::entropy::Entropy;

/// Dice. Clones roll on with the same dice.
#[derive(Clone)]
pub(crate) struct Chance(Entropy);

impl Chance {
    /// The dice of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        Self(Entropy::seeded(seed))
    }

    /// Dice of their own, so that one part of the world can roll more without disturbing the others.
    pub(crate) fn split(&self) -> Self {
        Self::of(self.0.bits())
    }

    /// The daemon's own source of chance.
    pub(crate) const fn entropy(&self) -> &Entropy {
        &self.0
    }

    /// From 0 up to and without `n`.
    pub(crate) fn below(&self, n: usize) -> usize {
        let n = u64::try_from(n.max(1)).unwrap_or(1);
        usize::try_from(self.0.bits() % n).unwrap_or(0)
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.0.bits() % (high - low + 1).unsigned_abs()).unwrap_or(0)
    }

    /// Once in `n` times.
    pub(crate) fn one_in(&self, n: usize) -> bool {
        self.below(n) == 0
    }
}
