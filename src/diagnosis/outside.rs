//! Failures whose cause is no record, but the client or the server: many of them have one cause.

use serde::Serialize;

use super::catalogue::Nuance;
use super::codes::Code;
use super::response::{Facts, masked};
use super::verdict::Verdict;

/// With whom a cause lies that is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    /// Its credentials, claims and education organizations, or how much it sends.
    Client,
    /// The server, its configuration, or what stands before it.
    Server,
}

/// What is behind a failure whose cause is no record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Outside {
    pub(super) side: Side,
    code: Code,
    /// What the server says of it without values, or what it comes to.
    pub(super) why: Option<Box<str>>,
}

impl Outside {
    /// The cause of a failure, where it is no record. Names that the graph does not know may be values, and no
    /// value tells one cause from another.
    pub(super) fn of(facts: &Facts, verdict: Verdict, unknown: &[String]) -> Option<Self> {
        let code = facts.code();
        let why = match code {
            // The last sentence is the most exact. What is masked at its end tells nothing.
            Code::AuthorizationOther => facts.known.last().and_then(|last| {
                let said = masked(std::slice::from_ref(last), unknown)?;
                Some(said.trim_end_matches([' ', '…']).to_owned() + " …").filter(|said| said.len() > 4)
            }),
            // Where authorization finds no value, the record lacks it.
            Code::RelationshipMissing
                if verdict == Verdict::NotADependencyMatter && !facts.has(Nuance::ValueAbsent) =>
            {
                Some("an education organization that is not among the client's, or does not exist".to_owned())
            }
            code if code.spares_no_request() => None,
            _ => return None,
        };
        let side = match code {
            Code::ServerError | Code::SecurityConfiguration => Side::Server,
            _ => Side::Client,
        };
        Some(Self { side, code, why: why.map(Into::into) })
    }
}
