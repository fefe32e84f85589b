//! `watchfire demo`: the main job end to end on one machine, with nothing else installed. A broker, a Modbus device and
//! a dissemination platform on loopback; between them the very daemon that runs in service, on recorded data.

mod broker;
pub mod cap;
mod feeder;
pub mod platform;
mod recordings;
mod screen;
mod simulator;
mod story;

use std::io::IsTerminal as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use watchfire_connectors::link::mqtt::publisher::Publisher;
use watchfire_model::time::{Now, Span, Steady};

use crate::cli::exit;
use crate::clock::Clock;
use crate::config;
use crate::config::settings::{Anonymous, Settings};
use crate::dissemination::channel::stays_on_this_machine;
use crate::entropy::Entropy;
use crate::lang::Lang;
use crate::topology::{self, Running};
use feeder::{Departures, Feeder, Played};
use screen::Screen;

/// The demo's site; the marks are filled with the addresses of this run.
const SITE: &str = include_str!("site.toml");

/// What may be asked of the demo.
#[derive(Clone, Debug, clap::Args)]
pub struct DemoArgs {
    /// End after this long, with exit code 0 and a summary.
    #[arg(long = "for", value_name = "SPAN", value_parser = parse_span)]
    pub lasting: Option<Span>,
    /// Where the console listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8420")]
    pub listen: SocketAddr,
    /// Where everything is kept; a fresh folder by default, removed at the end.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The story's pace: 1 tells it in about a minute.
    #[arg(long, value_name = "TIMES", default_value_t = 1.0, value_parser = parse_speed)]
    pub speed: f64,
    /// Language of the terminal; from LANG where it is not given.
    #[arg(long, value_enum, env = "WATCHFIRE_LANG")]
    pub lang: Option<Lang>,
    /// Which station falls silent during the first red.
    #[arg(long, value_name = "STATION", num_args = 0..=1, default_value = "chickamauga", default_missing_value = "chickamauga")]
    pub lose_sensor: String,
}

fn parse_span(text: &str) -> Result<Span, watchfire_model::time::SpanError> {
    text.parse()
}

fn parse_speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed: &f64| (0.01..=100.0).contains(speed));
    speed.ok_or_else(|| "the story can be told 0.01 to 100 times as fast".to_owned())
}

/// Plays the story.
pub async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let scratch = Scratch::new(args.data_dir.as_deref())?;
    let broker = free_address()?;
    broker::start(broker).context("cannot start the demo's broker")?;
    let modbus = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot open the demo's Modbus port")?;
    let modbus_at = modbus.local_addr()?;
    let device = simulator::Device::default();
    let platform = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot open the demo's platform")?;
    let platform_at = platform.local_addr()?;
    let _platform = platform::Platform::start(platform);
    tokio::spawn(device.clone().serve(modbus));

    let text = SITE
        .replace("@DATA_DIR@", &scratch.path().display().to_string())
        .replace("@LISTEN@", &args.listen.to_string())
        .replace("@BROKER@", &broker.to_string())
        .replace("@MODBUS@", &modbus_at.to_string())
        .replace("@PLATFORM@", &platform_at.to_string());
    let mut settings = config::load_str(&text, scratch.path()).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    // Nobody signs in to a story: whoever looks at it is its officer.
    settings.access.anonymous = Anonymous::Officer;
    refuse_the_outside(&settings)?;
    if !settings.site().stations.iter().any(|station| station.id.as_str() == args.lose_sensor) {
        eprintln!("error: --lose-sensor {}: the demo's stations are {}", args.lose_sensor, station_names(&settings));
        return Ok(ExitCode::from(exit::USAGE));
    }

    let clock = Clock::virtual_at(Now { wall: story::beginning(), steady: Steady(0) });
    let for_daemon = clock.clone();
    // A data directory that has seen a part of the story goes on from there.
    let take_up = move |last: Option<Now>| {
        for_daemon.set(last.unwrap_or_else(|| for_daemon.now()));
        for_daemon
    };
    let running = topology::start(settings, take_up, &Entropy::system()).await?;
    let publisher =
        Publisher::connect(broker, "watchfire-demo-field").await.context("cannot reach the demo's broker")?;
    wait_for_source(&running).await?;
    play(&args, clock, publisher, device, running).await
}

