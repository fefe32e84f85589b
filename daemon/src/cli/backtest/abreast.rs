//! Work that is independent, on as many cores as there are.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Threads that are started at most: each pass holds the state of every point.
const THREADS_MOST: usize = 8;

/// Does the `jobs` 0, 1, 2 … and gives what each came to, in their order.
pub(super) fn abreast<T: Send>(jobs: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(jobs).min(THREADS_MOST);
    if threads <= 1 {
        return (0..jobs).map(job).collect();
    }
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(jobs)));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    if place >= jobs {
                        return;
                    }
                    let came_to = job(place);
                    // A thread that panicked while it held this has ended the command anyhow.
                    if let Ok(mut done) = done.lock() {
                        done.push((place, came_to));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, came_to)| came_to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_done_once_and_told_in_order() {
        for jobs in [0, 1, 2, 7, 100] {
            let squares: Vec<usize> = (0..jobs).map(|n| n * n).collect();
            assert_eq!(abreast(jobs, |n| n * n), squares);
        }
    }
}
