//! Orders: in which waves to load and to delete, ours and the API's own.

pub mod arrange;
pub mod audit;
pub mod delete;
pub mod describe;
pub mod diff;
pub mod load;
pub mod published;
pub mod resend;
pub mod server;
mod starts;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::model::ResourceName;

/// What is done to a resource in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// POST.
    Create,
    /// PUT, or POST of an existing record.
    Update,
}

impl Operation {
    /// `create`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
        }
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// References that all must come first and of which none can be left out: the order is impossible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredCycle {
    /// Along the cycle, the first again at the end; each is a prerequisite of the next.
    pub resources: Vec<ResourceName>,
}

impl fmt::Display for RequiredCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.resources.iter().map(ResourceName::short).collect();
        write!(f, "no order exists: required references run in a circle, {}", names.join(" → "))
    }
}

impl std::error::Error for RequiredCycle {}
