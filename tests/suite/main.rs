//! The one integration test binary: the library and the program as their users meet them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod corpus;
mod live_api;
mod live_cli;
mod published_order;
mod server;
