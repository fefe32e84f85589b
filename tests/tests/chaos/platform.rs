//! The dissemination platform of the demo as the receiver, and what it has heard, in the words of the oracle.

use std::net::Ipv4Addr;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use watchfire::demo::platform::{Counts, Fault, Platform, Received};

/// The platform on a runtime of its own, for tests that know nothing of async.
#[derive(Debug)]
pub(crate) struct Receiving {
    platform: Platform,
    // Dropped after the platform that runs on it.
    _runtime: Runtime,
}

/// A bulletin as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) channel: String,
    pub(crate) warning: String,
    pub(crate) version: u64,
    pub(crate) class: String,
    pub(crate) grade: String,
    /// The area's name.
    pub(crate) area: String,
    pub(crate) evidence_lost: bool,
    /// How often it came under its key.
    pub(crate) times: u64,
}

impl Receiving {
    /// # Panics
    /// If loopback gives no port.
    pub(crate) fn start() -> Self {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().expect("a runtime of one thread can be built");
        let platform = runtime.block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
            Platform::start(listener).expect("a listener has an address")
        });
        Self { platform, _runtime: runtime }
    }

    pub(crate) fn url(&self) -> String {
        self.platform.url()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.platform.counts()
    }

    pub(crate) fn misbehave(&self, fault: Fault, times: u64) {
        self.platform.misbehave(fault, times);
    }

    pub(crate) fn misbehave_for_good(&self, fault: Fault) {
        self.platform.misbehave_for_good(fault);
    }

    pub(crate) fn behave(&self) {
        self.platform.behave();
    }

    /// Every bulletin, each key once, in the order of arrival.
    ///
    /// # Panics
    /// If one does not say what it is.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.platform.received().iter().map(heard).collect()
    }
}

fn heard(received: &Received) -> Heard {
    let info = received.message.infos.first().expect("the platform takes no message without words");
    let says = |name: &str| {
        let said = info.parameter(&format!("watchfire:{name}"));
        said.unwrap_or_else(|| panic!("no {name} in {received:?}")).to_owned()
    };
    let (_, channel) = received.key.rsplit_once('@').expect("a key ends in its channel");
    Heard {
        channel: channel.to_owned(),
        warning: received.message.incidents.clone(),
        version: says("version").parse().expect("a version is a number"),
        class: says("class"),
        grade: says("grade"),
        area: info.area.clone(),
        evidence_lost: info.parameter("watchfire:evidence_lost").is_some(),
        times: received.times,
    }
}
