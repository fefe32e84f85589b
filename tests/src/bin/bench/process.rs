//! The processes measured: a real mosquitto and the real daemon, ended when dropped.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

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
                bail!("the daemon did not connect to the broker; its log is {}", site.log().display());
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

    /// Readings in the journal.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter")]
    pub(crate) fn readings(&self) -> anyhow::Result<u64> {
        Ok(self.metric("watchfire_journal_rows_total")? as u64)
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
        let stat = fs::read_to_string(proc.join("stat"))?;
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks: u64 =
            after_name.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
        let status = fs::read_to_string(proc.join("status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        let kb: u32 = resident.split_whitespace().next().unwrap_or("0").parse()?;
        Ok(Usage { ticks, resident_mb: kb / 1_024 })
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
    /// Clock ticks of CPU, user and system; 100 a second on Linux.
    ticks: u64,
    /// Resident memory.
    pub(crate) resident_mb: u32,
}

impl Usage {
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    pub(crate) fn cpu_seconds_per_million(before: Self, after: Self, readings: usize) -> f64 {
        (after.ticks - before.ticks) as f64 / 100.0 / (readings as f64 / 1e6)
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
