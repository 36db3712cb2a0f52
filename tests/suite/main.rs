//! The one integration test binary: the library and the program as their users meet them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod api_model;
mod audit;
mod corpus;
mod published_order;
