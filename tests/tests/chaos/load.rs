//! Readings that come all the time while something else is tried, so that whatever is lost is seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use watchfire_tests::harness::publisher::Publisher;

use super::stage::Stage;

/// A publisher at work.
pub(crate) struct Load<T> {
    end: Arc<AtomicBool>,
    publishing: JoinHandle<T>,
}

impl<T: Send + 'static> Load<T> {
    /// Publishes as `publish` has it for as long as its second argument says so; what it returns is what it has sent.
    pub(crate) fn begin(
        stage: &Stage,
        publish: impl FnOnce(&mut Publisher, &dyn Fn() -> bool) -> T + Send + 'static,
    ) -> Self {
        let (address, end) = (stage.broker.address(), Arc::new(AtomicBool::new(false)));
        let until = Arc::clone(&end);
        let publishing = std::thread::spawn(move || {
            let mut link = Publisher::connect(&address, "load").expect("the broker takes connections");
            let sent = publish(&mut link, &|| !until.load(Ordering::Relaxed));
            link.settle().expect("the broker is there");
            sent
        });
        Self { end, publishing }
    }

    /// Ends it, and says what was sent.
    pub(crate) fn ends(self) -> T {
        self.end.store(true, Ordering::Relaxed);
        self.publishing.join().expect("the publisher ended well")
    }
}
