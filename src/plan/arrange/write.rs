//! Writes arranged files: records byte for byte, but for references that are deferred.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::{ArrangedFile, Arrangement};
use crate::plan::sequence::{Content, Skip, Skips};
use crate::records::{Place, ReadOptions, Scan, cut};

/// Bytes of records that are held to bring them into order; more are read in several turns.
const HELD: u64 = 256 << 20;

impl Arrangement {
    /// Writes all files, each to what `create` opens for its name.
    ///
    /// # Errors
    ///
    /// What reading or writing says.
    pub fn write<W: Write>(
        &self,
        scan: &Scan<'_, '_>,
        read: &ReadOptions<'_>,
        mut create: impl FnMut(&str) -> io::Result<W>,
    ) -> io::Result<()> {
        for file in &self.files {
            let mut out = create(&file.file)?;
            file.write(scan, read, &mut out)?;
            out.flush()?;
        }
        Ok(())
    }
}

impl ArrangedFile {
    fn write(&self, scan: &Scan<'_, '_>, read: &ReadOptions<'_>, out: &mut impl Write) -> io::Result<()> {
        match &self.content {
            Content::Whole(files) => {
                let mut written = 0;
                for &file in files {
                    scan.copy(file, read, |record| {
                        written += 1;
                        one_line(record, out)
                    })?;
                }
                if written == self.records { Ok(()) } else { Err(changed(self.resource.short())) }
            }
            Content::Records(places, skips) => {
                let mut rest = places.as_slice();
                while !rest.is_empty() {
                    rest = some_records(scan, read, rest, skips, out)?;
                }
                Ok(())
            }
        }
    }
}

/// Writes as many records as can be held at once; those that are left.
fn some_records<'p>(
    scan: &Scan<'_, '_>,
    read: &ReadOptions<'_>,
    places: &'p [Place],
    skips: &Skips,
    out: &mut impl Write,
) -> io::Result<&'p [Place]> {
    // The lengths are not known before, so a fixed number of the longest usual ones is taken.
    let turn = usize::try_from(HELD / 4096).unwrap_or(1).min(places.len());
    let (now, rest) = places.split_at(turn);
    let mut wanted = now.to_vec();
    wanted.sort_unstable();
    let mut held: BTreeMap<Place, Vec<u8>> = BTreeMap::new();
    scan.fetch(&wanted, read, |place, record| {
        let text = match skips.get(&place) {
            Some(skips) => without(scan, place, record, skips),
            None => Some(record.to_vec()),
        };
        held.extend(text.map(|text| (place, text)));
    })?;
    for place in now {
        let record = held.get(place).ok_or_else(|| changed(scan.file_name(*place)))?;
        one_line(record, out)?;
    }
    Ok(rest)
}

/// Writes a record on a line of its own; where it had several, its line ends become blanks, for between
/// its members they mean the same.
fn one_line(record: &[u8], out: &mut impl Write) -> io::Result<()> {
    let record = record.trim_ascii();
    if record.contains(&b'\n') || record.contains(&b'\r') {
        let line: Vec<u8> = record.iter().map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { *b }).collect();
        out.write_all(&line)?;
    } else {
        out.write_all(record)?;
    }
    out.write_all(b"\n")
}

/// A record without some references, and without whatever cannot be without them; `None` where it is
/// no longer one that has them.
fn without(scan: &Scan<'_, '_>, place: Place, record: &[u8], skips: &BTreeSet<Skip>) -> Option<Vec<u8>> {
    let required: BTreeSet<&str> = scan.required_fields(place).iter().map(|field| field.path.as_str()).collect();
    let paths = scan.steps_to(place, record, skips);
    cut(record, &paths, &required).ok().flatten().filter(|_| !paths.is_empty())
}

/// A file or resource whose records are not those that were ordered.
fn changed(what: &str) -> io::Error {
    io::Error::other(format!("{what}: the records changed while they were read. Arrange the folder again"))
}
