//! The Leptos app: pages, components and hooks.

pub mod ports;
