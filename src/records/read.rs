//! Reads files with several threads and hands every record to one of them.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::files::PayloadFile;
use super::json::Flaw;
use super::split::{Chunk, MAX_RECORD, Stream};
use super::store::Place;

/// How to read.
#[derive(Debug, Clone)]
pub struct ReadOptions<'p> {
    /// Threads that read at the same time; at least one.
    pub threads: usize,
    /// Longest record, in bytes; longer ones are passed over.
    pub max_record: usize,
    /// Counts uncompressed bytes while they are read.
    pub progress: Option<&'p AtomicU64>,
}

impl Default for ReadOptions<'_> {
    fn default() -> Self {
        Self { threads: 2, max_record: MAX_RECORD, progress: None }
    }
}

/// A file that could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unreadable {
    /// The file.
    pub file: String,
    /// What the system says.
    pub reason: String,
}

/// A file with its number among all.
pub(crate) type Numbered<'f> = (u32, &'f PayloadFile);

/// Hands every record of some files to `each`, with one worker a thread. Which worker gets a record
/// is left to chance; no result may depend on it.
pub(crate) fn read_all<W: Send>(
    files: &[Numbered<'_>],
    options: &ReadOptions<'_>,
    workers: Vec<W>,
    each: impl Fn(&mut W, Place, Result<&[u8], Flaw>) + Sync,
) -> (Vec<W>, Vec<Unreadable>) {
    let streams: Vec<Mutex<Reading>> = files.iter().map(|_| Mutex::new(Reading::Unopened)).collect();
    let unreadable = Mutex::new(Vec::new());
    let work = |index: usize, worker: &mut W| {
        let mut chunk = Chunk::default();
        // Threads start at different files and meet at the last ones.
        for turn in 0..files.len() {
            let position = (index + turn) % files.len();
            let (Some(&(number, file)), Some(stream)) = (files.get(position), streams.get(position)) else { continue };
            loop {
                match next(stream, file, options, &mut chunk) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        let failed = Unreadable { file: file.name.clone(), reason: error.to_string() };
                        unreadable.lock().unwrap_or_else(PoisonError::into_inner).push(failed);
                        break;
                    }
                }
                if let Some(progress) = options.progress {
                    progress.fetch_add(chunk.bytes.len() as u64, Ordering::Relaxed);
                }
                for &(offset, flaw) in &chunk.flaws {
                    each(worker, Place::new(number, offset), Err(flaw));
                }
                chunk.records(options.max_record, |offset, record| each(worker, Place::new(number, offset), record));
            }
        }
    };
    let mut workers = workers;
    std::thread::scope(|scope| {
        let work = &work;
        let mut rest = workers.iter_mut().enumerate();
        let own = rest.next();
        for (index, worker) in rest {
            scope.spawn(move || work(index, worker));
        }
        if let Some((index, worker)) = own {
            work(index, worker);
        }
    });
    let mut unreadable = unreadable.into_inner().unwrap_or_else(PoisonError::into_inner);
    unreadable.sort();
    (workers, unreadable)
}

enum Reading {
    Unopened,
    Open(Box<Stream>),
    Done,
}

/// The next chunk of a file, whichever thread asks.
fn next(stream: &Mutex<Reading>, file: &PayloadFile, options: &ReadOptions<'_>, chunk: &mut Chunk) -> io::Result<bool> {
    let mut reading = stream.lock().unwrap_or_else(PoisonError::into_inner);
    if matches!(*reading, Reading::Unopened) {
        *reading = Reading::Done;
        *reading = Reading::Open(Box::new(Stream::open(file, options.max_record)?));
    }
    let more = match &mut *reading {
        Reading::Open(stream) => stream.next(chunk),
        _ => Ok(false),
    };
    if !matches!(more, Ok(true)) {
        *reading = Reading::Done;
    }
    more
}

/// Reads files again, up to the last of the wanted places, and hands out each wanted record with its line.
///
/// `wanted` is sorted. A place where a flaw was found comes with whatever bytes stand there.
pub(crate) fn read_at(
    files: &[&PayloadFile],
    wanted: &[Place],
    options: &ReadOptions<'_>,
    mut each: impl FnMut(Place, u64, &[u8]),
) -> Vec<Unreadable> {
    let mut unreadable = Vec::new();
    for of_file in wanted.chunk_by(|a, b| a.file() == b.file()) {
        let Some(first) = of_file.first() else { continue };
        let Some(&file) = files.get(first.file()) else { continue };
        if let Err(error) = read_file_at(file, of_file, options, &mut each) {
            unreadable.push(Unreadable { file: file.name.clone(), reason: error.to_string() });
        }
    }
    unreadable
}

fn read_file_at(
    file: &PayloadFile,
    wanted: &[Place],
    options: &ReadOptions<'_>,
    each: &mut impl FnMut(Place, u64, &[u8]),
) -> io::Result<()> {
    let mut stream = Stream::open(file, options.max_record)?.counting_lines();
    let mut chunk = Chunk::default();
    let mut wanted = wanted.iter().copied().peekable();
    while wanted.peek().is_some() && stream.next(&mut chunk)? {
        let end = chunk.offset + chunk.bytes.len() as u64;
        // Lines between two wanted places are counted once.
        let (mut counted, mut line) = (chunk.offset, chunk.line);
        let mut line_at = |offset: u64| {
            line += chunk.newlines(counted, offset);
            counted = offset.max(counted);
            line
        };
        chunk.records(options.max_record, |offset, record| {
            while let Some(&place) = wanted.peek()
                && place.offset() <= offset
            {
                let line = line_at(place.offset());
                let record = if place.offset() == offset { record.unwrap_or_default() } else { &[] };
                each(place, line, record);
                wanted.next();
            }
        });
        while let Some(&place) = wanted.peek()
            && (place.offset() < end || chunk.flaws.iter().any(|(offset, _)| *offset == place.offset()))
        {
            each(place, line_at(place.offset()), &[]);
            wanted.next();
        }
    }
    Ok(())
}

/// Hands out every record of one file in order, with its line; what is no record is passed over.
pub(crate) fn each_record(
    file: &PayloadFile,
    options: &ReadOptions<'_>,
    mut each: impl FnMut(u64, &[u8]),
) -> io::Result<()> {
    each_line(file, options, |line, record| {
        if let Ok(record) = record {
            each(line, record);
        }
    })
}

/// Hands out everything that one file has, with its line: records, which are UTF-8, in order, and what is
/// none.
///
/// # Errors
///
/// A file that cannot be read to its end.
pub fn each_line(
    file: &PayloadFile,
    options: &ReadOptions<'_>,
    mut each: impl FnMut(u64, Result<&[u8], Flaw>),
) -> io::Result<()> {
    let mut stream = Stream::open(file, options.max_record)?.counting_lines();
    let mut chunk = Chunk::default();
    while stream.next(&mut chunk)? {
        if let Some(progress) = options.progress {
            progress.fetch_add(chunk.bytes.len() as u64, Ordering::Relaxed);
        }
        for &(offset, flaw) in &chunk.flaws {
            each(chunk.line + chunk.newlines(chunk.offset, offset), Err(flaw));
        }
        let (mut counted, mut line) = (chunk.offset, chunk.line);
        chunk.records(options.max_record, |offset, record| {
            line += chunk.newlines(counted, offset);
            counted = offset.max(counted);
            each(line, record);
        });
    }
    Ok(())
}
