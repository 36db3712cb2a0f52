//! The stable codes of a diagnosis and what each of them means.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// What went wrong, as far as the response alone tells.
///
/// Ordered by what decides first: a response that states several failures takes the smallest, so
/// dependency matters lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Something the record refers to does not exist.
    UnresolvedReference,
    /// Others still refer to the item.
    DependentExists,
    /// No association relates the item to the client's education organizations.
    RelationshipMissing,
    /// A coded value is not among the descriptors.
    DescriptorValueMissing,
    /// An update would change the natural key of a resource that does not allow it.
    KeyChangeNotSupported,
    /// Another item has the same identifying values.
    IdentityConflict,
    /// A reference is present, but not all of its key.
    IncompleteReference,
    /// References that share a key field give it different values.
    KeyUnificationConflict,
    /// A required field is absent.
    RequiredFieldMissing,
    /// A collection holds the same item twice.
    DuplicateItem,
    /// The body is no JSON.
    MalformedBody,
    /// A profile restricts what may be sent or read.
    DataPolicy,
    /// A query parameter is not accepted.
    QueryParameter,
    /// A value has the wrong type, length or range.
    DataValidation,
    /// Namespace, ownership, claim set or a custom view denies the request.
    AuthorizationOther,
    /// The server's own security metadata is wrong.
    SecurityConfiguration,
    /// The client is not known, or its token has expired.
    Authentication,
    /// No such endpoint or item.
    NotFound,
    /// The endpoint does not take that method.
    MethodNotAllowed,
    /// The content type is not supported.
    MediaType,
    /// The item changed in the meantime.
    PreconditionFailed,
    /// Too many requests.
    Throttled,
    /// The server or something in front of it failed.
    ServerError,
    /// Nothing that is recognised.
    Unknown,
}

/// What `explain` says of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// The code.
    pub code: Code,
    /// What it means.
    pub meaning: &'static str,
    /// What the graph can and cannot say of it.
    pub graph: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

