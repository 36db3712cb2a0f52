//! Failures whose cause is the client and no record: many of them have one cause.

use super::catalogue::Nuance;
use super::codes::Code;
use super::response::{Facts, masked};
use super::verdict::Verdict;

/// What is behind a failure that lies with the client.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Client {
    code: Code,
    /// What the server says of it without values, or what it comes to.
    pub(super) why: Option<Box<str>>,
}

impl Client {
    /// The cause of a failure, where it lies with the client. Names that the graph does not know may be
    /// values, and no value tells one cause from another.
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
        Some(Self { code, why: why.map(Into::into) })
    }
}
