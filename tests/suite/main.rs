//! The one integration test binary: the library and the program as their users meet them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod api_schema;
mod bad_input;
mod bundled;
mod corpus;
mod determinism;
mod dialects;
mod fixtures;
mod merging;
mod naive;
mod oracle;
mod program;
mod published_order;
mod random;
mod replay;
mod rooms;
mod transcripts;
mod verify;
