//! What is a channel? One way out, behind one trait, and the types that keep a drill off a channel that takes none.
//!
//! A courier holds a [`Route`]: a channel opened for one mode. There is no route for shadow notices, and one for drills
//! only where the channel's configuration says that it takes them:
//!
//! ```
//! # use watchfire::dissemination::channel::{Opened, Route};
//! # use watchfire_model::mode::{Exercise, Live};
//! fn for_real(opened: &Opened) -> Route<Live> { opened.live() }
//! fn for_drills(opened: &Opened) -> Option<Route<Exercise>> { opened.drill() }
//! ```
//! ```compile_fail
//! # use watchfire::dissemination::channel::{Opened, Route};
//! # use watchfire_model::mode::{Exercise, Live};
//! fn for_drills(opened: &Opened) -> Option<Route<Exercise>> { Some(opened.live()) }
//! ```
//! ```compile_fail
//! # use watchfire::dissemination::channel::Route;
//! # use watchfire_model::mode::Shadow;
//! fn for_shadows(route: Route<Shadow>) {}
//! ```

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use watchfire_connectors::intake::WallClock;
use watchfire_model::bulletin::{Bulletin, Notice};
use watchfire_model::durable::Durable;
use watchfire_model::id::{ChannelName, NoticeId};
use watchfire_model::mode::{Exercise, Live, Mode};

use crate::config::settings::{ChannelConfig, ChannelKind};

mod cap_http;
mod spool;
mod webhook;

/// Every kind of channel. A tidy test compares this list with the folder.
pub const CHANNELS: &[Kind] = &[cap_http::KIND, spool::KIND, webhook::KIND];

/// Anything that broke.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// One way out. An attempt ends within the channel's own timeout and leaves nothing running behind it; trying again is
/// the courier's.
pub trait Channel: fmt::Debug + Send + Sync {
    /// Its name, as configured.
    fn name(&self) -> &ChannelName;

    /// Makes one attempt to hand a notice over. Every attempt for one notice bears the same key and says the same.
    fn deliver<'a>(&'a self, parcel: Parcel<'a>) -> Delivery<'a>;
}

/// One attempt, under way.
pub type Delivery<'a> = Pin<Box<dyn Future<Output = Result<Taken, SendError>> + Send + 'a>>;

/// The receiver has taken a notice over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    /// The receiver's own reference.
    pub reference: Option<String>,
    /// Share of the people reached, 0 to 1, where the receiver confirms one.
    pub coverage: Option<f64>,
}

/// Why an attempt failed, cut by what the courier does next.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Worth trying again: busy, timed out, not reached.
    #[error("channel {channel} did not accept notice {notice}")]
    Retry {
        /// Which channel.
        channel: ChannelName,
        /// Which notice.
        notice: NoticeId,
        /// Not before this has passed, where the receiver said so.
        after: Option<Duration>,
        /// What happened.
        source: BoxError,
    },
    /// Will never be accepted as it stands; the duty officer must know now.
    #[error("channel {channel} refused notice {notice}: {reason}")]
    Refused {
        /// Which channel.
        channel: ChannelName,
        /// Which notice.
        notice: NoticeId,
        /// Why, in the receiver's words where it gave some.
        reason: String,
    },
}

impl SendError {
    /// Why, in words, without the channel's and the notice's names.
    pub fn reason(&self) -> String {
        match self {
            Self::Retry { source, .. } => {
                let mut words = source.to_string();
                let mut cause = source.source();
                while let Some(deeper) = cause {
                    words = format!("{words}: {deeper}");
                    cause = deeper.source();
                }
                words
            }
            Self::Refused { reason, .. } => reason.clone(),
        }
    }
}

/// A channel could not be made ready from its configuration. Nothing secret is ever in the words.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is none.
    #[error("the url of channel {channel} is not one: {reason}")]
    Url {
        /// Which channel.
        channel: ChannelName,
        /// What is allowed.
        reason: String,
    },
    /// A secret, token or name can't be used.
    #[error("the {what} of channel {channel} can't be used: {reason}")]
    Unusable {
        /// Which channel.
        channel: ChannelName,
        /// Which option.
        what: &'static str,
        /// What is allowed.
        reason: &'static str,
    },
    /// No TLS, or no folder.
    #[error("cannot open channel {channel}")]
    Open {
        /// Which channel.
        channel: ChannelName,
        /// What the system said.
        source: BoxError,
    },
}

