//! The daemon with a hand in its scripts: as a file says, the script of one rule hangs, drags or panics as if a function
//! that it calls did. For tests alone: nothing in the product can be told to do so.
//!
//! `wayward run --config FILE`, with `WAYWARD_RULE` (the rule's id) and `WAYWARD_WHILE` (the file). It may say `panic`;
//! `drag`: then each run takes a fifth of a second; or `hang`: then the run that reads it hangs, and the same run again
//! whenever the journal is judged again, as if its numbers were to blame. `hang on THREAD` hangs every run on that thread
//! and none on another.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use watchfire::cli::{logging, run};
use watchfire::lang::Lang;
use watchfire::vigil::Vigil;
use watchfire_model::site::Site;
use watchfire_rules::engine::Overseer;

/// Hands on to the daemon's own watch, and then does what the file says.
#[derive(Debug)]
struct Hand {
    vigil: Arc<Vigil>,
    rule: usize,
    file: PathBuf,
    /// Runs of that rule in this process.
    runs: AtomicU64,
}

/// How long a script that drags takes.
const DRAG: Duration = Duration::from_millis(200);

fn hang() {
    loop {
        std::hint::spin_loop();
    }
}

impl Overseer for Hand {
    fn judges_by(&self, site: &Arc<Site>) {
        self.vigil.judges_by(site);
    }

    fn begins(&self, rule: usize) {
        self.vigil.begins(rule);
        if rule != self.rule {
            return;
        }
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        match std::fs::read_to_string(&self.file).unwrap_or_default().trim() {
            "hang" => {
                std::fs::write(&self.file, run.to_string()).expect("the file can be written");
                hang();
            }
            "drag" => {
                let begun = Instant::now();
                while begun.elapsed() < DRAG {
                    std::hint::spin_loop();
                }
            }
            "panic" => panic!("the index is 7 and the length is 3"),
            said if said.parse() == Ok(run) => hang(),
            said if said.strip_prefix("hang on ").is_some_and(|on| std::thread::current().name() == Some(on)) => hang(),
            _ => {}
        }
    }

    fn ends(&self) {
        self.vigil.ends();
    }

    fn clocks(&self) {
        self.vigil.clocks();
    }

    fn clocked(&self, rule: usize, evaluations: u32) -> u32 {
        self.vigil.clocked(rule, evaluations)
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    logging::init("info");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, flag, config] = arguments.as_slice() else { bail!("usage: wayward run --config FILE") };
    if (command.as_str(), flag.as_str()) != ("run", "--config") {
        bail!("usage: wayward run --config FILE");
    }
    let settings = watchfire::config::load(config.as_ref()).map_err(|problems| anyhow!("{problems}"))?;
    let id = std::env::var("WAYWARD_RULE").context("WAYWARD_RULE names the rule")?;
    let file = PathBuf::from(std::env::var_os("WAYWARD_WHILE").context("WAYWARD_WHILE names the file")?);
    let rule = settings.site().rules.iter().position(|rule| rule.id.as_str() == id).context("there is no such rule")?;
    let hand = move |vigil| -> Arc<dyn Overseer> {
        Arc::new(Hand { vigil, rule, file: file.clone(), runs: AtomicU64::new(0) })
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run::run_overseen(
        settings,
        Lang::En,
        hand,
    ))
}