impl Code {
    /// All codes, in the order in which they decide.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(_, explanation)| explanation.code)
    }

    /// Its stable name: `unresolved-reference`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// What it means, what the graph can say of it and what to do.
    #[must_use]
    pub fn explanation(self) -> &'static Explanation {
        &self.row().1
    }

    /// Whether loading or deleting in another order can mend it.
    #[must_use]
    pub fn is_dependency_matter(self) -> bool {
        matches!(
            self,
            Self::UnresolvedReference
                | Self::DependentExists
                | Self::RelationshipMissing
                | Self::DescriptorValueMissing
        )
    }

    /// Whether it befalls whatever a client sends, so that many such failures have one cause.
    #[must_use]
    pub(super) fn spares_no_request(self) -> bool {
        matches!(self, Self::Authentication | Self::SecurityConfiguration | Self::Throttled | Self::ServerError)
    }

    fn row(self) -> &'static (&'static str, Explanation) {
        // The table has a row for every code; a test holds it to that.
        TABLE.iter().find(|(_, explanation)| explanation.code == self).unwrap_or(&UNKNOWN)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The text is the name of no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown code '{name}'. Codes: {}", Code::all().map(Code::name).collect::<Vec<_>>().join(", "))]
pub struct NoSuchCode {
    /// What was asked for.
    pub name: String,
}

impl FromStr for Code {
    type Err = NoSuchCode;

    fn from_str(name: &str) -> Result<Self, NoSuchCode> {
        Self::all().find(|code| code.name() == name).ok_or_else(|| NoSuchCode { name: name.to_owned() })
    }
}

const fn row(
    name: &'static str,
    code: Code,
    meaning: &'static str,
    graph: &'static str,
    remedy: &'static str,
) -> (&'static str, Explanation) {
    (name, Explanation { code, meaning, graph, remedy })
}

const UNKNOWN: (&str, Explanation) = row(
    "unknown",
    Code::Unknown,
    "The body is none that an Ed-Fi API is known to send: another program's answer, a truncated file, or a wording \
     that is not catalogued. The text is kept as it came.",
    "Nothing: a guess would be worse than silence.",
    "Give the whole response (`curl -i`), with its status. If a server of yours words it like this, report it.",
);

static TABLE: [(&str, Explanation); 24] = [
    row(
        "unresolved-reference",
        Code::UnresolvedReference,
        "The record refers to something that the server does not find: it was never loaded, failed to load, or the \
         reference gives another key than the record has. A reference resolves only if every part of its key agrees.",
        "Whether the resource that the message names can be referred to from the one that was sent, and at which path. \
         Where the message names the resource being written, one of its own child tables, or nothing at all (ODS/API \
         5.0 to 7.1 on PostgreSQL), it lists the references that can be meant. It cannot know why the target is absent.",
        "Load the target before this record; its own prerequisites first. Compare every part of the key, the school \
         year included: school years are the host's to enable.",
    ),
    row(
        "dependent-exists",
        Code::DependentExists,
        "The item cannot be deleted, or given another key, while others refer to it. The server names at most one of \
         them (DMS before 8 names all), often by a child collection, a table or an abstract resource.",
        "Whether the named item can refer to this one, through collections and abstract resources, and everything else \
         that can block after it. It cannot know which records exist.",
        "Delete the dependents first, the most distant before the nearer ones.",
    ),
    row(
        "relationship-missing",
        Code::RelationshipMissing,
        "The client may not touch this item, because nothing relates it to the education organizations of the client: \
         a student who is enrolled nowhere, a staff member without employment or assignment, or an education \
         organization that is not among the client's claims.",
        "Which association makes the person visible (the pathway), whether the item carries that person, and whether \
         the hint can help at all. An education organization alone is a matter of claims, not of order.",
        "Create the pathway association, then repeat the request; a person that was created before it is updated after \
         it. Without a person in the message, check the client's education organizations.",
    ),
    row(
        "descriptor-value-missing",
        Code::DescriptorValueMissing,
        "A coded value, `namespace#codeValue`, is not among the server's descriptors. Often a mapping fault: a wrong \
         namespace, a local code, or the value of another descriptor.",
        "Which descriptor the property takes, whatever its role name, and whether the resource has it. It cannot know \
         which values the server holds.",
        "Load the descriptor value first, or correct the mapping to one that exists.",
    ),
    row(
        "key-change-not-supported",
        Code::KeyChangeNotSupported,
        "The update carries other identifying values than the stored item has, and the resource does not allow that.",
        "Which fields are identifying, and which dependents stand in the way of deleting the item.",
        "Correct the identifying values, or delete the item (its dependents first) and create it again.",
    ),
    row(
        "identity-conflict",
        Code::IdentityConflict,
        "Another item has the same identifying values. A POST is an upsert, so on a resource's own key this is \
         unusual: a subclass of EducationOrganization took the id, two requests raced, or a collection repeats a row.",
        "The parts of the natural key and where each comes from, and the subclasses that share one key.",
        "Look the key up, also in subclasses that share it. Send records of the same key one after the other.",
    ),
    row(
        "incomplete-reference",
        Code::IncompleteReference,
        "A reference object is present, but parts of its key are absent.",
        "The key fields that a reference to that target must give. Order does not matter here.",
        "Give all key fields, or leave the reference out if it is optional.",
    ),
    row(
        "key-unification-conflict",
        Code::KeyUnificationConflict,
        "Several references of one record carry the same key field with different values. It looks like a reference \
         fault, but it lies within the record.",
        "Which references share the field. Order does not matter here.",
        "Make the values agree.",
    ),
    row(
        "required-field-missing",
        Code::RequiredFieldMissing,
        "A field that the resource requires is absent or empty, or there is no body at all.",
        "Where the field sits, whether it is a reference, and its shape. Order does not matter here.",
        "Supply the field. If it is a reference, its target must exist before.",
    ),
    row(
        "duplicate-item",
        Code::DuplicateItem,
        "A collection holds two items with the same identifying values.",
        "Nothing: it lies within the record.",
        "Send each item once.",
    ),
    row(
        "malformed-body",
        Code::MalformedBody,
        "The body is not JSON, or not the JSON of this request. A path in the message only tells where reading stopped.",
        "Nothing.",
        "Mend the JSON.",
    ),
    row(
        "data-policy",
        Code::DataPolicy,
        "An API profile restricts what the client may send or read, or the profile in the content type does not apply.",
        "Nothing: profiles are not metadata of dependencies.",
        "Use the content type of a profile that is assigned to the client and covers the data.",
    ),
    row(
        "query-parameter",
        Code::QueryParameter,
        "A query parameter is unknown, out of range or contradicts another one.",
        "Nothing.",
        "Correct the parameter.",
    ),
    row(
        "data-validation",
        Code::DataValidation,
        "A value has the wrong type, length, range or form, or the client sent an id of its own.",
        "Nothing beyond the type of key and required fields.",
        "Correct the value at the path that the message gives; DMS shortens paths.",
    ),
    row(
        "authorization-other",
        Code::AuthorizationOther,
        "The request is denied for its namespace, for its owner, by the claim set or by a custom view.",
        "Nothing: another order will not help.",
        "Have the client's namespace prefixes, ownership token or claim set changed, or use the client that may.",
    ),
    row(
        "security-configuration",
        Code::SecurityConfiguration,
        "The server's security metadata cannot be applied to the request.",
        "Nothing.",
        "The host must mend it.",
    ),
    row(
        "authentication",
        Code::Authentication,
        "The client is not known, or its token is absent or has expired.",
        "Nothing, ever.",
        "Get a new token and repeat the request.",
    ),
    row(
        "not-found",
        Code::NotFound,
        "There is no such endpoint or item. A missing parent is never a 404: it is a 409 or a 403.",
        "Whether the endpoint exists, and the nearest one that does.",
        "Correct the path, or look the id up again.",
    ),
    row(
        "method-not-allowed",
        Code::MethodNotAllowed,
        "The endpoint does not take that method: a PUT or DELETE without an id, or a write to a snapshot.",
        "Nothing.",
        "Use the method that fits, with the id in the path.",
    ),
    row(
        "media-type",
        Code::MediaType,
        "The server does not take or give that content type.",
        "Nothing.",
        "Send `application/json`.",
    ),
    row(
        "precondition-failed",
        Code::PreconditionFailed,
        "The item was changed by somebody else since it was read, or just now.",
        "Nothing.",
        "Read the item again and repeat the change.",
    ),
    row(
        "throttled",
        Code::Throttled,
        "The client sends too much, or asked for too many tokens.",
        "Nothing.",
        "Wait as long as `Retry-After` says, then repeat the request.",
    ),
    row(
        "server-error",
        Code::ServerError,
        "The server, its database or a proxy failed.",
        "Nothing.",
        "Repeat the request after a while. A server that is not configured or provisioned needs its host.",
    ),
    UNKNOWN,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_codes() {
        let all: Vec<Code> = Code::all().collect();
        assert!(all.is_sorted() && all.last() == Some(&Code::Unknown));
        for code in all {
            assert_eq!(code.name().parse(), Ok(code));
            assert_eq!(code.explanation().code, code);
        }
        assert!("nonsense".parse::<Code>().unwrap_err().to_string().contains("unresolved-reference, dependent-exists"));
    }
}
