//! A program that a test started: its words go to a file, it dies with its owner, and it can be killed in any way.

use std::ffi::OsStr;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::wait;

/// Lines of a program's words that a failing test shows.
const TAIL: usize = 60;

/// A command whose program is looked for where Debian puts servers too.
///
/// # Panics
/// If there is no such program: `tests/run` installs what is needed.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let program = Path::new(program.as_ref());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    // Joining an absolute path gives that path.
    let found = folders.find_map(|folder| Some(folder.join(program)).filter(|path| path.is_file()));
    Command::new(found.unwrap_or_else(|| panic!("there is no {}: tests/run installs it", program.display())))
}

/// A port of loopback that nothing listens on now.
///
/// # Panics
/// If loopback gives none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    listener.local_addr().expect("a listener has an address").port()
}

/// Whether something listens on a port of loopback.
pub fn listens(port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), Duration::from_secs(1)).is_ok()
}

/// A running program.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; what it says is added to `log`.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).expect("a log can be opened");
        let other = file.try_clone().expect("a log can be opened twice");
        command.stdin(Stdio::null()).stdout(file).stderr(other);
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self { name: name.to_owned(), child, log: log.to_owned() }
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said.
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    /// If the system cannot say.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the system knows its children")
    }

    /// Waits until a port of it listens.
    ///
    /// # Panics
    /// If it ends first, or never does.
    pub fn listening(&mut self, port: u16) {
        let what = format!("{} to listen on port {port}", self.name);
        wait::until(&what, || {
            if let Some(status) = self.ended() {
                panic!("{} ended with {status} before it listened:\n{}", self.name, self.tail());
            }
            listens(port).then_some(())
        });
    }

    /// SIGKILL, and gone when this returns.
    pub fn kill(&mut self) {
        // It may be gone already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal by its name, such as `TERM`, `STOP`, `CONT`, `HUP`.
    ///
    /// # Panics
    /// If the signal cannot be sent.
    pub fn signal(&self, name: &str) {
        // The shell's own kill: no further program, and no unsafe code.
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.id())]).status();
        assert!(sent.is_ok_and(|status| status.success()), "cannot send SIG{name} to {}", self.name);
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Panics
    /// If it does not end within `patience`.
    pub fn terminate(&mut self, patience: Duration) -> ExitStatus {
        self.signal("TERM");
        let what = format!("{} to end after SIGTERM", self.name);
        wait::within(patience, &what, || self.ended())
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("---- {} said:\n{}\n----", self.name, self.tail());
        }
    }
}
