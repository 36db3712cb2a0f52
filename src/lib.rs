//! Load order, prerequisites, safe deletes and the meaning of errors for Ed-Fi APIs, from their own metadata.
//!
//! An Ed-Fi API refuses a record whose references do not exist yet. This crate builds the graph of
//! resources and references from the API's own documents, or takes one that it carries, and orders it.
//!
//! # From documents to answers
//!
//! A [`source`] reads documents of any kind, recognised by content, into one [`model::Model`]:
//!
//! ```
//! use edfi_plan::source;
//!
//! let model = source::standard("ed-fi-5.1")?;
//! assert_eq!(model.metadata.name, "ed-fi-5.1");
//! // or: source::read(&[Document { name, bytes }, …], &[])
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`graph::DependencyGraph::build`] checks it once; the graph then answers without failing:
//!
//! ```
//! use edfi_plan::graph::{DependencyGraph, Follow, Found};
//! # use edfi_plan::source;
//!
//! let graph = DependencyGraph::build(source::standard("ed-fi-5.1")?)?;
//! // Any spelling finds a resource: endpoint, path, entity, schema, reference.
//! let Found::Resource(sections) = graph.find("edFi_section")? else { return Err("abstract".into()) };
//! assert_eq!(graph.name(sections).as_str(), "/ed-fi/sections");
//!
//! let needs: Vec<&str> = graph
//!     .prerequisites(sections)
//!     .filter(|edge| edge.required)
//!     .map(|edge| graph.name(edge.prerequisite).short())
//!     .collect();
//! assert_eq!(needs[0], "courseOfferings");
//! assert!(graph.transitive_prerequisites(sections, Follow::required()).len() > needs.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`plan::load`] orders steps in waves; [`plan::server`] reproduces the order of the API itself:
//!
//! ```
//! use edfi_plan::graph::{Authorization, DependencyGraph};
//! use edfi_plan::plan::load::{LoadOptions, load_plan};
//! # use edfi_plan::source;
//!
//! let graph = DependencyGraph::build(source::standard("ed-fi-5.0+tpdm")?)?;
//! let authorization = Authorization::relationships(&graph, &[])?;
//! let options = LoadOptions { authorization, ..LoadOptions::default() };
//! let plan = load_plan(&graph, &graph.select_all(), &options)?;
//! assert_eq!(plan.waves.len(), 18);
//! assert_eq!(plan.deferred[0].resource.short(), "credentials");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`plan::delete`] orders deletes, with everything that refers to what is named:
//!
//! ```
//! use std::collections::BTreeSet;
//!
//! use edfi_plan::graph::DependencyGraph;
//! use edfi_plan::plan::delete::{DeleteOptions, delete_plan};
//! # use edfi_plan::source;
//!
//! let graph = DependencyGraph::build(source::standard("ed-fi-5.1")?)?;
//! let named: BTreeSet<_> = graph.find_all("gradingPeriods")?.into_iter().collect();
//! let plan = delete_plan(&graph, &named, &DeleteOptions::default())?;
//! let last = plan.waves.last().and_then(|wave| wave.steps.last()).ok_or("empty")?;
//! assert_eq!(last.resource.short(), "gradingPeriods");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`render`] turns every answer into text or JSON. Nothing here prints, opens a file or reads the
//! environment; the `edfi-plan` program does, as a thin layer over this library.

pub mod api;
pub mod diagnosis;
pub mod graph;
pub mod model;
pub mod plan;
pub mod records;
pub mod render;
pub mod source;