async fn play(
    args: &DemoArgs,
    clock: Clock,
    publisher: Publisher,
    device: simulator::Device,
    running: Running,
) -> anyhow::Result<ExitCode> {
    println!("watchfire demo · 演示 — console: http://{}/", running.listen);
    println!(
        "recorded rain, rivers, air and pore pressure over MQTT and Modbus on loopback; nothing leaves this machine"
    );
    println!("whoever looks at the console is the demo's duty officer and may act; a real site signs in");
    let departures = Departures::default();
    let played = Arc::new(Played::default());
    let stop = CancellationToken::new();
    let source =
        running.views.sources.iter().find(|source| source.kind == "mqtt").context("the demo has no MQTT source")?;
    let feeder = Feeder {
        clock,
        publisher,
        device,
        heard: Arc::clone(source),
        // The flood's crest: red since noon of the 12th on the demo's clock.
        lost: (args.lose_sensor.clone(), story::at("2010-12-12T20:00")..story::at("2010-12-16T00:00")),
        speed: args.speed,
        departures: departures.clone(),
        played: Arc::clone(&played),
        stop: stop.clone(),
    };
    let feeding = tokio::spawn(feeder.run());
    let mut screen = Screen::new(departures, std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    let mut desk = running.views.desk.clone();
    if let Some(line) = screen.take_up(&desk.borrow()) {
        println!("{line}");
    }
    let end = async {
        match args.lasting {
            Some(span) => tokio::time::sleep(span.to_std()).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(end);
    let interrupted = crate::shutdown::signal();
    tokio::pin!(interrupted);
    let mut told_over = false;
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = &mut interrupted => break,
            changed = desk.changed() => if changed.is_err() { break },
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
        let view = Arc::clone(&desk.borrow_and_update());
        for line in screen.lines(&view) {
            println!("{line}");
        }
        if !told_over && played.over.load(Ordering::Acquire) {
            told_over = true;
            println!("the recordings are at their end; the console stays until Ctrl-C");
        }
    }
    stop.cancel();
    // The feeder ends between two steps, and each step waits until all it published has been heard.
    feeding.await.context("the demo's feeder has failed")??;
    let source = running.views.sources.iter().find(|source| source.kind == "mqtt").map(Arc::clone);
    let heard = source.map_or(0, |source| source.readings.load(Ordering::Acquire));
    let unheard = played.published.load(Ordering::Acquire).saturating_sub(heard);
    let counts = running.stop().await;
    for line in screen.lines(&desk.borrow()) {
        println!("{line}");
    }
    println!("{}", screen.summary(counts, unheard));
    let told = screen.has_shown_any();
    if !told {
        eprintln!("no bulletin was delivered and receipted in this time");
    }
    Ok(if told { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The demo speaks to this machine alone: any other channel is refused before anything opens.
fn refuse_the_outside(settings: &Settings) -> anyhow::Result<()> {
    match settings.channels.iter().find(|channel| !stays_on_this_machine(channel)) {
        Some(channel) => bail!("channel {}: the demo sends to loopback only", channel.name),
        None => Ok(()),
    }
}

fn station_names(settings: &Settings) -> String {
    settings.site().stations.iter().map(|station| station.id.as_str()).collect::<Vec<_>>().join(", ")
}

async fn wait_for_source(running: &Running) -> anyhow::Result<()> {
    let connected = async {
        while !running.views.sources.iter().all(|source| source.connected.load(Ordering::Acquire)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), connected).await.context("the daemon did not reach the demo's broker")
}

fn free_address() -> std::io::Result<SocketAddr> {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// The data directory: the one asked for, or a fresh one that goes when the demo ends.
enum Scratch {
    Asked(PathBuf),
    Fresh(PathBuf),
}

impl Scratch {
    fn new(asked: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(dir) = asked {
            return Ok(Self::Asked(dir.to_path_buf()));
        }
        let dir = std::env::temp_dir().join(format!("watchfire-demo-{}", std::process::id()));
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Self::Fresh(dir))
    }
    fn path(&self) -> &Path {
        match self {
            Self::Asked(dir) | Self::Fresh(dir) => dir,
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Self::Fresh(dir) = self {
            // Only ever a folder this process made; a failure leaves it for the system's own cleaning.
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}