/// A notice at the door: on disk already, its mode fit to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Parcel<'a> {
    key: &'a NoticeId,
    order: u64,
    bulletin: &'a Bulletin,
}

impl<'a> Parcel<'a> {
    /// The only way to make one: what a log has not synced, or what no channel may carry, has no parcel.
    pub fn of<M: Carried>(notice: &'a Durable<Notice<M>>) -> Self {
        let notice = notice.get();
        Self { key: &notice.id, order: notice.order, bulletin: &notice.bulletin }
    }
    /// The idempotency key: the same on every attempt, before and after a restart.
    pub const fn key(&self) -> &'a NoticeId {
        self.key
    }
    /// Its place in its warning's order on this channel, from 1.
    pub const fn order(&self) -> u64 {
        self.order
    }
    /// What it says.
    pub const fn bulletin(&self) -> &'a Bulletin {
        self.bulletin
    }
}

/// Modes that may leave the house: not [`Shadow`](watchfire_model::mode::Shadow).
pub trait Carried: Mode {}
impl Carried for Live {}
impl Carried for Exercise {}

/// A channel, ready, with what its configuration says of it.
#[derive(Clone, Debug)]
pub struct Opened {
    channel: Arc<dyn Channel>,
    takes_drills: bool,
    timeout: Duration,
    retry_cap: Duration,
}

impl Opened {
    /// A channel of the caller's own making, under the bounds of `config`.
    pub fn new(channel: Arc<dyn Channel>, config: &ChannelConfig) -> Self {
        Self { channel, takes_drills: config.takes_drills, timeout: config.timeout, retry_cap: config.retry_cap }
    }
    /// Its name.
    pub fn name(&self) -> &ChannelName {
        self.channel.name()
    }
    /// The way of real warnings.
    pub fn live(&self) -> Route<Live> {
        self.route()
    }
    /// The way of drills, if the channel has declared that it takes them.
    pub fn drill(&self) -> Option<Route<Exercise>> {
        self.takes_drills.then(|| self.route())
    }
    fn route<M: Carried>(&self) -> Route<M> {
        Route {
            channel: Arc::clone(&self.channel),
            timeout: self.timeout,
            retry_cap: self.retry_cap,
            mode: PhantomData,
        }
    }
}

/// A channel opened for one mode.
#[derive(Debug)]
pub struct Route<M: Carried> {
    pub(super) channel: Arc<dyn Channel>,
    /// Longest wait for one attempt.
    pub(super) timeout: Duration,
    /// Longest pause between two attempts.
    pub(super) retry_cap: Duration,
    mode: PhantomData<M>,
}

impl<M: Carried> Route<M> {
    /// The channel's name.
    pub fn name(&self) -> &ChannelName {
        self.channel.name()
    }
}

/// A channel, or why it can't be one; nothing if the configuration is of another kind.
type Made = Option<Result<Arc<dyn Channel>, OpenError>>;

/// One kind of channel.
pub struct Kind {
    /// What `kind` says in the configuration.
    pub word: &'static str,
    /// A configuration that a test reads.
    pub example: &'static str,
    open: fn(&ChannelConfig, &WallClock) -> Made,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word)
    }
}

/// Makes a configured channel ready. Opens no socket.
pub fn open(config: &ChannelConfig, clock: &WallClock) -> Result<Opened, OpenError> {
    let made = CHANNELS.iter().find_map(|kind| (kind.open)(config, clock));
    let channel = made.expect("every variant of ChannelKind has its kind in CHANNELS; a test holds it")?;
    Ok(Opened::new(channel, config))
}

/// Whether what this channel is told stays on this machine: a folder, or an address on loopback. The demo takes no other.
pub fn stays_on_this_machine(config: &ChannelConfig) -> bool {
    match &config.kind {
        ChannelKind::Spool { .. } => true,
        ChannelKind::CapHttp { url, .. } | ChannelKind::Webhook { url, .. } => super::http::is_loopback(url),
    }
}

