//! One CAP file per notice in a folder: written beside, synced, renamed, the folder synced. Whoever collects files sees
//! whole ones only, and a repeated attempt writes the same file again.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use watchfire_model::id::{ChannelName, NoticeId};

use super::{BoxError, Channel, Delivery, Kind, OpenError, Parcel, SendError, Taken};
use crate::config::settings::ChannelKind;
use crate::dissemination::format::cap;

pub(super) const KIND: Kind = Kind {
    word: "spool",
    example: r#"
[[channel]]
name = "relay-folder"
kind = "spool"
dir = "/var/spool/watchfire/cap"
audience = "public"
from_grade = "blue"
"#,
    open: |config, _clock| match &config.kind {
        ChannelKind::Spool { dir } => Some(open(&config.name, dir, config.timeout)),
        ChannelKind::CapHttp { .. } | ChannelKind::Webhook { .. } => None,
    },
};

/// Writes that may be stuck in a dead network folder at once; further attempts fail without another thread.
const WRITES: usize = 2;

/// Longest name of a notice in a file's name, in bytes; file systems end at 255.
const NAME_MAX: usize = 200;

/// Ends the name of a file still being written.
const PART: &str = ".xml-part";

#[derive(Debug)]
struct Spool {
    name: ChannelName,
    dir: PathBuf,
    timeout: Duration,
    writers: Arc<Semaphore>,
    /// Counts attempts: a write that outlived its attempt must not share a file with the next one.
    attempts: AtomicU64,
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("cannot write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
    #[error("the folder did not answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    #[error("earlier writes to the folder hang")]
    Stuck,
}

fn open(name: &ChannelName, dir: &Path, timeout: Duration) -> Result<Arc<dyn Channel>, OpenError> {
    fs::create_dir_all(dir).and_then(|()| sweep(dir)).map_err(|error| OpenError::Open {
        channel: name.clone(),
        source: Trouble::Write(dir.to_owned(), error).into(),
    })?;
    Ok(Arc::new(Spool {
        name: name.clone(),
        dir: dir.to_owned(),
        timeout,
        writers: Arc::new(Semaphore::new(WRITES)),
        attempts: AtomicU64::new(0),
    }))
}

impl Channel for Spool {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn deliver<'a>(&'a self, parcel: Parcel<'a>) -> Delivery<'a> {
        Box::pin(async move {
            let retry = |source: BoxError| SendError::Retry {
                channel: self.name.clone(),
                notice: parcel.key().clone(),
                after: None,
                source,
            };
            let permit = Arc::clone(&self.writers).try_acquire_owned().map_err(|_| retry(Trouble::Stuck.into()))?;
            let (dir, file) = (self.dir.clone(), file_name(parcel.order(), parcel.key()));
            let text = cap::cap(parcel.bulletin());
            let reference = file.clone();
            let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
            // Off the async threads: a sync takes as long as the disk wants.
            let written = tokio::task::spawn_blocking(move || {
                let outcome = write(&dir, &file, attempt, &text);
                drop(permit);
                outcome.map_err(|error| Trouble::Write(dir.join(&file), error))
            });
            match tokio::time::timeout(self.timeout, written).await {
                Ok(Ok(Ok(()))) => Ok(Taken { reference: Some(reference), coverage: None }),
                Ok(Ok(Err(trouble))) => Err(retry(trouble.into())),
                Ok(Err(join)) => Err(retry(join.into())),
                Err(_elapsed) => Err(retry(Trouble::TimedOut(self.timeout).into())),
            }
        })
    }
}

/// Leaves the folder with the whole file under its name, or as it was.
fn write(dir: &Path, file: &str, attempt: u64, text: &str) -> io::Result<()> {
    let (beside, whole) = (dir.join(format!(".{file}.{attempt}{PART}")), dir.join(file));
    let renamed = File::create(&beside).and_then(|mut part| {
        part.write_all(text.as_bytes())?;
        part.sync_all()?;
        fs::rename(&beside, &whole)
    });
    if renamed.is_err() {
        // On a full disk the half of it must not stay; that it can't be removed either is no news.
        let _ = fs::remove_file(&beside);
    }
    renamed?;
    File::open(dir)?.sync_all()
}

/// Removes what attempts cut short by a crash have left.
fn sweep(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(PART)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// `000003-B-1@relay.xml`; in a notice's name whatever a path could stumble over is percent-encoded, and a name too long
/// keeps its beginning and a checksum.
fn file_name(order: u64, notice: &NoticeId) -> String {
    let mut name = String::new();
    for c in notice.as_str().chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@') {
            name.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                name.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    if name.len() > NAME_MAX {
        name.truncate(NAME_MAX);
        name.push_str(&format!("~{:08x}", crc32fast::hash(notice.as_str().as_bytes())));
    }
    format!("{order:06}-{name}.xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_cannot_leave_its_folder() {
        for (notice, expected) in [
            ("B-1@relay", "000003-B-1@relay.xml"),
            ("../../etc/passwd", "000003-..%2F..%2Fetc%2Fpasswd.xml"),
            ("预警\0", "000003-%E9%A2%84%E8%AD%A6%00.xml"),
        ] {
            assert_eq!(file_name(3, &notice.into()), expected);
        }
        let long = file_name(1, &"x".repeat(4_000).as_str().into());
        assert!(long.len() < 255, "{long}");
        assert_ne!(long, file_name(1, &"x".repeat(4_001).as_str().into()));
    }

    #[test]
    fn a_second_write_of_the_same_notice_leaves_one_whole_file() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(".000001-a.xml.0.xml-part"), "<al").expect("written");
        sweep(folder.path()).expect("swept");
        for attempt in 0..2 {
            write(folder.path(), "000001-a.xml", attempt, "<alert/>").expect("written");
        }
        let files: Vec<_> = fs::read_dir(folder.path()).expect("read").map(|f| f.expect("an entry").path()).collect();
        assert_eq!(files, [folder.path().join("000001-a.xml")]);
        assert_eq!(fs::read_to_string(&files[0]).expect("read"), "<alert/>");
    }
}
