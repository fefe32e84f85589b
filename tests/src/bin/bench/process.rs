//! The processes measured: a real mosquitto and the real daemon, ended when dropped.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::load::Load;
use crate::site::Site;

/// A mosquitto of its own, queues unlimited, so that a slow consumer shows as time and not as silent loss.
pub(crate) struct Broker {
    process: std::process::Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Broker {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let address = free_address()?;
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("mosquitto.conf");
        fs::write(
            &config,
            format!(
                "listener {} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\nmax_inflight_messages 0\nset_tcp_nodelay true\nlog_type error\n",
                address.port()
            ),
        )?;
        let program = ["/usr/sbin/mosquitto", "mosquitto"]
            .into_iter()
            .find(|path| Path::new(path).exists())
            .unwrap_or("mosquitto");
        let process = Command::new(program).arg("-c").arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = process.context("cannot start mosquitto: apt-get install mosquitto")?;
        wait_for(address)?;
        Ok(Self { process, address, _folder: folder })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The daemon.
pub(crate) struct Child {
    process: std::process::Child,
    listen: SocketAddr,
}

impl Child {
    /// Started, subscribed and ready.
    pub(crate) fn daemon(program: &Path, site: &Site) -> anyhow::Result<Self> {
        let child = Self::spawn(program, site)?;
        let patience = Instant::now() + Duration::from_secs(20);
        while child.metric("watchfire_source_connected").unwrap_or(0.0) < 1.0 {
            if Instant::now() > patience {
                bail!("the daemon did not connect to the broker; it says:\n{}", fs::read_to_string(site.log())?);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(child)
    }

    /// Started.
    pub(crate) fn spawn(program: &Path, site: &Site) -> anyhow::Result<Self> {
        let log = fs::File::create(site.log())?;
        let process = Command::new(program)
            .args(["run", "--config"])
            .arg(site.config())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { process, listen: site.listen() })
    }

    /// Waits until what is sent is heard: a connection that stands has not subscribed yet.
    pub(crate) fn hears(&self, broker: SocketAddr) -> anyhow::Result<()> {
        let mut load = Load::connect(broker, 0, 1, 1)?;
        let patience = Instant::now() + Duration::from_secs(20);
        while self.readings()? == 0 {
            if Instant::now() > patience {
                bail!("the daemon hears nothing");
            }
            load.one(0, 20.0)?;
            std::thread::sleep(Duration::from_millis(20));
        }
        // The last of those that were sent.
        std::thread::sleep(Duration::from_millis(200));
        Ok(())
    }

    /// Readings in the journal.
    pub(crate) fn readings(&self) -> anyhow::Result<u64> {
        self.count("watchfire_readings_journaled_total")
    }

    /// Readings of QoS 0 that there was no room for.
    pub(crate) fn shed(&self) -> anyhow::Result<u64> {
        self.count("watchfire_readings_shed_total")
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter")]
    fn count(&self, name: &str) -> anyhow::Result<u64> {
        Ok(self.metric(name)? as u64)
    }

    /// The sum of a metric's samples.
    fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let text = get(self.listen, "/metrics")?;
        let samples =
            text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])));
        Ok(samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    /// CPU and memory so far.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        let proc = PathBuf::from(format!("/proc/{}", self.process.id()));
        let status = fs::read_to_string(proc.join("status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        let kb: f64 = resident.split_whitespace().next().unwrap_or("0").parse()?;
        Ok(Usage { cpu: Cpu::read(&proc.join("stat"))?, resident_mb: kb / 1_024.0 })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a process has used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) cpu: Cpu,
    /// Resident memory.
    pub(crate) resident_mb: f64,
}

/// CPU seconds of a process or a thread.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpu {
    pub(crate) user: f64,
    pub(crate) system: f64,
}

impl Cpu {
    /// From a `stat` file of `/proc`, in ticks of which Linux has a hundred a second.
    pub(crate) fn read(stat: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(stat).with_context(|| format!("cannot read {}", stat.display()))?;
        let mut ticks = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
        let mut seconds = || Some(ticks.next()?.parse::<f64>().ok()? / 100.0);
        let (user, system) = seconds().zip(seconds()).context("a stat file has no CPU times")?;
        Ok(Self { user, system })
    }
}

impl std::ops::Sub for Cpu {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { user: self.user - before.user, system: self.system - before.system }
    }
}

/// A loopback address that nobody has.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn wait_for(address: SocketAddr) -> anyhow::Result<()> {
    let patience = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_err() {
        if Instant::now() > patience {
            bail!("nothing listens on {address}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn get(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}
