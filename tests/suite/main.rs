//! The one integration test binary: the library and the program as their users meet them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod corpus;
mod diagnosis_cascade;
mod diagnosis_cases;
mod diagnosis_inputs;
mod diagnosis_traps;
mod published_order;
