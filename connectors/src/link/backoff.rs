//! How long to wait before the next attempt: doubling, jittered, capped, and short again only after a while of health.

use std::time::Duration;

use super::Jitter;

/// The first pause.
const FIRST: Duration = Duration::from_millis(250);
/// The longest pause; with it a peer that is back is heard again within five seconds.
const LONGEST: Duration = Duration::from_secs(4);
/// A connection that lived shorter than this was not a success.
const HEALTHY_AFTER: Duration = Duration::from_secs(10);
/// Short-lived connections in a row, after which somebody else is thought to be pulling at the same place.
const SHORT_LIVED: u32 = 3;
/// The pause then: two clients with one id may not storm their broker.
const QUARREL: Duration = Duration::from_secs(5);

/// Pauses between attempts.
#[derive(Clone)]
pub struct Backoff {
    jitter: Jitter,
    attempts: u32,
    short_lived: u32,
}

impl std::fmt::Debug for Backoff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backoff").field("attempts", &self.attempts).finish_non_exhaustive()
    }
}

impl Backoff {
    /// No attempt yet.
    pub const fn new(jitter: Jitter) -> Self {
        Self { jitter, attempts: 0, short_lived: 0 }
    }

    /// The pause after an attempt that ended with a connection that lived for `lived`; none if it never stood.
    pub fn pause(&mut self, lived: Option<Duration>) -> Duration {
        match lived {
            Some(lived) if lived >= HEALTHY_AFTER => (self.attempts, self.short_lived) = (0, 0),
            Some(_) => self.short_lived = self.short_lived.saturating_add(1),
            None => {}
        }
        let doubled = FIRST.saturating_mul(1_u32.checked_shl(self.attempts.min(16)).unwrap_or(u32::MAX));
        self.attempts = self.attempts.saturating_add(1);
        let full = doubled.min(LONGEST);
        // From half of it to all of it: many clients of one broker do not come back in one step.
        let jittered = full.mul_f64(0.5 + 0.5 * (self.jitter)().clamp(0.0, 1.0));
        if self.quarrels() { jittered.max(QUARREL) } else { jittered }
    }

    /// Whether connections stand and are cut at once, again and again.
    pub const fn quarrels(&self) -> bool {
        self.short_lived >= SHORT_LIVED
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn pauses_grow_to_a_cap_and_shrink_only_after_health() {
        let mut backoff = Backoff::new(Arc::new(|| 1.0));
        let pauses: Vec<u128> = (0..7).map(|_| backoff.pause(None).as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1_000, 2_000, 4_000, 4_000, 4_000]);
        assert_eq!(backoff.pause(Some(Duration::from_secs(1))).as_millis(), 4_000);
        assert_eq!(backoff.pause(Some(Duration::from_secs(60))).as_millis(), 250);
    }

    #[test]
    fn a_quarrel_is_never_a_storm() {
        let mut backoff = Backoff::new(Arc::new(|| 0.0));
        for _ in 0..3 {
            backoff.pause(Some(Duration::from_millis(5)));
        }
        assert!(backoff.quarrels());
        assert!(backoff.pause(Some(Duration::from_millis(5))) >= Duration::from_secs(5));
    }
}
