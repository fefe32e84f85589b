//! The only place that asks what time it is. The wall is the system's; the steady clock counts how long this data
//! directory has been alive and goes on where the last run stopped.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use watchfire_model::time::{Now, Span, Steady, Timestamp};

/// A disagreement of the wall and the steady clock that counts as a step (SEMANTICS §8).
pub const STEP: Span = Span::seconds(2);

/// 2000-01-01. A wall that stands before was never set: a machine without a battery begins in 1970.
const EARLIEST: Timestamp = Timestamp(946_684_800_000);

/// Whether a wall clock that says this was ever set.
pub const fn is_set(wall: Timestamp) -> bool {
    wall.0 >= EARLIEST.0
}

/// A clock. Cheap to clone; all clones agree.
#[derive(Clone)]
pub struct Clock(Arc<Kind>);

enum Kind {
    /// The machine's.
    System { started: Instant, steady_at_start: Steady, step: Mutex<WallWatch> },
    /// A test's or a replay's: moves only when told.
    Virtual { wall: AtomicI64, steady: AtomicI64 },
}

/// Where the wall stood against the steady clock when last looked at.
struct WallWatch {
    offset: i64,
}

impl Clock {
    /// The machine's clock. `last` is the last `Now` that the logs of this data directory hold: the wall's forward
    /// difference since then is added to steady time, a backward one is not.
    pub fn system(last: Option<Now>) -> Self {
        let wall = system_wall();
        let steady_at_start = last.map_or(Steady(0), |last| last.steady + Span((wall - last.wall).0.max(0)));
        Self(Arc::new(Kind::System {
            started: Instant::now(),
            steady_at_start,
            step: Mutex::new(WallWatch { offset: wall.0 - steady_at_start.0 }),
        }))
    }

    /// A clock that moves only when told.
    pub fn virtual_at(now: Now) -> Self {
        Self(Arc::new(Kind::Virtual { wall: AtomicI64::new(now.wall.0), steady: AtomicI64::new(now.steady.0) }))
    }

    /// Both clocks.
    pub fn now(&self) -> Now {
        match &*self.0 {
            Kind::System { started, steady_at_start, .. } => {
                let alive = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
                Now { wall: system_wall(), steady: *steady_at_start + Span(alive) }
            }
            Kind::Virtual { wall, steady } => {
                Now { wall: Timestamp(wall.load(Ordering::SeqCst)), steady: Steady(steady.load(Ordering::SeqCst)) }
            }
        }
    }

    /// Moves a virtual clock; the system's does not move for anybody.
    pub fn set(&self, now: Now) {
        if let Kind::Virtual { wall, steady } = &*self.0 {
            wall.store(now.wall.0, Ordering::SeqCst);
            steady.store(now.steady.0, Ordering::SeqCst);
        }
    }

    /// Whether it is the machine's: by one that moves only when told, nobody is slow.
    pub fn is_the_machines(&self) -> bool {
        matches!(&*self.0, Kind::System { .. })
    }

    /// How far the wall has been stepped since the last call, if by more than [`STEP`].
    pub fn stepped(&self) -> Option<Span> {
        let Kind::System { step, .. } = &*self.0 else { return None };
        let now = self.now();
        let mut watch = step.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let offset = now.wall.0 - now.steady.0;
        let moved = Span(offset - watch.offset);
        (moved.0.abs() > STEP.0).then(|| {
            watch.offset = offset;
            moved
        })
    }

    /// The wall alone, as a function to hand to those who may know nothing else.
    pub fn wall(&self) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
        let clock = self.clone();
        // Asked for each message, so the steady clock is not asked as well.
        Arc::new(move || match &*clock.0 {
            Kind::System { .. } => system_wall(),
            Kind::Virtual { wall, .. } => Timestamp(wall.load(Ordering::SeqCst)),
        })
    }
}

fn system_wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A stopwatch for durations that are reported (metrics) or pace a thread; nothing about a warning is decided on them.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts.
    pub fn start() -> Self {
        Self(Instant::now())
    }
    /// Seconds since the start.
    pub fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
    /// Time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
    /// Nanoseconds since the start.
    pub fn nanoseconds(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steady_time_goes_on_after_a_restart_and_never_back() {
        let before = Now { wall: system_wall() - Span::hours(1), steady: Steady(500) };
        let after = Clock::system(Some(before)).now();
        assert!(after.steady >= Steady(500) + Span::hours(1) && after.steady < Steady(500) + Span::hours(2));
        let ahead = Now { wall: system_wall() + Span::hours(1), steady: Steady(500) };
        let after = Clock::system(Some(ahead)).now();
        assert!(after.steady >= Steady(500) && after.steady < Steady(60_500));
    }
}
