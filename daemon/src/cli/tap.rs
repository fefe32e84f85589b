//! `watchfire tap`: what the configured sources send, as it arrives: raw, decoded, judged, and why something is refused.
//! Looks on under a client id of its own and with a session that the broker throws away, so that a daemon that runs on
//! the same configuration loses nothing. Data goes to stdout, talk to stderr.

mod line;
mod wish;

use std::cell::RefCell;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::{LocalBoxFuture, join_all};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use watchfire_connectors::codec::Decoder;
use watchfire_connectors::config::{ModbusConfig, ModbusField, MqttConfig};
use watchfire_connectors::health::SourceHealth;
use watchfire_connectors::link::modbus::{self as bus, ReadError};
use watchfire_connectors::link::mqtt::{Heard, Link, Session};
use watchfire_connectors::payload::{Decoded, Message};
use watchfire_connectors::source::modbus::look;
use watchfire_model::quantity::Bad;
use watchfire_model::reading::{PointState, Reading};

use crate::cli::{ConfigPath, Style, exit};
use crate::clock::Clock;
use crate::config::settings::Settings;
use crate::entropy::Entropy;
use line::{Came, Printer};
use wish::Wish;

/// Messages that may wait to be printed; when they do, the broker waits.
const WAITING: usize = 256;

/// Options of `tap`.
#[derive(Clone, Debug, clap::Args)]
pub struct TapArgs {
    /// Only points (`station/point`), topics or sources that match; `*` and `?` are wildcards.
    #[arg(value_name = "GLOB")]
    pub glob: Option<String>,
    /// Ends once every matching source has been heard once.
    #[arg(long)]
    pub once: bool,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigPath,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// How listening to one source ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// It was heard, and once was enough.
    Heard,
    /// It could not be reached, and once was asked for.
    Unreachable,
    /// Nobody reads what is printed.
    Unread,
}

/// Opens the sources beside a running daemon, without taking anything from it, and prints what comes.
pub async fn run(settings: &Settings, args: TapArgs) -> anyhow::Result<ExitCode> {
    let clock = Clock::system(None);
    let printer = RefCell::new(Printer::new(settings, args.style.output, Box::new(std::io::stdout().lock())));
    let tap = Tap { settings, args: &args, clock, entropy: Entropy::system(), printer };
    tokio::select! {
        ended = tap.listen() => ended,
        pressed = tokio::signal::ctrl_c() => pressed.map(|()| ExitCode::SUCCESS).context("cannot wait for Ctrl-C"),
    }
}

struct Tap<'a> {
    settings: &'a Settings,
    args: &'a TapArgs,
    clock: Clock,
    entropy: Entropy,
    printer: RefCell<Printer<'a>>,
}

