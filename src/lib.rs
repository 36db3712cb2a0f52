//! Load order, prerequisites and safe deletes for Ed-Fi APIs, from their own metadata.

pub mod api;
pub mod graph;
pub mod model;
pub mod plan;
pub mod render;
pub mod source;
