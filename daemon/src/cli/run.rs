//! `watchfire run`: the daemon, until it is told to stop.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::oneshot;
use tracing::{info, warn};
use watchfire_rules::engine::Overseer;

use crate::cli::{ConfigPath, Style};
use crate::clock::{self, Clock};
use crate::config::settings::Settings;
use crate::entropy::Entropy;
use crate::lang::Lang;
use crate::reload::{Asked, Wish, WishStep};
use crate::shutdown;
use crate::supervisor::Supervisor;
use crate::topology::{self, FirstCode};
use crate::vigil::Vigil;

/// Options of `run`.
#[derive(Clone, Debug, clap::Args)]
pub struct RunArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigPath,
    /// How to speak.
    #[command(flatten)]
    pub style: Style,
}

/// Runs until SIGTERM or Ctrl-C; a second one ends at once.
pub async fn run(settings: Settings, lang: Lang) -> anyhow::Result<ExitCode> {
    run_overseen(settings, lang, |vigil| vigil).await
}

/// The same where somebody stands between the scripts and our watch over them; see [`topology::start_overseen`].
pub async fn run_overseen(
    settings: Settings,
    lang: Lang,
    overseer: impl Fn(Arc<Vigil>) -> Arc<dyn Overseer> + Send + Sync + 'static,
) -> anyhow::Result<ExitCode> {
    let (points, rules) = (settings.site().points.len(), settings.site().rules.len());
    let supervisor = Supervisor::from_env();
    let wall = Clock::system(None).now().wall;
    if !clock::is_set(wall) {
        warn!(%wall, "our wall clock was never set: warnings go out, and what they say of time is wrong until it is");
    }
    let started = topology::start_overseen(settings, Clock::system, &Entropy::system(), overseer).await;
    let running = started.context("cannot start")?;
    info!(listen = %running.listen, points, rules, "watching");
    if let Some(FirstCode { code, path }) = &running.first_code {
        // Told here and nowhere else: what is logged is kept.
        eprintln!("{}", first_words(lang, code, path, running.listen));
    }
    supervisor.say("READY=1");
    let watch = async {
        let Some(every) = Supervisor::watchdog_every() else { return std::future::pending().await };
        let mut beat = tokio::time::interval(every);
        let mut turns = running.turns();
        loop {
            beat.tick().await;
            // Only while the duty loop has turned since the last beat: a stalled machine must be restarted.
            let now = running.turns();
            if now != turns {
                supervisor.say("WATCHDOG=1");
            }
            turns = now;
        }
    };
    let mut hangups = shutdown::hangups().context("cannot listen for signals")?;
    let reload = async {
        while hangups.recv().await.is_some() {
            let (answer, _) = oneshot::channel();
            let wish = Wish {
                who: "supervisor".into(),
                why: "SIGHUP".to_owned(),
                from: "SIGHUP".to_owned(),
                preview: false,
                orphans: None,
                step: WishStep::Whole,
                in_spite: false,
                backtest: None,
            };
            // Full: reloads are under way already, and the last of them reads what there is now.
            let _ = running.views.reloads.try_send(Asked { wish, answer });
        }
    };
    tokio::select! {
        signal = shutdown::signal() => info!(signal = signal.context("cannot listen for signals")?, "stopping"),
        () = watch => {}
        () = reload => {}
    }
    supervisor.say("STOPPING=1");
    let counts = tokio::select! {
        counts = running.stop() => counts,
        second = shutdown::signal() => {
            warn!(signal = second.unwrap_or("unknown"), "stopping at once; what is on disk is whole");
            // Not by returning: threads that still wait for the runtime would fall over it.
            std::process::exit(130);
        }
    };
    info!(heard = counts.heard, judged = counts.judged, stored = counts.stored, "stopped");
    Ok(ExitCode::SUCCESS)
}

/// What is said at a start at which nobody has an account yet.
fn first_words(lang: Lang, code: &str, path: &Path, listen: SocketAddr) -> String {
    let file = path.display();
    match lang {
        Lang::Zh => format!(
            "尚无账号。一次性口令: {code}(亦在 {file})\n建立首个管理员: watchfire people add --first {code} 姓名,或在控制台 http://{listen}/"
        ),
        Lang::En => format!(
            "nobody has an account yet. One-time code: {code} (also in {file})\n\
             make the first admin with it: watchfire people add --first {code} NAME, or on the console, http://{listen}/"
        ),
    }
}
