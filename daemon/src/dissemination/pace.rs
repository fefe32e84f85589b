//! How long until the next attempt? Exponential with full jitter, capped; what the receiver asked for is honoured.

use std::sync::Arc;
use std::time::Duration;

/// Rolls a number from 0 up to 1; handed down from `entropy.rs`, so that a simulation can roll its own.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Ceiling of the first pause; it doubles with every attempt.
const FIRST: Duration = Duration::from_millis(200);

/// Never shorter than this, whatever the dice say: a refused connection must not become a loop.
const LEAST: Duration = Duration::from_millis(50);

/// Longest pause of a red or orange notice, or of a withdrawal: with one attempt of 10 s it is out within 15 s of the
/// receiver's recovery.
const URGENT_MOST: Duration = Duration::from_secs(5);

/// Longest pause of any other: out within 60 s of recovery, with one attempt of 10 s.
const ORDINARY_MOST: Duration = Duration::from_secs(50);

/// Longest pause a receiver may ask for: one that says "come back tomorrow" must not silence a warning until then.
const ASKED_MOST: Duration = Duration::from_secs(60);

/// How much of a hurry a notice is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Haste {
    /// Blue and yellow.
    Ordinary,
    /// Orange, red, and the withdrawal of what was issued in error.
    Urgent,
}

/// The pause after the `attempts`-th attempt failed, for a channel whose configuration caps pauses at `cap`; `asked` is
/// what the receiver asked for.
pub(super) fn pause(attempts: u32, haste: Haste, cap: Duration, asked: Option<Duration>, jitter: &Jitter) -> Duration {
    let most = cap.min(match haste {
        Haste::Ordinary => ORDINARY_MOST,
        Haste::Urgent => URGENT_MOST,
    });
    let doubled = FIRST.saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX));
    let rolled = jitter();
    let share = if rolled.is_finite() { rolled.clamp(0.0, 1.0) } else { 1.0 };
    let own = doubled.min(most).mul_f64(share).max(LEAST);
    // Spread over a tenth more than was asked for: a receiver that turned many away must not meet them all at once.
    let asked = asked.map(|asked| asked.min(ASKED_MOST).mul_f64(1.0 + share / 10.0));
    own.max(asked.unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(attempts: u32, haste: Haste, cap: u64, asked: Option<u64>, roll: f64, expected_ms: u128) {
        let jitter: Jitter = Arc::new(move || roll);
        let pause = pause(attempts, haste, Duration::from_secs(cap), asked.map(Duration::from_secs), &jitter);
        assert_eq!(pause.as_millis(), expected_ms, "attempt {attempts}, {haste:?}, cap {cap}, {asked:?}, {roll}");
    }

    #[test]
    fn pauses_double_up_to_their_cap() {
        for (attempts, expected) in [(1, 200), (2, 400), (3, 800), (6, 5_000), (40, 5_000), (u32::MAX, 5_000)] {
            check(attempts, Haste::Urgent, 300, None, 1.0, expected);
        }
        check(40, Haste::Ordinary, 300, None, 1.0, 50_000);
        check(40, Haste::Ordinary, 2, None, 1.0, 2_000);
    }

    #[test]
    fn the_dice_spread_and_never_spin() {
        check(4, Haste::Urgent, 300, None, 0.5, 800);
        check(4, Haste::Urgent, 300, None, 0.0, 50);
        check(4, Haste::Urgent, 300, None, f64::NAN, 1_600);
    }

    #[test]
    fn what_the_receiver_asks_for_is_honoured_within_a_minute() {
        check(1, Haste::Urgent, 300, Some(30), 0.0, 30_000);
        check(1, Haste::Urgent, 300, Some(86_400), 0.0, 60_000);
        check(10, Haste::Ordinary, 300, Some(1), 1.0, 50_000);
    }
}
