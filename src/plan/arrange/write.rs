//! Writes arranged files: records byte for byte, but for references that are deferred.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde_json::Value;

use super::{ArrangedFile, Arrangement, Content, Skip};
use crate::records::{Place, ReadOptions, Scan, Step};

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
                files.iter().try_for_each(|&file| scan.copy(file, read, |record| one_line(record, out)))
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
    skips: &BTreeMap<Place, BTreeSet<Skip>>,
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
            None => record.to_vec(),
        };
        held.insert(place, text);
    })?;
    for place in now {
        if let Some(record) = held.get(place) {
            one_line(record, out)?;
        }
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

/// A record without some references, and without whatever cannot be without them.
fn without(scan: &Scan<'_, '_>, place: Place, record: &[u8], skips: &BTreeSet<Skip>) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(record) else { return record.to_vec() };
    let required: BTreeSet<&str> = scan.required_fields(place).iter().map(|field| field.path.as_str()).collect();
    remove(&mut value, &scan.steps_to(place, record, skips), &required);
    serde_json::to_vec(&value).unwrap_or_else(|_| record.to_vec())
}

/// Removes what paths lead to, and whatever cannot stand without it: the holder of a required member, a
/// collection that is left empty. All at once, for a removal moves the items behind it, and may take out
/// what another path leads into.
pub(crate) fn remove(value: &mut Value, paths: &[Vec<Step>], required: &BTreeSet<&str>) -> bool {
    let paths: Vec<&[Step]> = paths.iter().map(Vec::as_slice).collect();
    removed(value, &paths, "$", required)
}

/// Removes below a value; true where it goes itself. The depth is that of a path of the model.
fn removed(value: &mut Value, paths: &[&[Step]], path: &str, required: &BTreeSet<&str>) -> bool {
    if paths.iter().any(|steps| steps.is_empty()) {
        return true;
    }
    let mut below: BTreeMap<&Step, Vec<&[Step]>> = BTreeMap::new();
    for (step, rest) in paths.iter().filter_map(|steps| steps.split_first()) {
        below.entry(step).or_default().push(rest);
    }
    let mut goes = false;
    // The last items of a collection first, so that the places of the others stay.
    for (step, rest) in below.into_iter().rev() {
        match (step, &mut *value) {
            (Step::Member(name), Value::Object(members)) => {
                let path = format!("{path}.{name}");
                let inner = members.get_mut(name.as_str());
                if inner.is_some_and(|inner| removed(inner, &rest, &path, required)) {
                    members.remove(name.as_str());
                    goes |= required.contains(path.as_str());
                }
            }
            (Step::Item(index), Value::Array(items)) => {
                let inner = items.get_mut(*index);
                if inner.is_some_and(|inner| removed(inner, &rest, &format!("{path}[*]"), required)) {
                    items.remove(*index);
                    goes |= items.is_empty();
                }
            }
            _ => {}
        }
    }
    goes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn without(mut value: Value, paths: &[Vec<Step>], required: &[&str]) -> Value {
        remove(&mut value, paths, &required.iter().copied().collect());
        value
    }

    #[test]
    fn what_cannot_be_without_goes_with_it() {
        let member = |name: &str| Step::Member(name.into());
        let value = json!({"a": [{"r": 1, "x": 1}, {"r": 2}], "b": 1});
        let path = [member("a"), Step::Item(1), member("r")];
        // The reference alone, the item that requires it, the collection that is left empty.
        assert_eq!(without(value.clone(), &[path.to_vec()], &[]), json!({"a": [{"r": 1, "x": 1}, {}], "b": 1}));
        assert_eq!(without(value, &[path.to_vec()], &["$.a[*].r"]), json!({"a": [{"r": 1, "x": 1}], "b": 1}));
        let path = [member("a"), Step::Item(0), member("r")];
        assert_eq!(without(json!({"a": [{"r": 1}], "b": 1}), &[path.to_vec()], &["$.a[*].r"]), json!({"b": 1}));
        // A collection that its holder requires takes the holder with it.
        let path = [member("o"), Step::Item(0), member("a"), Step::Item(0), member("r")];
        let value = json!({"o": [{"a": [{"r": 1}]}, {"a": []}]});
        assert_eq!(without(value, &[path.to_vec()], &["$.o[*].a", "$.o[*].a[*].r"]), json!({"o": [{"a": []}]}));
    }
    #[test]
    fn each_path_removes_what_it_was_made_for() {
        let member = |name: &str| Step::Member(name.into());
        let at = |item: usize, name: &str| vec![member("a"), Step::Item(item), member(name)];
        let value = json!({"a": [{"x": 0}, {"r": 1, "s": 1}, {"r": 2, "s": 2}, {"r": 3, "s": 3}]});
        // Either reference takes the item with it, and the item behind it stays.
        let both = [at(1, "r"), at(1, "s")];
        let left = json!({"a": [{"x": 0}, {"r": 2, "s": 2}, {"r": 3, "s": 3}]});
        assert_eq!(without(value.clone(), &both, &["$.a[*].r", "$.a[*].s"]), left);
        // One is required and the other not, in whatever order the paths are given.
        let both = [at(1, "s"), at(1, "r"), at(3, "s")];
        let left = json!({"a": [{"x": 0}, {"r": 2, "s": 2}, {"r": 3}]});
        assert_eq!(without(value, &both, &["$.a[*].r"]), left);
    }
}