#[cfg(test)]
mod tests {
    use watchfire_connectors::config::Secret;
    use watchfire_model::grade::Grade;
    use watchfire_model::site::Audience;
    use watchfire_model::time::Timestamp;

    use super::*;

    fn config(kind: ChannelKind) -> ChannelConfig {
        ChannelConfig {
            name: "城关平台".into(),
            kind,
            audience: Audience::Public,
            from_grade: Grade::Blue,
            takes_drills: false,
            timeout: Duration::from_secs(10),
            retry_cap: Duration::from_secs(60),
        }
    }

    fn kinds(url: &str, dir: &std::path::Path) -> [ChannelKind; 3] {
        let secrets = vec![Secret::new("whsec_c2VjcmV0LWtleS1vZi1hLXRlc3Q=".to_owned())];
        [
            ChannelKind::CapHttp { url: url.to_owned(), token: Some(Secret::new("hunter2-token".to_owned())) },
            ChannelKind::Webhook { url: url.to_owned(), secrets },
            ChannelKind::Spool { dir: dir.to_owned() },
        ]
    }

    #[test]
    fn every_kind_opens_and_shows_no_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock: WallClock = Arc::new(|| Timestamp(0));
        for kind in kinds("https://user:hunter2-pass@example.org/in?key=hunter2-key", folder.path()) {
            let config = config(kind);
            let opened = open(&config, &clock).expect("opens");
            let shown = format!("{opened:?} {:?}", opened.live());
            assert!(!shown.contains("hunter2") && !shown.contains("c2Vjcm"), "{shown}");
            assert!(opened.drill().is_none());
            let drilled = open(&ChannelConfig { takes_drills: true, ..config }, &clock).expect("opens");
            assert!(drilled.drill().is_some());
        }
    }

    #[test]
    fn what_cannot_work_is_refused_at_opening_without_showing_a_secret() {
        let clock: WallClock = Arc::new(|| Timestamp(0));
        let hook = |secrets: &[&str]| ChannelKind::Webhook {
            url: "http://127.0.0.1:9/".to_owned(),
            secrets: secrets.iter().map(|s| Secret::new((*s).to_owned())).collect(),
        };
        let post = |url: &str, token: &str| ChannelKind::CapHttp {
            url: url.to_owned(),
            token: Some(Secret::new(token.to_owned())),
        };
        for kind in [
            hook(&[]),
            hook(&["whsec_hunter2!!"]),
            hook(&["hunter2"]),
            hook(&["whsec_"]),
            post("not a url with hunter2", "t"),
            post("ftp://hunter2@example.org/", "t"),
            post("file:///etc/hunter2", "t"),
            post("http://127.0.0.1:9/", "hunter2\nX-Evil: 1"),
        ] {
            let error = open(&config(kind.clone()), &clock).expect_err("refused");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error} {error:?}");
        }
    }

    #[test]
    fn the_demo_can_tell_what_stays_at_home() {
        let folder = std::path::Path::new("spool");
        for (url, home) in [
            ("http://127.0.0.1:8080/cap", true),
            ("http://127.9.9.9/", true),
            ("http://[::1]:8080/", true),
            ("http://localhost/", true),
            ("http://127.0.0.1.example.org/", false),
            ("http://localhost.example.org/", false),
            ("http://10.0.0.1/", false),
            ("http://0.0.0.0/", false),
            ("nonsense", false),
        ] {
            let [cap, hook, spool] = kinds(url, folder).map(config);
            assert_eq!((stays_on_this_machine(&cap), stays_on_this_machine(&hook)), (home, home), "{url}");
            assert!(stays_on_this_machine(&spool));
        }
    }

    #[test]
    fn every_example_is_a_channel_of_its_own_kind() {
        for kind in CHANNELS {
            let table: toml::Table = kind.example.parse().expect("an example is TOML");
            let channel = table.get("channel").and_then(|c| c.get(0)).expect("an example is a channel");
            assert_eq!(channel.get("kind").and_then(|k| k.as_str()), Some(kind.word));
        }
    }
}
