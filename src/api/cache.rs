//! Documents kept on disk: one file each, complete or absent.
//!
//! A file is a line of JSON about the document and then its bytes. It is written beside its place and
//! renamed, and what is read back must have the length and the SHA-256 of that line: an interrupted
//! write, a full disk or an edit leaves no document rather than a wrong one.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::address::Address;

/// A folder of fetched documents.
///
/// It holds no credentials and no tokens, and no values of URL queries.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

/// The layout of the files; another number is not read.
const LAYOUT: u32 = 1;

/// The line above the bytes.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    #[serde(rename = "edfi-plan cache")]
    layout: u32,
    /// The URL as messages show it.
    url: String,
    /// Where the redirects led, without its query.
    reached: String,
    etag: Option<String>,
    /// Seconds since 1970.
    fetched: u64,
    length: usize,
    sha256: String,
}

/// A document out of the cache.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) bytes: Vec<u8>,
    pub(super) etag: Option<String>,
    pub(super) reached: String,
    pub(super) fetched: SystemTime,
}

impl Cache {
    /// A cache in a folder, which is made when the first document is kept.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn file(&self, address: &Address, accept: &str) -> PathBuf {
        self.folder.join(format!("{}.document", address.fingerprint(accept)))
    }

    /// The document of an address; anything that is not whole counts as absent.
    pub(super) fn find(&self, address: &Address, accept: &str) -> Option<Kept> {
        let mut bytes = fs::read(self.file(address, accept)).ok()?;
        let line = bytes.iter().position(|&byte| byte == b'\n')?;
        let about: About = serde_json::from_slice(bytes.get(..line)?).ok()?;
        bytes.drain(..=line);
        let whole = about.layout == LAYOUT && about.length == bytes.len() && about.sha256 == digest(&bytes);
        whole.then(|| Kept {
            bytes,
            etag: about.etag,
            reached: about.reached,
            fetched: UNIX_EPOCH.checked_add(Duration::from_secs(about.fetched)).unwrap_or(UNIX_EPOCH),
        })
    }

    /// Keeps a document in place of an older one.
    pub(super) fn keep(
        &self,
        address: &Address,
        accept: &str,
        reached: &Address,
        etag: Option<&str>,
        now: SystemTime,
        bytes: &[u8],
    ) -> io::Result<()> {
        let about = About {
            layout: LAYOUT,
            url: address.to_string(),
            reached: reached.without_query(),
            etag: etag.map(str::to_owned),
            fetched: now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            length: bytes.len(),
            sha256: digest(bytes),
        };
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.folder)?;
        remove_abandoned(&self.folder, file.as_file().metadata()?.modified()?);
        serde_json::to_writer(&mut file, &about)?;
        file.write_all(b"\n")?;
        file.write_all(bytes)?;
        file.persist(self.file(address, accept)).map_err(|error| error.error)?;
        Ok(())
    }
}

const UNFINISHED: &str = "unfinished-";

/// Deletes what writers left behind that were stopped more than an hour ago. `now` is the time by the
/// clock of that file system, which need not be ours.
fn remove_abandoned(folder: &Path, now: SystemTime) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        let written = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        let age = written.and_then(|written| now.duration_since(written).ok());
        if age.is_some_and(|age| age > Duration::from_secs(3600)) {
            // Another process may have been quicker; either way it is gone.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address::parse("https://h/a?key=s3cret").unwrap()
    }

    fn kept(folder: &Path) -> Cache {
        let cache = Cache::new(folder.join("deep/er"));
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        cache.keep(&address(), "*/*", &address(), Some("\"1\""), now, b"{}\nmore").unwrap();
        cache
    }

    #[test]
    fn gives_back_what_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = kept(folder.path());
        let found = cache.find(&address(), "*/*").unwrap();
        assert_eq!((found.bytes.as_slice(), found.etag.as_deref()), (b"{}\nmore".as_slice(), Some("\"1\"")));
        assert_eq!(found.fetched, UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        assert!(cache.find(&address(), "application/graphml").is_none());
        assert!(cache.find(&Address::parse("https://h/a?key=other").unwrap(), "*/*").is_none());
    }

    #[test]
    fn damage_is_absence() {
        let folder = tempfile::tempdir().unwrap();
        let cache = kept(folder.path());
        let file = cache.file(&address(), "*/*");
        let whole = fs::read(&file).unwrap();
        for end in 0..whole.len() {
            fs::write(&file, &whole[..end]).unwrap();
            assert!(cache.find(&address(), "*/*").is_none(), "cut at {end}");
        }
        let mut changed = whole.clone();
        *changed.last_mut().unwrap() ^= 1;
        fs::write(&file, &changed).unwrap();
        assert!(cache.find(&address(), "*/*").is_none());
        fs::write(&file, &whole).unwrap();
        assert!(cache.find(&address(), "*/*").is_some());
    }

    #[test]
    fn an_interrupted_write_leaves_the_older_document_and_is_cleared_away_later() {
        let folder = tempfile::tempdir().unwrap();
        let cache = kept(folder.path());
        let left = cache.folder.join(format!("{UNFINISHED}abc"));
        let long_ago = SystemTime::now() - Duration::from_secs(7200);
        fs::write(&left, b"{\"edfi-plan cache\":1").unwrap();
        fs::File::options().write(true).open(&left).unwrap().set_modified(long_ago).unwrap();
        let recent = cache.folder.join(format!("{UNFINISHED}def"));
        fs::write(&recent, b"").unwrap();
        assert_eq!(cache.find(&address(), "*/*").unwrap().bytes, b"{}\nmore");
        cache.keep(&address(), "*/*", &address(), None, SystemTime::now(), b"[]").unwrap();
        assert_eq!((left.exists(), recent.exists()), (false, true));
        assert_eq!(cache.find(&address(), "*/*").unwrap().bytes, b"[]");
    }
}