impl Tap<'_> {
    async fn listen(&self) -> anyhow::Result<ExitCode> {
        let wish = Wish::new(self.args.glob.as_deref(), self.settings);
        let mut listening: Vec<LocalBoxFuture<'_, anyhow::Result<Ended>>> = Vec::new();
        for config in self.settings.mqtt.iter().filter(|config| wish.opens_broker(config)) {
            listening.push(Box::pin(self.broker(config, &wish)));
        }
        for config in &self.settings.modbus {
            let fields: Vec<&ModbusField> = wish.fields(config).collect();
            if !fields.is_empty() {
                listening.push(Box::pin(self.devices(config, fields)));
            }
        }
        if listening.is_empty() {
            let glob = self.args.glob.as_deref().unwrap_or("*");
            anyhow::bail!("no source, topic or point matches \"{glob}\"");
        }
        self.printer.borrow_mut().head().ok();
        let ended: Vec<Ended> = join_all(listening).await.into_iter().collect::<Result<_, _>>()?;
        let code = if ended.contains(&Ended::Unreachable) { exit::UNREACHABLE } else { 0 };
        Ok(ExitCode::from(code))
    }

    async fn broker(&self, config: &MqttConfig, wish: &Wish) -> anyhow::Result<Ended> {
        let decoder = Decoder::new(config, self.settings.site().zone.clone());
        let health = Arc::new(SourceHealth::new(config.name.clone(), "mqtt"));
        let aside = MqttConfig { client_id: format!("watchfire-tap-{:016x}", self.entropy.bits()), ..config.clone() };
        let link = Link::new(aside, Session::ThrowAway, self.clock.wall(), self.entropy.jitter(), Arc::clone(&health))?;
        let (tx, mut rx) = mpsc::channel(WAITING);
        let reading = async {
            let mut decoded = Decoded::default();
            while let Some(heard) = rx.recv().await {
                match heard {
                    Heard::Up { .. } => eprintln!("{}: connected", config.name),
                    Heard::Down { reason, .. } => {
                        eprintln!("{}: {reason}", config.name);
                        if self.args.once {
                            return Ended::Unreachable;
                        }
                    }
                    Heard::Message(message) => {
                        decoded.clear();
                        let came = Message {
                            topic: &message.topic,
                            payload: &message.payload,
                            received_at: message.received_at,
                            retained: message.retained,
                        };
                        decoder.decode(&came, &mut decoded);
                        let shows = |reading: &Reading| wish.shows_message(config, &message.topic, reading.point);
                        decoded.readings.retain(shows);
                        if decoded.readings.is_empty() && !wish.shows_topic(config, &message.topic) {
                            continue;
                        }
                        let refused = decoded.complaints.iter().map(|doubt| doubt.why.to_string()).collect();
                        let came = Came {
                            at: message.received_at,
                            source: &config.name,
                            whence: &message.topic,
                            raw: watchfire_connectors::source::printable(&message.payload),
                            readings: &decoded.readings,
                            refused,
                        };
                        if self.printer.borrow_mut().print(self.clock.now(), &came).is_err() {
                            return Ended::Unread;
                        }
                        if self.args.once {
                            return Ended::Heard;
                        }
                    }
                }
            }
            Ended::Unread
        };
        let cancel = CancellationToken::new();
        let ended = tokio::select! {
            ended = reading => ended,
            () = link.run(cancel, tx) => Ended::Unread,
        };
        Ok(ended)
    }

    async fn devices(&self, config: &ModbusConfig, fields: Vec<&ModbusField>) -> anyhow::Result<Ended> {
        let mut link = bus::Link::new(config.host.clone(), config.port, config.pause_after_connect);
        loop {
            let mut answered = false;
            for field in &fields {
                tokio::time::sleep(config.pause_between_requests).await;
                let looked = look(&mut link, field, config.timeout).await;
                answered |= matches!(looked, Ok(_) | Err(ReadError::Refused { .. }));
                if let Err(ReadError::NoConnection(reason)) = &looked {
                    eprintln!("{}: cannot connect: {reason}", config.name);
                    break;
                }
                let at = self.clock.now().wall;
                let reading = |value, state| Reading {
                    point: field.point,
                    observed_at: at,
                    received_at: at,
                    value,
                    state,
                    retained: false,
                };
                let (raw, readings, refused) = match looked {
                    Ok(look) => {
                        let words: Vec<String> = look.words.iter().map(|word| format!("{word:04X}")).collect();
                        (words.join(" "), vec![reading(look.value, look.state)], Vec::new())
                    }
                    Err(error @ ReadError::Refused { .. }) => {
                        (String::new(), vec![reading(Err(Bad::Refused), PointState::Normal)], vec![error.to_string()])
                    }
                    Err(error) => (String::new(), Vec::new(), vec![error.to_string()]),
                };
                let whence = format!("unit {} {:?} {}", field.slave_id, field.register, field.address).to_lowercase();
                let came = Came { at, source: &config.name, whence: &whence, raw, readings: &readings, refused };
                if self.printer.borrow_mut().print(self.clock.now(), &came).is_err() {
                    return Ok(Ended::Unread);
                }
            }
            if self.args.once {
                return Ok(if answered { Ended::Heard } else { Ended::Unreachable });
            }
            tokio::time::sleep(config.interval.max(Duration::from_millis(50))).await;
        }
    }
}

#[cfg(test)]
mod tests;
