//! What a person should know about how an answer was come by.

use std::fmt;
use std::time::Duration;

/// One remark; shown, a sentence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Note {
    /// The given address was not the API's base; one above it was.
    BaseFound {
        /// The address that was given.
        given: String,
        /// The base URL.
        base: String,
    },
    /// There is no root document; the URLs that were given had to do.
    NoRoot {
        /// What was said about it.
        why: String,
    },
    /// Documents that hold no metadata of resources.
    Skipped {
        /// What they are: `profiles`.
        kind: &'static str,
        /// Their names, sorted.
        names: Vec<String>,
    },
    /// The API's documents name its host with another scheme than the one it was reached with.
    SchemeCorrected {
        /// The URL as the document has it.
        named: String,
        /// The URL that was used.
        used: String,
    },
    /// A URL of the API leads to another host.
    OtherHost {
        /// Which URL.
        name: String,
        /// Its host.
        host: String,
    },
    /// The year in a URL was replaced by the one that was asked for.
    YearReplaced {
        /// The URL that was used.
        used: String,
    },
    /// A value was given that no URL asks for.
    Unused {
        /// The option.
        option: String,
    },
    /// Credentials went over the network in clear.
    InClear {
        /// The host.
        host: String,
    },
    /// Documents out of the cache, without asking the API.
    FromCache {
        /// How many.
        documents: usize,
        /// How old the oldest is.
        oldest: Duration,
    },
    /// The cache could not be written.
    CacheUnwritable {
        /// What failed.
        cause: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BaseFound { given, base } => write!(f, "{given} is not the API's base URL; {base} is"),
            Self::NoRoot { why } => write!(f, "no root document, only the given URLs are used ({why})"),
            Self::Skipped { kind, names } => write!(f, "left out, {kind}: {}", names.join(", ")),
            Self::SchemeCorrected { named, used } => write!(f, "the API names {named}; asked {used}"),
            Self::OtherHost { name, host } => write!(f, "the API's {name} URL leads to another host, {host}"),
            Self::YearReplaced { used } => write!(f, "the year was put into {used}"),
            Self::Unused { option } => write!(f, "{option}: no URL of this API asks for it"),
            Self::InClear { host } => write!(f, "the credentials went to {host} unencrypted; use https if it can"),
            Self::FromCache { documents: 1, oldest } => write!(f, "from the cache, {} old", span(*oldest)),
            Self::FromCache { documents, oldest } => {
                write!(f, "{documents} documents from the cache, the oldest {} old", span(*oldest))
            }
            Self::CacheUnwritable { cause } => write!(f, "the cache cannot be written: {cause}"),
        }
    }
}

/// A length of time in its largest whole unit: `3 days`.
fn span(age: Duration) -> String {
    let seconds = age.as_secs();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (size, unit) = units.into_iter().find(|(size, _)| seconds >= *size).unwrap_or((1, "second"));
    let count = seconds / size;
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
