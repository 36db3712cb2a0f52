//! The one integration test binary: the library and the program as their users meet them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod api_model;
mod audit;
mod bad_input;
mod bundled;
mod corpus;
mod determinism;
mod dialects;
mod diff;
mod fixtures;
mod live_api;
mod live_cli;
mod naive;
mod program;
mod published_order;
mod random;
mod replay;
mod rooms;
mod server;
mod transcripts;
mod verify;
