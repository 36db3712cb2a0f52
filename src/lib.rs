//! Load order, prerequisites and safe deletes for Ed-Fi APIs, from their own metadata.

pub mod model;
pub mod source;
