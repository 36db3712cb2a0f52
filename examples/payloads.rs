//! Folders of records for benchmarks, and the least that reading them costs.
//!
//! ```text
//! cargo run --release --example payloads -- generate DIR STUDENTS [SEED]   about 6.5 records a student
//! cargo run --release --example payloads -- bare DIR                       serde_json IgnoredAny, one thread
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_macros, dead_code)]

#[path = "../tests/suite/payloads.rs"]
mod payloads;

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::Instant;

use payloads::{Out, Recipe, generate};

struct Folder(PathBuf);

impl Out for Folder {
    fn file(&mut self, name: &str, bytes: &[u8]) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(bytes).unwrap();
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["generate", dir, students, rest @ ..] => {
            let seed = rest.first().map_or(1, |seed| seed.parse().unwrap());
            let recipe = Recipe { seed, students: students.parse().unwrap(), mistakes: 0, circles: 0, tricky: false };
            let truth = generate(recipe, &mut Folder(dir.into()));
            println!("{} records, {} references", truth.records, truth.references);
        }
        ["bare", dir] => bare(dir),
        _ => eprintln!("generate DIR STUDENTS [SEED], or bare DIR"),
    }
}

fn bare(dir: &str) {
    let start = Instant::now();
    let (mut bytes, mut records) = (0, 0);
    for entry in fs::read_dir(dir).unwrap() {
        let mut file = File::open(entry.unwrap().path()).unwrap();
        let mut buffer = vec![0; 256 * 1024];
        let mut kept = 0;
        loop {
            let read = file.read(&mut buffer[kept..]).unwrap();
            let filled = kept + read;
            let mut at = 0;
            while let Some(end) = memchr::memchr(b'\n', &buffer[at..filled]) {
                serde_json::from_slice::<serde::de::IgnoredAny>(&buffer[at..at + end]).unwrap();
                records += 1;
                at += end + 1;
            }
            bytes += at;
            buffer.copy_within(at..filled, 0);
            kept = filled - at;
            if read == 0 {
                break;
            }
        }
    }
    println!("{records} records, {bytes} bytes in {:.2} s", start.elapsed().as_secs_f64());
}
