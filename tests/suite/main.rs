//! The one integration test binary: the library and the program as their users meet them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod api_model;
mod api_schema;
mod audit;
mod bad_input;
mod bundled;
mod common;
mod corpus;
mod delete_circles;
mod delete_folder;
mod delete_records;
mod delete_store;
mod deletes;
mod deletes_oracle;
mod determinism;
mod diagnosis_cascade;
mod diagnosis_cases;
mod diagnosis_codes;
mod diagnosis_inputs;
mod diagnosis_redacted;
mod diagnosis_traps;
mod diagnosis_verdicts;
mod diagnosis_wordings;
mod dialects;
mod diff;
mod fixtures;
mod live_api;
mod live_cli;
#[cfg(unix)]
mod live_delete;
#[cfg(unix)]
mod live_diagnose;
mod live_records;
mod merging;
mod naive;
mod ods;
mod oracle;
mod payloads;
mod program;
mod published_graph;
mod published_order;
mod random;
mod record_store;
mod records_arrange;
mod records_check;
mod records_checklist;
mod records_cli;
mod records_files;
mod records_resend;
mod records_trace;
mod replay;
mod rooms;
mod selection;
mod server;
mod transcripts;
mod verify;
