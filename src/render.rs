//! Results as bytes: one file a format, none of which decides anything.

pub mod curl;
pub mod diagram;
pub mod json;
pub mod lists;
pub mod text;
