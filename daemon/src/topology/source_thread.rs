//! The sources' thread: every source runs here, on a runtime of its own, so that a flood of readings takes no turn from
//! couriers and screens, and a message passes from its connection to the journal's door without waking another thread.
//!
//! A broker writes message by message, and waking for each costs more than reading it. So a thread that is woken all the
//! time sleeps a moment before it waits again, and finds many at once. A reading that comes alone waits for nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_util::task::TaskTracker;

use crate::clock::Stopwatch;

/// So many waits are looked at together …
const WAITS: u32 = 64;
/// … and are a flood if they took less than this: more than 8,000 a second, where a thousand readings a second at QoS 1
/// make some 3,000.
const FLOOD_SECONDS: f64 = 0.008;
/// How long a flood gathers.
const GATHER: Duration = Duration::from_millis(2);

/// A runtime for [`run`]; its handle is where sources are spawned.
pub(crate) fn runtime() -> std::io::Result<Runtime> {
    let waits = Mutex::new((Waits::default(), Stopwatch::start()));
    let before_waiting = move || {
        let flood = {
            let (waits, since) = &mut *waits.lock().unwrap_or_else(PoisonError::into_inner);
            waits.count(|| std::mem::replace(since, Stopwatch::start()).seconds())
        };
        if flood {
            std::thread::sleep(GATHER);
        }
    };
    Builder::new_current_thread().enable_all().on_thread_park(before_waiting).build()
}

/// Until every source has ended.
pub(crate) fn run(runtime: &Runtime, sources: &TaskTracker) {
    runtime.block_on(sources.wait());
}

/// How often the thread has waited lately.
#[derive(Debug, Default)]
struct Waits {
    counted: u32,
    flood: bool,
}

impl Waits {
    /// Counts one and says whether the last [`WAITS`] were a flood. `seconds` since they began are asked for once they
    /// are full.
    fn count(&mut self, seconds: impl FnOnce() -> f64) -> bool {
        self.counted += 1;
        if self.counted == WAITS {
            (self.counted, self.flood) = (0, seconds() < FLOOD_SECONDS);
        }
        self.flood
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of the next [`WAITS`] waits, which take so many seconds together, are slept before.
    fn slept(waits: &mut Waits, seconds: f64) -> usize {
        (0..WAITS).filter(|_| waits.count(|| seconds)).count()
    }

    #[test]
    fn only_a_flood_gathers_and_only_while_it_lasts() {
        let mut waits = Waits::default();
        // A thousand readings a second, each acknowledged: three waits apiece.
        assert_eq!(slept(&mut waits, 0.021), 0);
        assert_eq!(slept(&mut waits, 0.021), 0);
        // Fifty thousand a second are known for a flood with the last of them, and gather from then on.
        assert_eq!(slept(&mut waits, 0.001), 1);
        // Gathering makes the waits few; so it is tried again whether the flood still lasts.
        assert_eq!(slept(&mut waits, 0.070), 63);
        assert_eq!(slept(&mut waits, 0.021), 0);
    }
}
